// Privilege 3 in 32-bit code: what it may not do, ports, gates into privilege 0 and the way back (SDM 3A, chapter 5; SDM 1, 19.5).
//~ IRET to another privilege
//= 0000000e 00000000 0000000e 00000000 0000000e 00000000 0000000e 00000000 a
//= 00000041 00000041 b
//= 00000041 0000000e 00000000 0000000e 00000000 00000041 c
//= 0000000e 0000020a 0000000e 00000050 0000000e 00000000 d
//= 00000008 00000010 22222222 11111111 0000001b 00005000 00000041 e
//= 00000023 00000000 00000041 f
//= 0000001b 00000041 g
//= 0000fff6 00003333 00000041 h
//= 0000000e 00000018 0000000c 00000060 0000000d 00000068 i
//= 00000009 00000000 j
#include "protected.inc"
        .set GATE, 0x48
        .set OWN_GATE, 0x50
        .set CONFORMING, 0x58
        .set ABSENT, 0x60
        .set ABSENT_DATA, 0x68
        .set GATE_16, 0x70
start:  ENTER_PROTECTED_MODE

main:   movl    $(BASE + through_gate), %eax
        movl    %eax, %ebx
        andl    $0xffff, %eax
        orl     $(CODE << 16), %eax
        andl    $0xffff0000, %ebx
        movl    %eax, GDT + GATE
        movl    %eax, GDT + OWN_GATE
        leal    0xec02(%ebx), %ecx
        movl    %ecx, GDT + GATE + 4
        leal    0x8c00(%ebx), %ecx
        movl    %ecx, GDT + OWN_GATE + 4
        movl    $0x0000ffff, GDT + CONFORMING
        movl    $0x00cf9f00, GDT + CONFORMING + 4
        movl    $0x0000ffff, GDT + ABSENT
        movl    $0x00cf1b00, GDT + ABSENT + 4
        movl    $0x0000ffff, GDT + ABSENT_DATA
        movl    $0x00cf1300, GDT + ABSENT_DATA + 4
        movl    $((CODE_16 << 16) + through_gate_16), GDT + GATE_16
        movl    $0x0000e401, GDT + GATE_16 + 4

        TRY_USER 0, cli
        TRY_USER 0, hlt
        TRY_USER 0, inb $0x80, %al
        TRY_USER 3, movl %cr0, %eax
        SAY_LINE 'a'
        TRY_USER 3, inb $0x80, %al
        TRY_USER 3, cli
        SAY_LINE 'b'

        // An I/O map behind the task state: port 80h alone is free.
        movl    $TASK + 0x68, %edi
        movl    $-1, %eax
        movl    $0x20, %ecx
        rep stosl
        movb    $0xfe, TASK + 0x68 + 0x10
        movw    $0x90, GDT + MAIN_TASK
        movb    $0x89, GDT + MAIN_TASK + 5
        movw    $MAIN_TASK, %ax
        ltr     %ax
        TRY_USER 0, inb $0x80, %al
        TRY_USER 0, inb $0x81, %al
        TRY_USER 0, inw $0x80, %ax
        movb    $0xfc, TASK + 0x68 + 0x10
        TRY_USER 0, inw $0x80, %ax
        SAY_LINE 'c'

        TRY_USER 0, int $OWN
        TRY_USER 0, lcall $OWN_GATE, $0
        TRY_USER 0, lcall $0, $0
        SAY_LINE 'd'

        // Two parameters go to the inner stack, and LRET releases them on both.
        RUN_USER 1f, 2f, 0
1:      pushl   $0x11111111
        pushl   $0x22222222
        lcall   $(GATE + 3), $0
        movl    %esp, %ebp
        int     $BACK
2:      SAY_VALUE FOUND
        SAY_VALUE FOUND + 4
        SAY_VALUE FOUND + 8
        SAY_VALUE FOUND + 12
        SAY_VALUE FOUND + 16
        SAY_VALUE %ebp
        SAY_FAULT
        SAY_LINE 'e'

        // On the way out a segment that the outer privilege may not use becomes null.
        RUN_USER 1f, 2f, 0
1:      movl    $USER_DATA, %eax
        movl    %eax, %fs
        pushl   $0
        pushl   $0
        lcall   $(GATE + 3), $0
        movl    %fs, %ebp
        movl    %gs, %edi
        int     $BACK
2:      SAY_VALUE %ebp
        SAY_VALUE %edi
        SAY_FAULT
        SAY_LINE 'f'

        // Conforming code keeps the privilege.
        RUN_USER 1f, 2f, 0
1:      lcall   $CONFORMING, $(BASE + in_conforming)
        int     $BACK
2:      SAY_VALUE FOUND + 16
        SAY_FAULT
        SAY_LINE 'g'

        // Through a 16-bit gate, on a stack of 32 bits.
        RUN_USER 1f, 2f, 0
1:      pushw   $0x3333
        movl    $0, FOUND
        movl    $0, FOUND + 4
        lcall   $(GATE_16 + 3), $0
        int     $BACK
2:      SAY_VALUE FOUND
        SAY_VALUE FOUND + 4
        SAY_FAULT
        SAY_LINE 'h'

        TRY     ljmp $USER_CODE, $0
        TRY     ljmp $ABSENT, $0
        movl    $ABSENT_DATA, %eax
        TRY     movl %eax, %ss
        SAY_LINE 'i'

        // The handler is absent: two contributory exceptions are a double fault.
        TRY     call double_fault
        SAY_LINE 'j'
        FINISH

        .set FOUND, 0x7100
through_gate:
        movl    %cs, %eax
        movl    %eax, FOUND
        movl    %ss, %eax
        movl    %eax, FOUND + 4
        movl    8(%esp), %eax
        movl    %eax, FOUND + 8
        movl    12(%esp), %eax
        movl    %eax, FOUND + 12
        movl    4(%esp), %eax
        movl    %eax, FOUND + 16
        movl    $DATA, %eax
        movl    %eax, %gs
        lret    $8
in_conforming:
        movl    %cs, %eax
        andl    $3, %eax
        addl    $0x18, %eax
        movl    %eax, FOUND + 16
        lret
        .code16
through_gate_16:
        movl    %esp, %eax
        andl    $0xffff, %eax
        orl     $0xf000, %eax
        movl    %eax, FOUND
        movzwl  4(%esp), %eax           // the parameter
        movl    %eax, FOUND + 4
        int     $BACK
        .code32
double_fault:
        movw    $0, IDT_32 + 13 * 8 + 4
        movl    $0xf8, %eax
        movl    %eax, %ds
        ret
        RESET_VECTOR
