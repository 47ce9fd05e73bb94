// What real mode has beyond the 8086: a segment that keeps its limit of protected mode, and the gate of the address line A20. What
// was read: by a segment of 4 GiB, with the gate shut, through the gate, and behind it; and the vector of an access past 64 KiB.
//~ a gate of A20
//- 00000022 00000022 00000011
//= 00000022 00000011 00000033 00000022 0000000d r
#include "program.inc"
        .set LOW, 0x500
        .set HIGH, 0x100500
        .set PORT92, 0x92

start:  cli
        xorw    %ax, %ax
        movw    %ax, %ss
        movw    $0x4000, %sp
        movw    %ax, %ds
        REAL_VECTOR 13, handler
        movb    $2, %al
        outb    %al, $PORT92            // open; the keyboard controller's other gate is shut
        movb    $0xd1, %al
        outb    %al, $0x64
        movb    $0xdd, %al
        outb    %al, $0x60
        lgdtl   %cs:(table_pointer)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        movw    $8, %bx
        movw    %bx, %ds
        andb    $0xfe, %al
        movl    %eax, %cr0
        xorw    %ax, %ax
        movw    %ax, %ds                // loads the base, and leaves the limit

        movl    $LOW, %edi
        movl    $HIGH, %ebx
        movb    $0x11, (%edi)
        movb    $0x22, (%ebx)
        movzbl  (%ebx), %eax
        call    say_number

        movl    $HIGH, %ebx
        xorb    %al, %al
        outb    %al, $PORT92            // shut: bit 20 of addresses is 0
        movzbl  (%ebx), %eax
        call    say_number
        movl    $HIGH, %ebx
        movb    $0x33, (%ebx)
        movzbl  (LOW), %eax
        call    say_number
        movb    $2, %al
        outb    %al, $PORT92
        movl    $HIGH, %ebx
        movzbl  (%ebx), %eax
        call    say_number

        movw    $8, %bx                 // ES has the limit of the 8086
        xorl    %ebp, %ebp
        movl    $0x10000, %ebx
        movb    %es:(%ebx), %al
        movl    %ebp, %eax
        call    say_number
        SAY_LINE 'r'
        FINISH

handler:
        movl    $13, %ebp
        popw    %ax
        addw    $4, %ax                 // ES, address size, opcode, ModRM
        pushw   %ax
        iretw

        DEFINE_SAY_NUMBER say_number
table:  .quad   0, 0x00cf93000000ffff
table_pointer:
        .word   2 * 8 - 1
        .long   BASE + table
        RESET_VECTOR
