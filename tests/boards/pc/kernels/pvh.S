# An ELF file with a PVH entry that tells its command line and RAM disk, and whether it was shown ACPI's root pointer and
# the memory at 1 MiB.
#include "say.inc"
        .set BASE, 0x200000
        .code32
start:  .byte 0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
        .word 2, 3                      # ET_EXEC, EM_386
        .long 1
        .long 0x1000                    # e_entry, where nothing is
        .long programs - start
        .long 0, 0
        .word 52, 32, 2, 0, 0, 0
programs:
        .long 1, 0, BASE, BASE, end - start, 0x3000, 7, 0x1000
        .long 4, note - start, BASE + (note - start), BASE + (note - start), note_end - note, note_end - note, 4, 4
note:   .long 4, 4, 18                  # XEN_ELFNOTE_PHYS32_ENTRY
        .asciz "Xen"
        .long BASE + (go - start)
note_end:

go:     movl $(BASE + 0x3000), %esp
        movw $DEBUG_PORT, %dx
        cmpl $0x336ec578, (%ebx)
        jne done
        movl 24(%ebx), %esi             # cmdline_paddr
1:      lodsb
        testb %al, %al
        jz 2f
        outb %al, %dx
        jmp 1b
2:      movb $'|', %al
        outb %al, %dx
        cmpl $1, 12(%ebx)               # nr_modules
        jne 4f
        movl 16(%ebx), %edi             # modlist_paddr
        movl (%edi), %esi
        movl 8(%edi), %ecx
3:      lodsb
        outb %al, %dx
        loop 3b
4:      movl 32(%ebx), %esi             # rsdp_paddr
        cmpl $0x20445352, (%esi)        # "RSD "
        jne 5f
        movb $'R', %al
        outb %al, %dx
5:      movl 40(%ebx), %esi             # memmap_paddr
        movl 48(%ebx), %ecx
6:      cmpl $0x100000, (%esi)
        jne 7f
        cmpl $1, 16(%esi)               # RAM
        jne 7f
        movb $'M', %al
        outb %al, %dx
7:      cmpl $0, 20(%esi)               # reserved
        jne done
        addl $24, %esi
        loop 6b
done:   SAY_END
end:
