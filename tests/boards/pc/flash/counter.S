// Firmware of 64 KiB in the first flash: counts its starts in the second one, which is as large, by a byte that it programs; says how
// many there were, what the first byte is then, and the status of its own flash, which it tries to program as well.
#include "../processor/program.inc"
        .set OWN, 0xffff0000
        .set VARIABLES, 0xfffe0000

start:  cli
        lgdtl   %cs:(table_pointer)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        movw    $8, %bx
        movw    %bx, %ds
        andb    $0xfe, %al
        movl    %eax, %cr0              // DS keeps its limit of 4 GiB
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $0x4000, %sp

        movl    $VARIABLES, %edi
1:      cmpb    $0, (%edi)
        jne     2f
        incl    %edi
        jmp     1b
2:      movl    %edi, %eax
        subl    $VARIABLES, %eax
        call    say_number
        call    program
        movl    $VARIABLES, %edi
        movzbl  (%edi), %eax
        call    say_number
        movl    $OWN, %edi
        call    program
        movzbl  %bl, %eax
        call    say_number
        FINISH

// EDI: a byte of a flash becomes 0. BL: the status. The array is shown again.
program:
        movb    $0x50, (%edi)           // clear the status
        movb    $0x40, (%edi)
        movb    $0, (%edi)
        movb    $0x70, (%edi)
        movb    (%edi), %bl
        movb    $0xff, (%edi)
        ret

        DEFINE_SAY_NUMBER say_number
table:  .quad   0, 0x00cf93000000ffff
table_pointer:
        .word   2 * 8 - 1
        .long   BASE + table
        RESET_VECTOR
