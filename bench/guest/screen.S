// A boot sector that keeps a screen busy: with 0 at `way`, a text of 1024 by 768 pixels that is scrolled by a line; with 1, a
// window that moves over a background of 1280 by 800. So many times a second (`rate`, of the timer's 1193182 Hz). The adapter is
// one with Bochs' registers (VBE_DISPI) on PCI, 00:02.0, as -vga std is on the machine `pc`.
        .code16
        .text
        .set HOME, 0x7c00
#define AT(label) (label - start + HOME)

start:  cli
        xorw    %ax, %ax
        movw    %ax, %ss
        movw    $HOME, %sp
        movw    %ax, %ds
        // Segments from 0 to 4 GiB, with addresses as before.
        lgdtl   AT(table_place)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        movw    $8, %bx
        movw    %bx, %ds
        movw    %bx, %es
        andb    $0xfe, %al
        movl    %eax, %cr0
        xorw    %bx, %bx
        movw    %bx, %ds
        movw    %bx, %es
        // The timer ends hlt, and nothing else.
        movl    $AT(tick), 0x20
        movb    $0xfe, %al
        outb    %al, $0x21
        movb    $0x34, %al
        outb    %al, $0x43
        movw    AT(rate), %ax
        outb    %al, $0x40
        movb    %ah, %al
        outb    %al, $0x40
        // Where the picture is.
        movl    $0x80001010, %eax
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movb    $0xfc, %dl
        inl     %dx, %eax
        andb    $0xf0, %al
        movl    %eax, %ebp
        movw    $AT(text_mode), %si
        cmpb    $0, AT(way)
        je      1f
        movw    $AT(window_mode), %si
1:      lodsw
        cmpw    $0xffff, %ax
        je      2f
        movw    $0x1ce, %dx
        outw    %ax, %dx
        incw    %dx
        lodsw
        outw    %ax, %dx
        jmp     1b
2:      cmpb    $0, AT(way)
        jne     window

        // Cells of 8 by 16, 100 of the 128 in a line, in which a pixel of two is set.
text:   sti
        hlt
        cli
        leal    0x10000(%ebp), %esi     // 16 rows of 4096 bytes
        movl    %ebp, %edi
        movl    $752 * 1024, %ecx
        rep movsl %ds:(%esi), %es:(%edi)
        movw    $16, %dx
3:      movw    $800, %cx
4:      imull   $1664525, %ebx, %ebx
        addl    $1013904223, %ebx
        movl    %ebx, %eax
        sarl    $31, %eax
        andl    $0xaaaaaa, %eax
        stosl   %eax, %es:(%edi)
        loop    4b
        addl    $224 * 4, %edi
        decw    %dx
        jnz     3b
        jmp     text

        // EBX: the window's place, in pixels of 1280 in a row.
window: xorl    %edi, %edi
        movw    $800, %dx
        movw    $1280, %cx
        call    background
5:      xorw    %bx, %bx
6:      sti
        hlt
        cli
        movzwl  %bx, %edi
        imull   $1280 + 2, %edi, %edi
        call    at_old
        incw    %bx
        movzwl  %bx, %edi
        imull   $1280 + 2, %edi, %edi
        call    content
        cmpw    $400, %bx
        jb      6b
        jmp     5b

at_old: movw    $300, %dx
        movw    $400, %cx
// Draws CX by DX pixels of the background from pixel EDI on.
background:
        pushw   %cx
        movl    %edi, %eax
        shrl    $6, %eax
        movb    $0x40, %al
7:      movl    %eax, %ds:(%ebp, %edi, 4)
        incl    %edi
        loop    7b
        popw    %cx
        movzwl  %cx, %esi
        addl    $1280, %edi
        subl    %esi, %edi
        decw    %dx
        jnz     background
        ret

content:
        movw    $300, %dx
8:      movw    $400, %cx
9:      movl    %ecx, %eax
        andb    %dl, %al
        imull   $0x010101, %eax, %eax
        movl    %eax, %ds:(%ebp, %edi, 4)
        incl    %edi
        loop    9b
        addl    $1280 - 400, %edi
        decw    %dx
        jnz     8b
        ret

tick:   pushw   %ax
        movb    $0x20, %al
        outb    %al, $0x20
        popw    %ax
        iret

// Index and value of VBE_DISPI.
text_mode:
        .word   4, 0, 1, 1024, 2, 768, 3, 32, 4, 0x41, 0xffff
window_mode:
        .word   4, 0, 1, 1280, 2, 800, 3, 32, 4, 0x41, 0xffff
        .balign 8
table:  .quad   0, 0x00cf93000000ffff
table_place:
        .word   15
        .long   AT(table)
        .org    506
rate:   .word   1193182 / 100
way:    .byte   0
        .byte   0
        .word   0xaa55
