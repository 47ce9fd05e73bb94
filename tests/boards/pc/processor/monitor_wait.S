// A second processor waits at a line of memory (MONITOR, MWAIT; SDM 3A, 9.10.4): that it stands until then, and that it goes on by
// the first one's store; the same with an interrupt that is masked, which ends it where ECX says so.
//~ MONITOR and MWAIT
//- no MWAIT
//+ -smp 2
//= 00000001 00000001 s
//= 00000001 00000001 i
//= 0000000d 0000000d f
#include "program.inc"
        .set LINE, 0x5000
        .set READY, 0x5100              // how often the second processor came by
        .set DONE, 0x5104
        .set ROUNDS, 0x5108             // the same, where it waits for an interrupt
        .set SPURIOUS, 0xfee000f0
        .set COMMAND_LOW, 0xfee00300
        .set COMMAND_HIGH, 0xfee00310
        .set FEW, 100                   // it may come by now and then without a reason
        .set MONITOR_ECX, 1             // that MONITOR does not know
        .set MWAIT_ECX, 2

.macro FLAT_SEGMENT                     // of DS, which keeps its limit
        lgdtl   %cs:(table_pointer)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        movw    $8, %bx
        movw    %bx, %ds
        andb    $0xfe, %al
        movl    %eax, %cr0
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movl    $SPURIOUS, %edi
        movl    $0x1ff, (%edi)
.endm

.macro MONITOR_LINE
        movl    $LINE, %eax
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        monitor
.endm

// Whether it hardly came by in some milliseconds. The first of them are for the stores of others to be seen.
.macro SAY_FEW counter
        call    delay
        movl    (\counter), %ebp
        call    delay
        xorl    %eax, %eax
        subl    (\counter), %ebp
        negl    %ebp
        cmpl    $FEW, %ebp
        setb    %al
        call    say_number
.endm

second: cli                             // at F000:0, where it starts
        FLAT_SEGMENT
1:      MONITOR_LINE
        cmpb    $0, (LINE + 60)
        jne     2f
        incl    (READY)
        xorl    %eax, %eax
        mwait
        jmp     1b
2:      movb    $1, (DONE)
3:      MONITOR_LINE
        incl    (ROUNDS)
        xorl    %eax, %eax
        movl    $1, %ecx
        mwait
        jmp     3b

start:  cli
        FLAT_SEGMENT
        movw    $0x4000, %sp
        movl    $1, %eax
        cpuid
        testb   $8, %cl
        jz      none
        xorl    %eax, %eax
        movl    %eax, (READY)
        movl    %eax, (DONE)
        movl    %eax, (ROUNDS)
        movb    %al, (LINE + 60)
        movl    $0x4500, %eax           // INIT, then its start at F0000h
        call    command
        movl    $0x46f0, %eax
        call    command

1:      cmpl    $0, (READY)
        je      1b
        SAY_FEW READY
        movb    $1, (LINE + 60)
        call    delay
        movzbl  (DONE), %eax
        call    say_number
        SAY_LINE 's'

        SAY_FEW ROUNDS
        movl    (ROUNDS), %ebp
        movl    $0x4040, %eax           // vector 40h
        call    command
        xorl    %eax, %eax
        cmpl    %ebp, (ROUNDS)
        seta    %al
        call    say_number
        SAY_LINE 'i'

        REAL_VECTOR 13, fault
        movl    $LINE, %eax
        movl    $MONITOR_ECX, %ecx
        xorl    %edx, %edx
        xorl    %ebp, %ebp
        monitor
        movl    %ebp, %eax
        call    say_number
        xorl    %ebp, %ebp
        xorl    %eax, %eax
        movl    $MWAIT_ECX, %ecx
        mwait
        movl    %ebp, %eax
        call    say_number
        SAY_LINE 'f'
        FINISH
none:   .irp    character, 'n', 'o', ' ', 'M', 'W', 'A', 'I', 'T'
        SAY     \character
        .endr
        FINISH

fault:  movl    $13, %ebp
        popw    %ax
        addw    $3, %ax                 // past the instruction
        pushw   %ax
        iretw

// EAX: what is sent to processor 1.
command:
        movl    $COMMAND_HIGH, %edi
        movl    $0x01000000, (%edi)
        movl    $COMMAND_LOW, %edi
        movl    %eax, (%edi)
// Some milliseconds.
delay:  rdtsc
        movl    %eax, %ebx
1:      pause
        rdtsc
        subl    %ebx, %eax
        cmpl    $30000000, %eax
        jb      1b
        ret

        DEFINE_SAY_NUMBER say_number
table:  .quad   0, 0x00cf93000000ffff
table_pointer:
        .word   2 * 8 - 1
        .long   BASE + table
        RESET_VECTOR
