// A boot sector that goes through video modes: sets one, fills the screen with a pattern, says on the debug port that it has, and
// waits for a key. Its second half is a list of modes, words, which ends with FFFFh.
#include "say.inc"
        .code16
        .text
        .set HOME, 0x7c00
start:
        .set MODE, 0x7a00
        .set LIST, list - start + HOME
        xor %ax, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov $HOME, %sp
        ljmp $0, $(set - start + HOME)
set:
        mov $LIST, %si
next:
        lodsw
        cmp $0xffff, %ax
        je stop
        mov %ax, MODE
        mov %ax, %bx
        cmp $0x100, %bx
        jb 2f
        mov $0x4f02, %ax  // VBE: set mode
        int $0x10
        jmp graphics
2:
        mov %bx, %ax
        int $0x10
        cmpb $3, MODE
        jbe text
        cmpb $7, MODE
        je text
graphics:
        mov $0xa000, %ax
        cmpw $6, MODE
        ja 3f
        mov $0xb800, %ax
3:
        mov %ax, %es
        xor %di, %di
        mov $0xffff, %cx
4:
        cmpw $0x12, MODE
        ja 5f
        cmpw $0x0d, MODE
        jb 5f
        mov %di, %ax  // four planes: another set of them each 16 bytes
        shr $4, %ax
        and $0xf, %al
        mov %al, %ah
        mov $2, %al
        mov $0x3c4, %dx
        out %ax, %dx
5:
        mov %di, %ax
        stosb
        loop 4b
        jmp done
text:
        mov $0x100, %ax  // no cursor
        mov $0x2000, %cx
        int $0x10
        mov $0xb800, %ax
        cmpb $7, MODE
        jne 6f
        mov $0xb000, %ax
6:
        mov %ax, %es
        xor %di, %di
        xor %bx, %bx
7:
        mov %bl, %al
        mov %bl, %ah
        add %bh, %ah
        and $0x7f, %ah  // nothing blinks
        stosw
        inc %bx
        cmp $2000, %bx
        jne 7b
done:
        mov $'!', %al
        mov $DEBUG_PORT, %dx
        out %al, %dx
        xor %ax, %ax
        int $0x16
        jmp next
stop:
        hlt
        jmp stop
        .org 256
list:
        .word 0xffff
        .org 510
        .word 0xaa55
