// A boot sector with a handler of its own for system management interrupts, where firmware has moved SMBASE to (A0000h): says on
// the debug port "main", "handler" from within, then "returned" when RSM brought back a changed register, and "hidden" where
// the handler is not to be read from outside.
//
// Follows "Intel 440FX PCIset" 3.2.19 (SMRAM), "82371AB (PIIX4)" 7.2 (APMC), "AMD64 Architecture Programmer's Manual" volume 2,
// table 10-1.
#include "sector.inc"
        .code16
        .set SMRAM_ADDRESS, 1 << 31 | 0x70      // of which byte 2, at 0:0.0
        .set OPEN, 0x40
        .set SAVED_RBX, 0xffe0
start:  cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $HOME, %sp
        movw    $AT(main), %si
        call    say

        movl    $SMRAM_ADDRESS, %eax
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movw    $0xcfe, %dx
        inb     %dx, %al
        orb     $OPEN, %al
        outb    %al, %dx
        movw    $0xa000, %ax
        movw    %ax, %es
        movw    $0x8000, %di
        movw    $AT(handler), %si
        movw    $(handled - handler), %cx
        cld
        rep movsb
        inb     %dx, %al
        andb    $~OPEN, %al
        outb    %al, %dx

        movl    $0x12345678, %ebx
        outb    %al, $0xb2
        cmpl    $0x12345679, %ebx
        jne     stand
        movw    $AT(returned), %si
        call    say
        movl    %es:0x8000, %eax
        cmpl    AT(handler), %eax
        je      stand
        movw    $AT(hidden), %si
        call    say
stand:  hlt
        jmp     stand

        DEFINE_SAY

// At A000h:8000h.
handler:
        movw    %cs, %ax
        movw    %ax, %ds
        movw    $(word - handler + 0x8000), %si
        movw    $0x402, %dx
1:      lodsb
        testb   %al, %al
        jz      2f
        outb    %al, %dx
        jmp     1b
2:      incl    %cs:SAVED_RBX
        rsm
word:   .asciz  "handler "
handled:

main:   .asciz  "main "
returned:
        .asciz  "returned "
hidden: .asciz  "hidden."
        SIGN_SECTOR
