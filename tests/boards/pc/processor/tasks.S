// Task switches (SDM 3A, chapter 7): JMP, CALL, IRET, interrupts and exceptions through task gates, 32- and 16-bit states.
//~ task switches
//= 00000048 00000000 00000089 0000008b 00000000 a
//= 00000048 00004000 00000038 0000008b 0000008b 12345678 b
//= 00000038 00000000 0000008b 00000089 c
//= 00000048 00004000 00000038 d
//= 00000048 00000abc 0000000e e
//= 00000058 00000038 0000beef f
//= 0000000e 00000038 0000000c 00000060 0000000e 00000068 0000000b 00000070 g
//= 00000002 00008000 h
//= 00000008 00000000 i
#include "protected.inc"
        .set OTHER, 0x48
        .set GATE, 0x50
        .set OTHER_16, 0x58
        .set ABSENT, 0x60
        .set NO_TASK, 0x68
        .set SHORT, 0x70
        .set TSS, 0x8000
        .set TSS_16, 0x8100
        .set FOUND, 0x7100
start:  ENTER_PROTECTED_MODE

.macro DESCRIBE selector, low, high
        movl    $\low, GDT + \selector
        movl    $\high, GDT + \selector + 4
.endm
// A fresh state whose code is at the label.
.macro MAKE_TASK label
        movl    $TSS, %edi
        xorl    %eax, %eax
        movl    $26, %ecx
        rep stosl
        movl    $(BASE + \label), TSS + 0x20
        movl    $2, TSS + 0x24
        movl    $0x9000, TSS + 0x38
        movl    $DATA, TSS + 0x48
        movl    $CODE, TSS + 0x4c
        movl    $DATA, TSS + 0x50
        movl    $DATA, TSS + 0x54
        movw    $0x68, TSS + 0x66
        DESCRIBE OTHER, 0x80000067, 0x00008900
.endm
// In the task: TR, NT, the link.
.macro NOTE_TASK
        str     %eax
        movl    %eax, FOUND
        pushfl
        popl    %eax
        andl    $0x4000, %eax
        movl    %eax, FOUND + 4
        movzwl  TSS, %eax
        movl    %eax, FOUND + 8
        movzbl  GDT + MAIN_TASK + 5, %eax
        movl    %eax, FOUND + 12
        movzbl  GDT + OTHER + 5, %eax
        movl    %eax, FOUND + 16
.endm
.macro SAY_FOUND first, count
        movl    $(FOUND + 4 * \first), %edi
        movl    $\count, %ebx
3:      movl    (%edi), %eax
        call    say_number
        addl    $4, %edi
        decl    %ebx
        jnz     3b
.endm

main:   DESCRIBE GATE, OTHER << 16, 0x0000e500
        DESCRIBE ABSENT, 0x80000067, 0x00000900
        DESCRIBE NO_TASK, 0x80000067, 0x00008200
        DESCRIBE SHORT, 0x80000066, 0x00008900

        // A jump: the old task is free again, and nothing links to it.
        MAKE_TASK jumped
        clts
        ljmp    $OTHER, $0
        SAY_FOUND 0, 2
        movl    FOUND + 12, %eax
        call    say_number
        SAY_VALUE FOUND + 16
        SAY_VALUE FOUND + 8
        SAY_LINE 'a'

        // A call: both are busy, and IRET comes back with the registers that were saved.
        MAKE_TASK called
        movl    $0x12345678, %esi
        lcall   $OTHER, $0
        movl    %esi, FOUND + 20
        SAY_FOUND 0, 6
        SAY_LINE 'b'
        str     %eax
        call    say_number
        pushfl
        popl    %eax
        andl    $0x4000, %eax
        call    say_number
        movzbl  GDT + MAIN_TASK + 5, %eax
        call    say_number
        movzbl  GDT + OTHER + 5, %eax
        call    say_number
        SAY_LINE 'c'

        // An interrupt through a task gate.
        MAKE_TASK called
        movl    $(OTHER << 16), IDT_32 + BACK * 8
        movl    $0x0000e500, IDT_32 + BACK * 8 + 4
        int     $BACK
        SAY_FOUND 0, 3
        SAY_LINE 'd'

        // An exception brings its error code along, and the state that it saved can be changed.
        MAKE_TASK excepted
        pushl   IDT_32 + 13 * 8
        pushl   IDT_32 + 13 * 8 + 4
        movl    $(OTHER << 16), IDT_32 + 13 * 8
        movl    $0x0000e500, IDT_32 + 13 * 8 + 4
        movl    $0xabc, %eax
        movw    %ax, %fs
        SAY_VALUE FOUND
        SAY_VALUE FOUND + 4
        SAY_VALUE FOUND + 8
        SAY_LINE 'e'
        popl    IDT_32 + 13 * 8 + 4
        popl    IDT_32 + 13 * 8

        // A state of 16 bits.
        movl    $TSS_16, %edi
        xorl    %eax, %eax
        movl    $11, %ecx
        rep stosl
        movw    $task_16, TSS_16 + 14
        movw    $2, TSS_16 + 16
        movw    $0x9000, TSS_16 + 26
        movw    $0xbeef, TSS_16 + 32
        movw    $DATA, TSS_16 + 34
        movw    $CODE_16, TSS_16 + 36
        movw    $DATA, TSS_16 + 38
        movw    $DATA, TSS_16 + 40
        DESCRIBE OTHER_16, 0x8100002b, 0x00008100
        lcall   $OTHER_16, $0
        SAY_FOUND 0, 3
        SAY_LINE 'f'

        // To a busy task, an absent one, what is none, and one whose state is too small.
        TRY     ljmp $MAIN_TASK, $0
        TRY     ljmp $ABSENT, $0
        TRY     ljmp $NO_TASK, $0
        TRY     ljmp $SHORT, $0
        SAY_LINE 'g'

        // The T flag: a trap ahead of the task's first instruction.
        MAKE_TASK called
        movb    $1, TSS + 100
        movl    $0xffff0ff0, %eax
        movl    %eax, %dr6
        TRY     lcall $OTHER, $0
        movl    %dr6, %eax
        andl    $0xf00f, %eax
        call    say_number
        SAY_LINE 'h'

        // CR0.TS is set by each: an instruction of the x87's is #NM. (In the other task, which is the current one.)
        TRY     fnop
        clts
        TRY     fnop
        SAY_LINE 'i'
        FINISH

jumped: NOTE_TASK
        ljmp    $MAIN_TASK, $0
called: NOTE_TASK
        xorl    %esi, %esi
        iretl
        jmp     called
excepted:
        str     %eax
        movl    %eax, FOUND
        popl    FOUND + 4
        movl    $14, FOUND + 8         // so that it is seen to have been here
        addl    $2, TASK + 0x20         // behind MOV to FS
        iretl
        .code16
task_16:
        movw    %cx, %ax
        str     %ax
        movzwl  %ax, %eax
        movl    %eax, (FOUND)
        movzwl  (TSS_16), %eax
        movl    %eax, (FOUND + 4)
        movzwl  %si, %eax
        movzwl  %bp, %ecx
        orl     %ecx, %eax
        movzwl  %di, %ecx
        orl     %ecx, %eax
        movl    %eax, (FOUND + 8)
        iretw
        .code32
        RESET_VECTOR
