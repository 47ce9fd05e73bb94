// A boot sector that resets its machine in the way that its byte WAY says (which a test writes there), and says on the debug
// port which start it is: the first one leaves a mark in the CMOS.
//
// Follows "82371SB (PIIX3)" 290550, 2.5.4 (RC, CF9h) and 2.5.5 (port 92h); "IBM PC/AT Technical Reference", 8042: commands FEh
// and D1h; Intel SDM 3A 6.15, "Interrupt 8": a fault for which there is no handler at all ends in a shutdown.
        .code16
        .set HOME, 0x7c00
        .set MARK, 0x60                 // a byte of the CMOS that nobody else uses
        .set MAGIC, 0x5a
        .set WAY, 508
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
        movw    $(again - start + HOME), %si
        je      say
        movb    $MARK, %al
        outb    %al, $0x70
        movb    $MAGIC, %al
        outb    %al, $0x71
        movzbw  (HOME + WAY), %bx
        shlw    $1, %bx
        call    *(ways - start + HOME)(%bx)
        movw    $(runs - start + HOME), %si
say:    movw    $0x402, %dx
1:      lodsb
        testb   %al, %al
        jz      2f
        outb    %al, %dx
        jmp     1b
2:      hlt
        jmp     2b

        // Where the processor stands until the reset comes.
        .macro  stand
9:      hlt
        jmp     9b
        .endm

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
        lidtl   (nothing - start + HOME)
        int3
no_vectors_in_protected_mode:
        lidtl   (nothing - start + HOME)
        lgdtl   (table_place - start + HOME)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmp    $8, $(1f - start + HOME)
        .code32
1:      ud2
        .code16
firmware:
        ljmp    $0xffff, $0

ready:  inb     $0x64, %al
        testb   $2, %al
        jnz     ready
        ret

ways:   .word   reset_control - start + HOME, keyboard_pulse - start + HOME, keyboard_output_port - start + HOME
        .word   port_92 - start + HOME, no_vectors - start + HOME, no_vectors_in_protected_mode - start + HOME
        .word   firmware - start + HOME
again:  .asciz  "it started again.\n"
runs:   .asciz  "it runs on.\n"
        .balign 8
table:  .quad   0
        .quad   0x00cf9a000000ffff      // code, from 0 to 4 GiB
table_place:
        .word   . - table - 1
        .long   table - start + HOME
nothing:
        .word   0
        .long   0
        .org    510
        .word   0xaa55
