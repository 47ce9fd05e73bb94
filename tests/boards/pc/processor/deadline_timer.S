// The local APIC's timer with a deadline (SDM 3A, 11.5.4.1), in x2APIC mode: the vector plus 1, whether the counter is past it then,
// and what the deadline reads as.
//~ deadlines of the time-stamp counter
//- $
//- 0000000e
//= 00000020 00000001 00000000 f
//= 00000020 00000001 00000000 p
//= 00000020 00000001 00000000 m
//= 00000000 00000001 00000000 z
#include "long_mode.inc"
        .set IA32_TIME_STAMP_COUNTER, 0x10
        .set IA32_APIC_BASE, 0x1b
        .set IA32_TSC_DEADLINE, 0x6e0
        .set X2APIC_EOI, 0x80b
        .set X2APIC_SPURIOUS, 0x80f
        .set X2APIC_TIMER, 0x832
        .set FEATURES, 0x20             // PAE
start:  ENTER_LONG_MODE main, FEATURES

// RBX: a value. Changes RAX, ECX, RDX.
.macro WRITE_MSR number
        movl    $\number, %ecx
        movl    %ebx, %eax
        movq    %rbx, %rdx
        shrq    $32, %rdx
        wrmsr
.endm

// RAX: the counter. Changes RDX.
.macro READ_COUNTER
        rdtsc
        shlq    $32, %rdx
        orq     %rdx, %rax
.endm

// Of what came, RBX having been the deadline.
.macro SAY_WHAT_CAME
        movq    FAULT_VECTOR, %rax
        call    say_number_64
        READ_COUNTER
        cmpq    %rbx, %rax
        setae   %al
        movzbl  %al, %eax
        call    say_number_64
        movl    $IA32_TSC_DEADLINE, %ecx
        rdmsr
        orl     %edx, %eax
        call    say_number_64
        xorl    %ebx, %ebx
        WRITE_MSR X2APIC_EOI
.endm

// Waits for the interrupt.
.macro WAIT
        leaq    8f(%rip), %rax
        movq    %rax, FAULT_RESUME
        sti
7:      hlt
        jmp     7b
8:
.endm

main:   movl    $IA32_APIC_BASE, %ecx
        rdmsr
        orl     $0xc00, %eax
        wrmsr
        movl    $0x1ff, %ebx
        WRITE_MSR X2APIC_SPURIOUS
        movl    $0x4001f, %ebx          // deadline, vector 1Fh
        WRITE_MSR X2APIC_TIMER

        // One that is to come.
        READ_COUNTER
        leaq    1000000(%rax), %rbx
        WRITE_MSR IA32_TSC_DEADLINE
        WAIT
        SAY_WHAT_CAME
        SAY_LINE 'f'

        // One that is past.
        READ_COUNTER
        leaq    -1000(%rax), %rbx
        WRITE_MSR IA32_TSC_DEADLINE
        WAIT
        SAY_WHAT_CAME
        SAY_LINE 'p'

        // A counter that is moved beyond it.
        READ_COUNTER
        btsq    $50, %rax
        movq    %rax, %rbx
        WRITE_MSR IA32_TSC_DEADLINE
        movq    %rbx, %rbp
        addq    $1000, %rbx
        WRITE_MSR IA32_TIME_STAMP_COUNTER
        movq    %rbp, %rbx
        WAIT
        SAY_WHAT_CAME
        SAY_LINE 'm'

        // None any more.
        movq    $0, FAULT_VECTOR
        leaq    9f(%rip), %rax
        movq    %rax, FAULT_RESUME
        READ_COUNTER
        leaq    100000(%rax), %rbx
        movq    %rbx, %rbp
        WRITE_MSR IA32_TSC_DEADLINE
        xorl    %ebx, %ebx
        WRITE_MSR IA32_TSC_DEADLINE
        sti
1:      READ_COUNTER
        subq    $1000000, %rax
        cmpq    %rbp, %rax
        jb      1b
9:      cli
        SAY_WHAT_CAME
        SAY_LINE 'z'
        FINISH
        RESET_VECTOR
