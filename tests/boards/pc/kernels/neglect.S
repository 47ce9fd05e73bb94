// A boot sector that starts a watchdog and does not serve it: the one at ports 441h and 443h, or where its byte WAY is 1 (which a
// test writes there) the 6300ESB's, device 5 of the first bus. It says on the debug port that it waits, and when an interrupt that
// cannot be masked comes.
//
// Follows iBASE, "IB700 user's manual"; Intel, "6300ESB I/O Controller Hub" 300641, 16.4 and 16.5.
#include "sector.inc"
        .code16
        .set WAY, 508
        .set WATCHDOG, 1 << 31 | 5 << 11
start:  cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $HOME, %sp
        cld
        movw    $AT(interrupted), (2 * 4)
        movw    %ax, (2 * 4 + 2)
        movw    $AT(waits), %si
        call    say
        cmpb    $1, (HOME + WAY)
        je      intel
        movw    $0x443, %dx
        movb    $15, %al                // 0 seconds
        outb    %al, %dx
stand:  hlt
        jmp     stand

        // ES reaches all of memory.
intel:  lgdtl   AT(table_place)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        movw    $8, %bx
        movw    %bx, %es
        andb    $0xfe, %al
        movl    %eax, %cr0
        movl    $(WATCHDOG | 0x10), %eax
        call    select
        inl     %dx, %eax
        movl    %eax, %edi
        movl    $(WATCHDOG | 0x04), %eax
        call    select
        movw    $2, %ax                 // its memory is there
        outw    %ax, %dx
        movl    $0, %ebx                // both preloads: the shortest time
1:      movb    $0x80, %es:12(%edi)
        movb    $0x86, %es:12(%edi)
        movl    $0, %es:(%edi,%ebx,4)
        incl    %ebx
        cmpl    $2, %ebx
        jb      1b
        movl    $(WATCHDOG | 0x68), %eax
        call    select
        movb    $2, %al                 // enabled
        outb    %al, %dx
        jmp     stand

select: movw    $0xcf8, %dx
        outl    %eax, %dx
        movw    $0xcfc, %dx
        ret

        DEFINE_SAY

interrupted:
        movw    $AT(came), %si
        call    say
        iretw

waits:  .asciz  "it waits\n"
came:   .asciz  "an interrupt came.\n"
        DEFINE_FLAT_SEGMENT 0x92       // data
        SIGN_SECTOR
