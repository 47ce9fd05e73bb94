# A Multiboot kernel, loaded by the addresses in its header, that tells its command line, each module's contents and
# text, and whether the memory map and mem_upper say the same.
#include "say.inc"
        .set BASE, 0x200000
        .code32
start:  .long 0x1badb002
        .long 0x00010003                # modules on pages, memory, addresses
        .long -(0x1badb002 + 0x00010003)
        .long BASE                      # header_addr
        .long BASE                      # load_addr
        .long 0                         # load_end_addr: all of the file
        .long BASE + 0x3000             # bss_end_addr
        .long BASE + (go - start)

go:     movl $(BASE + 0x3000), %esp
        movw $DEBUG_PORT, %dx
        cmpl $0x2badb002, %eax
        jne done
        movl 16(%ebx), %esi             # cmdline
        call text
        movl 20(%ebx), %ecx             # mods_count
        movl 24(%ebx), %edi             # mods_addr
modules:
        jecxz map
        movb $'|', %al
        outb %al, %dx
        pushl %ecx
        movl (%edi), %esi
        testl $0xfff, %esi
        jnz done
        movl 4(%edi), %ecx
        subl %esi, %ecx
1:      lodsb
        outb %al, %dx
        loop 1b
        popl %ecx
        movl 8(%edi), %esi
        call text
        addl $16, %edi
        decl %ecx
        jmp modules
map:    movl 48(%ebx), %esi             # mmap_addr
        movl %esi, %ecx
        addl 44(%ebx), %ecx             # mmap_length
1:      cmpl %ecx, %esi
        jae done
        cmpl $0x100000, 4(%esi)
        jne 2f
        movl 12(%esi), %eax
        shrl $10, %eax
        cmpl 8(%ebx), %eax              # mem_upper
        jne 2f
        movb $'M', %al
        outb %al, %dx
2:      addl (%esi), %esi
        addl $4, %esi
        jmp 1b
done:   SAY_END

text:   lodsb
        testb %al, %al
        jz 1f
        outb %al, %dx
        jmp text
1:      ret
        .balign 16
