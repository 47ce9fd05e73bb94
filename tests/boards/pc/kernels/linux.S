# A kernel of the bzImage format that tells what it was started with, through the debug port: its command line and, from
# 32-bit code at 1 MiB, its RAM disk. Made a flat file; its setup has one sector beside the boot sector.
#include "say.inc"
        .code16
start:  .space 0x1f1
        .byte 1                         # setup_sects
        .word 0
        .long 1                         # syssize, patched by no one: the kernel has at least 16 bytes
        .word 0, 0, 0
        .word 0xaa55
        jmp go
        .ascii "HdrS"
        .word 0x020f                    # version
        .long 0
        .word 0, 0
        .byte 0                         # type_of_loader
        .byte 1                         # loadflags: LOADED_HIGH
        .word 0
        .long 0x100000                  # code32_start
        .long 0, 0                      # ramdisk_image, ramdisk_size
        .long 0
        .word 0                         # heap_end_ptr
        .word 0
        .long 0                         # cmd_line_ptr
        .long 0x7fffffff                # initrd_addr_max
        .long 0x1000
        .word 0, 0
        .long 63                        # cmdline_size
        .space 0x30

go:     pushw %ax                       # is there a stack?
        popw %ax
        movl 0x228, %esi
        shrl $4, %esi
        movw %si, %fs
        xorw %si, %si
        movw $DEBUG_PORT, %dx
1:      movb %fs:(%si), %al
        testb %al, %al
        jz 2f
        outb %al, %dx
        incw %si
        jmp 1b
2:      movl 0x218, %esi
        movl 0x21c, %ecx
        cli
        xorl %eax, %eax
        movw %ds, %ax
        shll $4, %eax
        addl $(descriptors - start), %eax
        movl %eax, descriptors_place - start + 2
        lgdtl descriptors_place - start
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        ljmpl $0x08, $0x100000
        .balign 8
descriptors:
        .quad 0
        .quad 0x00cf9b000000ffff
        .quad 0x00cf93000000ffff
descriptors_place:
        .word 23
        .long 0
        .balign 512

        .code32
        movw $0x10, %ax
        movw %ax, %ds
        movb $'|', %al
        outb %al, %dx
        jecxz 2f
1:      lodsb
        outb %al, %dx
        loop 1b
2:      SAY_END
        .balign 16
