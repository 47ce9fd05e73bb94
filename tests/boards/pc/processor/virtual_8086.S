// Virtual-8086 mode (SDM 3B, chapter 20): what IOPL keeps from it, interrupts out of it and the way back, ports; with VME interrupts
// of its own and the virtual interrupt flag. A fault is said as its vector plus 1; 41h is the end by INT 40h, whose handler is
// privilege 0's.
//~ IRET to another privilege
//= 00023002 00001000 0000ff80 00006000 00001111 00002222 00003333 00004444 00000000 00000041 a
//= 0000000e 00000000 0000000e 00000000 0000000e 00000000 0000000e 00000000 0000000e 00000000 b
//= 00000041 00000041 00000041 00000041 c
//= 00000041 0000000e 00000000 d
//= 00000004 0000000e 00000000 e
//= 0000000e 00000000 00000002 00001234 00003002 00030002 0000000e 00000000 00000002 00001234 00003202 000b0002 f
//= 0000000e 00000000 00000001 000b0002 0000000e 00000000 00000001 00030002 g
//= 0000000e 00000000 00000002 00003202 0000000e 00000000 00000004 000b0002 h
//= 00000000 00000003 00000003 00000000 00000000 i
//= 00000041 00001234 00003002 00023002 j
//= 00000041 00080002 0000000e 00000000 k
#include "protected.inc"
        .set CODE_86, 0x10000           // at 1000h:0
        .set STACK_86, 0xff80           // of segment 6000h
        .set FRAME, 0x7100              // what the handler of INT 40h found
        .set VM, 0x20000
        .set VIF, 0x80000
        .set VIP, 0x100000
        .set MAP, 0x88                  // of ports, in the task state; 32 bytes for INT n lie below
start:  ENTER_PROTECTED_MODE

// Carries out the instructions there, with the flags as given.
.macro RUN_8086 flags, instructions:vararg
        movl    $0, FAULT_VECTOR
        movl    $(BASE + 6f), FAULT_RESUME
        movl    $(BASE + 4f), %esi
        movl    $CODE_86, %edi
        movl    $(5f - 4f), %ecx
        rep movsb
        pushl   $0x4444
        pushl   $0x3333
        pushl   $0x2222
        pushl   $0x1111
        pushl   $0x6000
        pushl   $STACK_86
        pushl   $(VM + 2 + \flags)
        pushl   $0x1000
        pushl   $0
        iretl
        .code16
4:      \instructions
        int     $BACK
5:
        .code32
6:
.endm
.macro TRY_8086 flags, instructions:vararg
        RUN_8086 \flags, \instructions
        SAY_FAULT
.endm

.macro SAY_FRAME numbers:vararg
        .irp    n, \numbers
        SAY_VALUE (FRAME + 4 * \n)
        .endr
.endm
.macro FOUND_LINE
        SAY_VALUE FRAME + 0x24
        movzwl  FRAME + 0x28, %eax
        call    say_number
        SAY_VALUE FRAME + 8
.endm

main:   movl    $(BASE + back), %eax
        movw    %ax, IDT_32 + BACK * 8
        movl    $TASK + 0x68, %edi
        movl    $-1, %eax
        movl    $0x20, %ecx
        rep stosl
        movw    $MAP, TASK + 0x66
        movb    $0xfe, TASK + MAP + 0x10        // port 80h
        movw    $(MAP + 0x40), GDT + MAIN_TASK
        movb    $0x89, GDT + MAIN_TASK + 5
        movw    $MAIN_TASK, %ax
        ltr     %ax
        movw    $(in_8086 - start_8086 + 0x800), 0x42 * 4
        movw    $0x1000, 0x42 * 4 + 2
        movl    $(BASE + start_8086), %esi
        movl    $(CODE_86 + 0x800), %edi
        movl    $(end_8086 - start_8086), %ecx
        rep movsb

        // The frame: EFLAGS with VM, CS, ESP, SS, ES, DS, FS, GS; in the handler the segments are null.
        RUN_8086 0x3000, nop
        SAY_FRAME 2, 1, 3, 4, 5, 6, 7, 8, 11
        SAY_FAULT
        SAY_LINE 'a'

        TRY_8086 0, int $BACK
        TRY_8086 0, cli
        TRY_8086 0, pushfw
        TRY_8086 0, popfw
        TRY_8086 0, iretw
        SAY_LINE 'b'
        TRY_8086 0x3000, cli
        TRY_8086 0x3000, pushfw
        TRY_8086 0x3000, popfw
        TRY_8086 0x3000, sti
        SAY_LINE 'c'
        // IOPL is nothing to ports.
        TRY_8086 0x3000, inb $0x80, %al
        TRY_8086 0x3000, inb $0x81, %al
        SAY_LINE 'd'
        // INT3 is not kept by IOPL; HLT is privileged.
        movb    $0xee, IDT_32 + 3 * 8 + 5
        TRY_8086 0, int3
        TRY_8086 0x3000, hlt
        SAY_LINE 'e'

        // With VME: INT 42h is the 8086 program's, and its IF is VIF.
        movl    %cr4, %eax
        orl     $3, %eax                // VME, PVI
        movl    %eax, %cr4
        movb    $0xfb, TASK + MAP - 32 + 0x42 / 8
        // INT 40h is none of the program's, and a fault: EIP says how far it came.
        movl    $(BASE + back_by_fault), %eax
        movw    %ax, IDT_32 + 13 * 8
        TRY_8086 0, int $0x42
        SAY_VALUE FRAME
        FOUND_LINE
        TRY_8086 VIF, int $0x42
        SAY_VALUE FRAME
        FOUND_LINE
        SAY_LINE 'f'
        TRY_8086 0, sti
        SAY_FRAME 0, 2
        TRY_8086 VIF, cli
        SAY_FRAME 0, 2
        SAY_LINE 'g'
        TRY_8086 VIF, .byte 0x9c, 0x58           // pushfw; popw %ax
        SAY_VALUE FRAME
        movzwl  FRAME + 0x28, %eax
        call    say_number
        TRY_8086 0, .byte 0x68, 0x02, 0x32, 0x9d    // pushw $0x3202; popfw
        SAY_FRAME 0, 2
        SAY_LINE 'h'

        // With an interrupt that waits; a single step; what is of 32 bits; an interrupt that is not the program's.
        RUN_8086 VIP, sti
        SAY_VALUE FRAME
        RUN_8086 VIP, .byte 0x68, 0x02, 0x02, 0x9d    // pushw $0x202; popfw
        SAY_VALUE FRAME
        RUN_8086 0, .byte 0x68, 0x02, 0x01, 0x9d    // pushw $0x102; popfw
        SAY_VALUE FRAME
        RUN_8086 VIF, pushfl
        SAY_VALUE FRAME
        RUN_8086 VIF, int $0x41
        SAY_VALUE FRAME
        SAY_LINE 'i'
        TRY_8086 0x3000, int $0x42
        FOUND_LINE
        SAY_LINE 'j'

        // In protected code CLI and STI alone, by PVI.
        TRY_USER 0, sti
        SAY_VALUE FRAME + 8
        movl    %cr4, %eax
        andl    $~3, %eax
        movl    %eax, %cr4
        TRY_USER 0, sti
        SAY_LINE 'k'
        FINISH

        .set SELECTOR, FRAME + 0x2c
// The handler of INT 40h, and later that of #GP.
back:   movl    $(BACK + 1), %ss:(FAULT_VECTOR)
        jmp     1f
back_by_fault:
        popl    %ss:(FAULT_ERROR)
        movl    $14, %ss:(FAULT_VECTOR)
1:      movl    %eax, %ss:(FRAME + 0x28)
        movl    %ebx, %ss:(FRAME + 0x24)
        movl    %ds, %eax
        movl    %eax, %ss:(SELECTOR)
        movl    $DATA, %eax
        movw    %ax, %ds
        movw    %ax, %es
        movl    %esp, %esi
        movl    $FRAME, %edi
        movl    $9, %ecx
        rep movsl
        movl    $STACK, %esp
        jmp     *FAULT_RESUME

        .code16
start_8086:
in_8086:
        movw    %sp, %bp
        movw    4(%bp), %ax
        movw    $0x1234, %bx
        iretw
end_8086:
        .code32
        RESET_VECTOR
