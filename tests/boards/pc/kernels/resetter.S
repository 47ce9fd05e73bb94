// A boot sector that resets its machine in the way that its byte WAY says (which a test writes there), and says on the debug
// port which start it is: the first one leaves a mark in the CMOS.
//
// Follows "82371SB (PIIX3)" 290550, 2.5.4 (RC, CF9h) and 2.5.5 (port 92h); "IBM PC/AT Technical Reference", 8042: commands FEh
// and D1h; Intel SDM 3A 6.15, "Interrupt 8": a fault for which there is no handler at all ends in a shutdown.
#include "sector.inc"
        .code16
        .set MARK, 0x60                 // a byte of the CMOS that nobody else uses
        .set MAGIC, 0x5a
        .set WAY, 508
        // Where the processor stands until the reset comes.
        .macro  stand
9:      hlt
        jmp     9b
        .endm
start:  cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $HOME, %sp
        cld
        movb    $MARK, %al
        outb    %al, $0x70
        inb     $0x71, %al
        cmpb    $MAGIC, %al
        movw    $AT(again), %si
        je      last
        movb    $MARK, %al
        outb    %al, $0x70
        movb    $MAGIC, %al
        outb    %al, $0x71
        movzbw  (HOME + WAY), %bx
        shlw    $1, %bx
        call    *AT(ways)(%bx)
        movw    $AT(runs), %si
last:   call    say
        stand
        DEFINE_SAY

reset_control:
        movw    $0xcf9, %dx
        movb    $2, %al
        outb    %al, %dx
        movb    $6, %al
        outb    %al, %dx
        stand
keyboard_pulse:
        call    ready
        movb    $0xfe, %al
        outb    %al, $0x64
        stand
keyboard_output_port:
        call    ready
        movb    $0xd1, %al
        outb    %al, $0x64
        call    ready
        movb    $0xfe, %al
        outb    %al, $0x60
        stand
port_92:
        inb     $0x92, %al
        orb     $1, %al
        outb    %al, $0x92
        stand
no_vectors:
        lidtl   AT(nothing)
        int3
no_vectors_in_protected_mode:
        lidtl   AT(nothing)
        lgdtl   AT(table_place)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmp    $8, $AT(1f)
        .code32
1:      ud2
        .code16
firmware:
        ljmp    $0xffff, $0

ready:  inb     $0x64, %al
        testb   $2, %al
        jnz     ready
        ret

ways:   .word   AT(reset_control), AT(keyboard_pulse), AT(keyboard_output_port)
        .word   AT(port_92), AT(no_vectors), AT(no_vectors_in_protected_mode)
        .word   AT(firmware)
again:  .asciz  "it started again.\n"
runs:   .asciz  "it runs on.\n"
        DEFINE_FLAT_SEGMENT 0x9a       // code
nothing:
        .word   0
        .long   0
        SIGN_SECTOR
