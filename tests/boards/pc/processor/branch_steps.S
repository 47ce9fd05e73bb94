// Single steps from branch to branch (IA32_DEBUGCTL.BTF; SDM 3B, 17.4.3): the vector plus 1, how far it came, DR6's upper bits, and what
// is left of IA32_DEBUGCTL.
//~ steps of branches
//- 00000000
//- 00000002 0000000[01]
//- 0000000e
//= 00000002 00000006 00004000 00000000 j
//= 00000002 00000009 00004000 00000000 n
//= 00000002 00000007 00004000 00000000 c
#include "long_mode.inc"
        .set FLAGS_TF, 0x102
        .set IA32_DEBUGCTL, 0x1d9
        .set FEATURES, 0x20             // PAE
start:  ENTER_LONG_MODE main, FEATURES

.macro STEP
        movl    $0xffff0ff0, %eax
        movq    %rax, %dr6
        movq    $0, FAULT_VECTOR
        movl    $IA32_DEBUGCTL, %ecx
        xorl    %edx, %edx
        movl    $2, %eax
        wrmsr
        leaq    8f(%rip), %rax
        movq    %rax, FAULT_RESUME
        xorl    %ebx, %ebx
        pushq   $FLAGS_TF
        popfq
.endm

// FAULT_ERROR has RIP: it has no error code.
.macro SAY_STEP from
8:      movq    FAULT_VECTOR, %rax
        call    say_number_64
        leaq    \from(%rip), %rax
        subq    FAULT_ERROR, %rax
        negq    %rax
        call    say_number_64
        movq    %dr6, %rax
        andl    $0xe00f, %eax
        call    say_number_64
        movl    $IA32_DEBUGCTL, %ecx
        rdmsr
        call    say_number_64
.endm

main:   STEP                            // a jump
1:      nop
        nop
        jmp     2f
        ud2
2:      nop
        nop
        SAY_STEP 1b
        SAY_LINE 'j'

        STEP                            // one that is not taken, and one that is
1:      testl   %ebx, %ebx
        jnz     2f
        nop
        jz      2f
        ud2
2:      nop
        SAY_STEP 1b
        SAY_LINE 'n'

        STEP                            // a call of what is next
1:      nop
        nop
        call    2f
2:      nop
        SAY_STEP 1b
        SAY_LINE 'c'
        FINISH
        RESET_VECTOR
