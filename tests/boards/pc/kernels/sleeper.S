// A boot sector that suspends its machine to RAM and says on the debug port what it finds when it is woken.
//
// Follows "Advanced Configuration and Power Interface Specification" 6.4: 5.2.5 (RSDP), 5.2.9 (FADT), 5.2.10 (FACS), 4.8.3.
#include "sector.inc"
        .code16
        .set MARK, 0x600
        .set BEHIND, 0x604
        .set MAGIC, 0x5eed5eed
        .set REVISION_1_CONTROL, 64     // PM1a_CNT_BLK in the FADT
        .set SLEEP_TO_RAM, 1 << 13 | 1 << 10 | 1
start:  cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $HOME, %sp
        cld
        // ES reaches all of memory.
        lgdtl   AT(table_place)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        movw    $8, %bx
        movw    %bx, %es
        andb    $0xfe, %al
        movl    %eax, %cr0

        movl    $0xe0000, %esi
search: addl    $16, %esi
        cmpl    $0x20445352, %es:(%esi)         // "RSD PTR "
        jne     search
        cmpl    $0x20525450, %es:4(%esi)
        jne     search
        movl    %es:16(%esi), %esi              // the RSDT, of which the first is the FADT
        movl    %es:36(%esi), %esi
        movl    %es:36(%esi), %edi              // the FACS
        movl    $AT(wake), %es:12(%edi)
        movl    $MAGIC, (MARK)
        movl    $0, (BEHIND)
        movw    %es:REVISION_1_CONTROL(%esi), %bx
        movw    $AT(sleeps), %si
        call    say
        movw    %bx, %dx
        movw    $SLEEP_TO_RAM, %ax
        outw    %ax, %dx
        movl    $MAGIC, (BEHIND)        // asleep it comes no further
stand:  hlt
        jmp     stand

wake:   ljmp    $0, $AT(awake)
awake:  cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $HOME, %sp
        cld
        movw    $AT(woke), %si
        cmpl    $MAGIC, (MARK)
        jne     1f
        cmpl    $MAGIC, (BEHIND)
        jne     2f
        movw    $AT(went_on), %si
        jmp     2f
1:      movw    $AT(lost), %si
2:      call    say
        jmp     stand

        DEFINE_SAY

sleeps: .asciz  "it sleeps\n"
woke:   .asciz  "it woke with its memory\n"
went_on:
        .asciz  "it went on asleep\n"
lost:   .asciz  "it woke without its memory\n"
        DEFINE_FLAT_SEGMENT 0x92       // data
        SIGN_SECTOR
