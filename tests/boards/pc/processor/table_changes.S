// Changes of page tables that need no flush (SDM 3A, 4.10.4.3), and those that have one: nothing, or the vector plus 1 and the error
// code; then what is read.
//= 0000000f 00000000 00000000 00000051 p
//= 0000000f 00000003 00000000 00000052 w
//= 0000000f 00000011 00000000 x
//= 00000053 i
//= 00000054 00000053 r
#include "long_mode.inc"
        .set PAGE, 0x50000
        .set OTHER, 0x51000
        .set THIRD, 0x52000
        .set ENTRY, LAST_TABLE + PAGE / 512
        .set FEATURES, 0xa0             // PAE, PGE
start:  ENTER_LONG_MODE main, FEATURES

.macro SAY_FOUND
        movzbl  PAGE, %eax
        call    say_number_64
.endm

main:   movb    $0x51, PAGE
        movb    $0x53, OTHER
        movb    $0x54, THIRD

        // What is not present is in no TLB.
        andb    $~1, ENTRY
        invlpg  PAGE
        TRY     movb PAGE, %bl
        orb     $1, ENTRY
        TRY     movb PAGE, %bl
        SAY_FOUND
        SAY_LINE 'p'

        // A page fault drops what is known of the page.
        andb    $~2, ENTRY
        invlpg  PAGE
        movb    PAGE, %bl
        movb    $0x52, %bh
        TRY     movb %bh, PAGE
        orb     $2, ENTRY
        TRY     movb %bh, PAGE
        SAY_FOUND
        SAY_LINE 'w'

        movb    $0xc3, PAGE
        movl    $PAGE, %edi
        btsq    $63, ENTRY
        invlpg  PAGE
        TRY     call *%rdi
        btrq    $63, ENTRY
        TRY     call *%rdi
        SAY_LINE 'x'

        // Another page: by INVLPG, also of a global one; by CR4.PGE; by a load of CR3.
        movl    $(OTHER + 0x107), ENTRY
        invlpg  PAGE
        SAY_FOUND
        SAY_LINE 'i'
        movl    $(THIRD + 0x107), ENTRY
        movq    %cr4, %rax
        btcq    $7, %rax
        movq    %rax, %cr4              // PGE: global ones go as well
        btcq    $7, %rax
        movq    %rax, %cr4
        SAY_FOUND
        movl    $(THIRD + 7), ENTRY
        invlpg  PAGE
        movb    PAGE, %bl
        movl    $(OTHER + 7), ENTRY
        movq    %cr3, %rax
        movq    %rax, %cr3
        SAY_FOUND
        SAY_LINE 'r'
        FINISH
        RESET_VECTOR
