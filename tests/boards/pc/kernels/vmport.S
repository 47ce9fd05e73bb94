// A boot sector that asks port 5658h as guests of VMware do, and tells on the debug port in which registers it answers. The
// sectors behind it say what it asks, in rows of four words: the width of the read (8: it writes 4 bytes; 16: it reads 4 until
// EAX has at least 4), EAX, EBX, ECX; a row of zeros ends them. Each line has those, and then EAX, EBX, ECX, EDX, ESI, EDI; the
// last one is "end".
        .code16
        .set HOME, 0x7c00
        .set ROWS, HOME + 512
        .set UNTOUCHED, 0x5a5a5a5a
start:  cli
        cld
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $HOME, %sp
        movw    $0x0204, %ax            // INT 13h, AH=02h: four sectors from the second one
        movw    $ROWS, %bx
        movw    $2, %cx
        movb    $0, %dh
        int     $0x13
        movw    $ROWS, %bp
next:   movl    (%bp), %eax
        testl   %eax, %eax
        jz      ended
        movl    4(%bp), %eax
        movl    8(%bp), %ebx
        movl    12(%bp), %ecx
        movl    $(0x12340000 | 0x5658), %edx
        movl    $UNTOUCHED, %esi
        movl    $UNTOUCHED + 1, %edi
        cmpb    $1, (%bp)
        je      1f
        cmpb    $2, (%bp)
        je      2f
        cmpb    $8, (%bp)
        je      8f
        cmpb    $16, (%bp)
        je      6f
        inl     %dx, %eax
        jmp     9f
1:      inb     %dx, %al
        jmp     9f
2:      inw     %dx, %ax
        jmp     9f
6:      pushl   %eax
        inl     %dx, %eax
        cmpl    $4, %eax
        popl    %eax
        jb      6b
        inl     %dx, %eax
        jmp     9f
8:      outl    %eax, %dx
9:      pushl   %edi
        pushl   %esi
        pushl   %edx
        pushl   %ecx
        pushl   %ebx
        pushl   %eax
        pushl   12(%bp)
        pushl   8(%bp)
        pushl   4(%bp)
        pushl   (%bp)
        movw    $10, %cx
each:   popl    %eax
        call    number
        loop    each
        movb    $'\n', %al
        call    put
        addw    $16, %bp
        jmp     next
ended:  movw    $(text - start + HOME), %si
1:      lodsb
        testb   %al, %al
        jz      stand
        call    put
        jmp     1b
stand:  hlt
        jmp     stand

// EAX in eight digits and a space.
number: pushw   %cx
        movw    $8, %cx
1:      roll    $4, %eax
        pushl   %eax
        andb    $15, %al
        addb    $'0', %al
        cmpb    $'9', %al
        jbe     2f
        addb    $('a' - '9' - 1), %al
2:      call    put
        popl    %eax
        loop    1b
        movb    $' ', %al
        call    put
        popw    %cx
        ret
put:    movw    $0x402, %dx
        outb    %al, %dx
        ret
text:   .asciz  "end\n"
        . = start + 510
        .word   0xaa55
