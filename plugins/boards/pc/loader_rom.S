# The option ROM through which firmware starts a kernel of the host's: it fetches what the firmware configuration device
# has of the kernel, and jumps into it. kernel_rom.cpp fills in its size, its kind and its checksums.
#
# Follows the Plug and Play BIOS Specification 1.0A (3.2), docs/specs/fw_cfg.rst, the boot protocol of Linux for x86
# (Documentation/arch/x86/boot.rst), the Multiboot Specification 0.6.96 (3.2, 3.3) and the x86/HVM direct boot ABI (PVH)
# of Xen.

# Where it runs, out of a copy of its own: the ROM's own place is up to the firmware.
#define BASE 0x1000
#define STACK 0x7c00
#define AT(label) (BASE + (label) - rom)
# The memory map as the firmware tells it: ranges of 20 bytes, each behind 4 bytes of its own.
#define MAP 0x2000
#define MAP_END 0x3000
#define RANGE 24

# Kinds of kernels (LoaderKind)
#define LINUX 0
#define MULTIBOOT 1
#define PVH 2

# The configuration device: its ports, and keys of its items
#define SELECTOR 0x510
#define DATA 0x511
#define DMA_HIGH 0x514
#define DMA_LOW 0x518
#define KEY_ID 0x01
#define KEY_KERNEL_ADDRESS 0x07
#define KEY_KERNEL_SIZE 0x08
#define KEY_INITRD_ADDRESS 0x0a
#define KEY_INITRD_SIZE 0x0b
#define KEY_KERNEL_ENTRY 0x10
#define KEY_KERNEL_DATA 0x11
#define KEY_INITRD_DATA 0x12
#define KEY_COMMAND_LINE_ADDRESS 0x13
#define KEY_COMMAND_LINE_SIZE 0x14
#define KEY_COMMAND_LINE_DATA 0x15
#define KEY_SETUP_ADDRESS 0x16
#define KEY_SETUP_SIZE 0x17
#define KEY_SETUP_DATA 0x18

        .section .rodata
        .balign 16
        .globl backplane_pc_loader_rom
        .hidden backplane_pc_loader_rom
        .globl backplane_pc_loader_rom_end
        .hidden backplane_pc_loader_rom_end
        .code16
backplane_pc_loader_rom:
rom:    .byte 0x55, 0xaa
units:  .byte 0                         # of 512 bytes
        lret                            # nothing is to be set up
kind:   .byte 0
        .space 0x15
        .word plug_and_play - rom       # at 0x1a

        .balign 16
plug_and_play:
        .ascii "$PnP"
        .byte 1                         # revision
        .byte 2                         # length, in units of 16 bytes
        .word 0                         # no header follows
        .byte 0
        .byte 0                         # checksum
        .long 0                         # device identifier
        .word maker - rom
        .word product - rom
        .byte 0, 0, 0                   # type of device
        .byte 0
        .word 0                         # boot connection vector
        .word 0                         # disconnect vector
        .word start - rom               # bootstrap entry vector
        .word 0
        .word 0                         # static resources
maker:  .asciz "Backplane"
product:
        .asciz "Kernel of the command line"

start:  cli
        cld
        xorw %ax, %ax
        movw %ax, %es
        movw %ax, %ss
        movw $STACK, %sp
        pushw %cs
        popw %ds
        movzbw units - rom, %cx
        shlw $9, %cx
        xorw %si, %si
        movw $BASE, %di
        rep movsb
        movw %ax, %ds
        ljmp $0, $AT(read_map)

# INT 15h, AX=E820h: what memory there is, less what the firmware keeps.
read_map:
        xorl %ebx, %ebx
        movw $MAP, %di
next_range:
        xorl %eax, %eax
        cmpb $MULTIBOOT, AT(kind)       # there each range has its size ahead of it
        jne 1f
        movb $20, %al
1:      movl %eax, (%di)
        addw $4, %di
        movl $0xe820, %eax
        movl $0x534d4150, %edx          # "SMAP"
        movl $20, %ecx
        int $0x15
        jc map_ends
        cmpl $0x534d4150, %eax
        jne map_ends
        addw $20, %di
        cmpw $(MAP_END - RANGE), %di
        ja map_whole
        testl %ebx, %ebx
        jnz next_range
        jmp map_whole
map_ends:
        subw $4, %di
map_whole:
        movw %di, AT(map_end)
        movl $0, (%di)                  # the last range's second half of a dword, where there is one

        cli
        lgdtl AT(descriptors_place)
        movl %cr0, %eax
        orb $1, %al
        movl %eax, %cr0
        ljmpl $0x08, $AT(fetch_all)

        .code32
fetch_all:
        movw $0x10, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movl $STACK, %esp
        movl $AT(parts), %ebp
next_part:
        movzwl (%ebp), %eax
        testl %eax, %eax
        jz all_fetched
        call number
        movl %eax, %edi
        movzwl 2(%ebp), %eax
        call number
        movl %eax, %ecx
        jecxz 1f
        movzwl 4(%ebp), %eax
        call fetch
1:      addl $6, %ebp
        jmp next_part

all_fetched:
        movl $KEY_SETUP_ADDRESS, %eax
        call number
        movl %eax, %ebx
        cmpb $MULTIBOOT, AT(kind)
        je enter_multiboot
        cmpb $PVH, AT(kind)
        je enter_pvh
        ljmpl $0x18, $AT(leave_protected)

# EAX: a key. Returns the 32-bit number that the item is in EAX.
number: movw $SELECTOR, %dx
        outw %ax, %dx
        movw $DATA, %dx
        movl $4, %ecx
        xorl %eax, %eax
1:      inb %dx, %al
        rorl $8, %eax
        loop 1b
        ret

# EAX: a key; EDI: where to; ECX: bytes.
fetch:  movl %eax, %esi
        pushl %ecx
        movl $KEY_ID, %eax
        call number
        popl %ecx
        testb $2, %al                   # does the device have DMA?
        jz by_bytes
        movl %esi, %eax
        shll $16, %eax
        orl $0x0a, %eax                 # select, read
        bswapl %eax
        movl %eax, AT(transfer)
        movl %ecx, %eax
        bswapl %eax
        movl %eax, AT(transfer) + 4
        movl $0, AT(transfer) + 8
        movl %edi, %eax
        bswapl %eax
        movl %eax, AT(transfer) + 12
        movw $DMA_HIGH, %dx
        xorl %eax, %eax
        outl %eax, %dx
        movw $DMA_LOW, %dx
        movl $AT(transfer), %eax
        bswapl %eax
        outl %eax, %dx
1:      movl AT(transfer), %eax
        testl %eax, %eax
        jz 2f
        testl $0x01000000, %eax         # an error
        jnz by_bytes
        pause
        jmp 1b
2:      ret
by_bytes:
        movw $SELECTOR, %dx
        movl %esi, %eax
        outw %ax, %dx
        movw $DATA, %dx
        rep insb
        ret

# EBX: the Multiboot information. Its mem_lower and mem_upper are told by the map as well.
enter_multiboot:
        movl $MAP, %esi
        movl %esi, 48(%ebx)             # mmap_addr
        movzwl AT(map_end), %ecx
        movl %ecx, %edx
        subl %esi, %ecx
        movl %ecx, 44(%ebx)             # mmap_length
1:      cmpl %edx, %esi
        jae 4f
        cmpl $1, 20(%esi)               # RAM?
        jne 3f
        cmpl $0, 8(%esi)
        jne 3f
        movl 12(%esi), %eax
        shrl $10, %eax
        cmpl $0, 4(%esi)
        jne 2f
        movl %eax, 4(%ebx)              # mem_lower
        jmp 3f
2:      cmpl $0x100000, 4(%esi)
        jne 3f
        movl %eax, 8(%ebx)              # mem_upper
3:      addl $RANGE, %esi
        jmp 1b
4:      movl $KEY_KERNEL_ENTRY, %eax
        call number
        movl %eax, %ecx
        movl $0x2badb002, %eax
        jmp *%ecx

# EBX: hvm_start_info.
enter_pvh:
        movl $0xe0000, %esi             # ACPI 6.4, 5.2.5.1: where the root pointer is looked for
1:      cmpl $0x20445352, (%esi)        # "RSD "
        jne 2f
        cmpl $0x20525450, 4(%esi)       # "PTR "
        jne 2f
        movl %esi, 32(%ebx)             # rsdp_paddr
        jmp 3f
2:      addl $16, %esi
        cmpl $0x100000, %esi
        jb 1b
3:      movl $MAP + 4, 40(%ebx)         # memmap_paddr: here what is behind a range's 20 bytes belongs to it
        movzwl AT(map_end), %eax
        subl $MAP, %eax
        xorl %edx, %edx
        movl $RANGE, %ecx
        divl %ecx
        movl %eax, 48(%ebx)             # memmap_entries
        movl $KEY_KERNEL_ENTRY, %eax
        call number
        jmp *%eax

        .code16
leave_protected:
        movw $0x20, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %fs
        movw %ax, %gs
        movw %ax, %ss
        movl %cr0, %eax
        andb $0xfe, %al
        movl %eax, %cr0
        ljmp $0, $AT(enter_linux)

# EBX: where the real-mode part lies. Its heap ends 0x200 behind heap_end_ptr, which is the stack's place.
enter_linux:
        shrl $4, %ebx
        movw %bx, %ds
        movw %bx, %es
        movw %bx, %fs
        movw %bx, %gs
        movw 0x224, %ax
        addw $0x1fc, %ax
        movw %bx, %ss
        movzwl %ax, %esp
        addw $0x20, %bx
        pushw %bx
        pushw $0
        lret

        .balign 8
descriptors:
        .quad 0
        .quad 0x00cf9b000000ffff        # 08h: 32-bit code, 4 GiB
        .quad 0x00cf93000000ffff        # 10h: data, 4 GiB
        .quad 0x00009b000000ffff        # 18h: 16-bit code, 64 KiB
        .quad 0x000093000000ffff        # 20h: data, 64 KiB
descriptors_end:
descriptors_place:
        .word descriptors_end - descriptors - 1
        .long AT(descriptors)

# Address, size and data of each part
parts:  .word KEY_SETUP_ADDRESS, KEY_SETUP_SIZE, KEY_SETUP_DATA
        .word KEY_KERNEL_ADDRESS, KEY_KERNEL_SIZE, KEY_KERNEL_DATA
        .word KEY_INITRD_ADDRESS, KEY_INITRD_SIZE, KEY_INITRD_DATA
        .word KEY_COMMAND_LINE_ADDRESS, KEY_COMMAND_LINE_SIZE, KEY_COMMAND_LINE_DATA
        .word 0

map_end:
        .word 0
        .balign 4
transfer:
        .space 16                       # FWCfgDmaAccess
        .byte 0                         # the checksum is behind it
        .balign 512
backplane_pc_loader_rom_end:

        .section .note.GNU-stack, "", @progbits
