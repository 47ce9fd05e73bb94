// Alignment checks, divisions, the edges of segments, and instructions that only raise, in 32-bit code.
//~ IRET to another privilege
//= 00000000 00000012 00000000 00000000 a
//= 00000001 00000001 00000000 b
//= 0000000e 00000000 0000000d 00000000 0000000e 00000000 c
//= 00000006 00000007 00000007 00000007 d
//= 00000005 00000000 e
#include "protected.inc"
        .set NARROW, 0x48
        .set DOWN, 0x50
        .set READ_ONLY, 0x58
        .set WORD, 0x7100
        .set ZERO, 0x7200
        .set AC, 0x40000
start:  ENTER_PROTECTED_MODE

// At privilege 3, with AC in EFLAGS as given: #AC is 12h, and has an error code of 0.
.macro TRY_ALIGNMENT flag, instruction:vararg
        movl    $0, FAULT_VECTOR
        movl    $(BASE + 6f), FAULT_RESUME
        movw    $USER_DATA, %ax
        movw    %ax, %ds
        pushl   $USER_DATA
        pushl   $USER_STACK
        pushl   $(2 + \flag)
        pushl   $USER_CODE
        pushl   $(BASE + 5f)
        iretl
5:      \instruction
        int     $BACK
6:      movl    FAULT_VECTOR, %eax
        cmpl    $(BACK + 1), %eax
        jne     5f
        xorl    %eax, %eax
5:      call    say_number
.endm

main:   movl    $0x0000000f, GDT + NARROW       // 16 bytes at 0
        movl    $0x00409300, GDT + NARROW + 4
        movl    $0x00000fff, GDT + DOWN         // all but the first 4 KiB
        movl    $0x00409700, GDT + DOWN + 4
        movl    $0x0000ffff, GDT + READ_ONLY
        movl    $0x00cf9100, GDT + READ_ONLY + 4

        movl    %cr0, %eax
        orl     $0x40000, %eax          // AM
        movl    %eax, %cr0
        TRY_ALIGNMENT AC, movl 0x7100, %ebx
        TRY_ALIGNMENT AC, movl 0x7101, %ebx
        TRY_ALIGNMENT 0, movl 0x7101, %ebx
        movl    %cr0, %eax
        andl    $~0x40000, %eax
        movl    %eax, %cr0
        TRY_ALIGNMENT AC, movl 0x7101, %ebx
        SAY_LINE 'a'

        TRY     divl ZERO
        movl    $0x80000000, %eax
        movl    $-1, %edx
        movl    $-1, %ecx
        TRY     idivl %ecx
        xorl    %edx, %edx
        movl    $7, %eax
        movl    $2, %ecx
        TRY     divl %ecx
        SAY_LINE 'b'

        movl    $NARROW, %eax
        movw    %ax, %fs
        TRY     movl %fs:13, %ebx
        movl    $DOWN, %eax
        movw    %ax, %ss
        movl    $0x1000, %ebp
        TRY     movl -4(%ebp), %ebx
        movl    $READ_ONLY, %eax
        movw    %ax, %fs
        TRY     movl %ebx, %fs:WORD
        SAY_LINE 'c'

        movl    $5, WORD
        movl    $7, WORD + 4
        movl    $9, %eax
        TRY     boundl %eax, WORD
        TRY     ud2
        TRY     .byte 0xf0, 0x90        // LOCK NOP
        TRY     .byte 0xf0, 0x01, 0xc0  // LOCK ADD of registers
        SAY_LINE 'd'

        movb    $0x7f, %al
        addb    $1, %al
        TRY     into
        xorl    %eax, %eax
        TRY     into
        SAY_LINE 'e'
        FINISH
        RESET_VECTOR
