// XSAVEC, XSAVES, XRSTORS and XRSTOR of the compacted form (SDM 1, chapter 13): XSTATE_BV, XCOMP_BV, and what is where.
//~ XSAVES
//= 00000000 80000000 00000007 a
//= 00000002 80000000 00000007 11111111 b
//= 00000004 80000000 00000006 22222222 c
//= 00000004 80000000 00000006 d
//= 11111111 00000000 e
//= 00000000 22222222 f
//= 0000000e 0000000e 0000000e 0000000e 0000000e g
//= 00000007 00000003 h
//= 00001f80 i
#include "long_mode.inc"
        .set AREA, 0x8000
        .set MXCSR, 24
        .set XMM, 160
        .set PRESENT, 512
        .set LAYOUT, 520
        .set UPPER, 576
        .set FEATURES, 0x20 | 0x600 | 0x40000    // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
start:  ENTER_LONG_MODE main, FEATURES

.macro COMPONENTS mask
        movl    $\mask, %eax
        xorl    %edx, %edx
.endm
.macro CLEAR_AREA
        movl    $AREA, %edi
        xorl    %eax, %eax
        movl    $0x300, %ecx
        rep stosl
.endm
.macro SAY_WORD place
        movl    AREA + \place, %eax
        call    say_number_64
.endm
.macro SAY_HEADER
        SAY_WORD PRESENT
        SAY_WORD LAYOUT + 4
        SAY_WORD LAYOUT
.endm

main:   xorl    %ecx, %ecx
        COMPONENTS 7
        xsetbv
        fninit
        movl    $0x1f80, 0x7100
        ldmxcsr 0x7100
        vzeroall

        // Nothing is in use.
        CLEAR_AREA
        COMPONENTS 7
        xsavec  AREA
        SAY_HEADER
        SAY_LINE 'a'

        movl    $0x11111111, %eax
        movd    %eax, %xmm0
        CLEAR_AREA
        COMPONENTS 7
        xsaves  AREA
        SAY_HEADER
        SAY_WORD XMM
        SAY_LINE 'b'

        // The upper halves alone: a component that is not asked for has no place.
        vpxor   %xmm0, %xmm0, %xmm0
        movl    $0x22222222, %eax
        movd    %eax, %xmm1
        vinserti128 $1, %xmm1, %ymm0, %ymm0
        pxor    %xmm1, %xmm1
        CLEAR_AREA
        COMPONENTS 6
        xsavec  AREA
        SAY_HEADER
        SAY_WORD UPPER
        SAY_LINE 'c'

        vzeroall
        COMPONENTS 6
        xrstors AREA
        CLEAR_AREA
        COMPONENTS 6
        xsaves  AREA
        SAY_HEADER
        SAY_LINE 'd'

        // What is not present becomes as after a reset.
        CLEAR_AREA
        movl    $0x11111111, AREA + XMM
        movl    $0x1f80, AREA + MXCSR
        movq    $2, AREA + PRESENT
        movq    $6, AREA + LAYOUT
        movb    $0x80, AREA + LAYOUT + 7
        COMPONENTS 6
        xrstor  AREA
        movd    %xmm0, %eax
        call    say_number_64
        vextracti128 $1, %ymm0, %xmm1
        movd    %xmm1, %eax
        call    say_number_64
        SAY_LINE 'e'

        // The first place is that of the first component of the layout.
        movq    $4, AREA + PRESENT
        movl    $4, AREA + LAYOUT
        movl    $0x22222222, AREA + UPPER
        COMPONENTS 6
        xrstors AREA
        movd    %xmm0, %eax
        call    say_number_64
        vextracti128 $1, %ymm0, %xmm1
        movd    %xmm1, %eax
        call    say_number_64
        SAY_LINE 'f'

        // Not compacted, present and not in the layout, a layout of what XCR0 has not, reserved bytes, an address.
        movq    $0, AREA + LAYOUT
        COMPONENTS 6
        TRY     xrstors AREA
        movb    $0x80, AREA + LAYOUT + 7
        COMPONENTS 6
        TRY     xrstors AREA
        movl    $0x1004, AREA + LAYOUT
        COMPONENTS 6
        TRY     xrstor AREA
        movl    $4, AREA + LAYOUT
        movl    $1, AREA + LAYOUT + 16
        COMPONENTS 6
        TRY     xrstor AREA
        movl    $0, AREA + LAYOUT + 16
        COMPONENTS 6
        TRY     xsavec AREA + 32
        SAY_LINE 'g'

        // XGETBV tells XCR0, and what is in use.
        xorl    %ecx, %ecx
        xgetbv
        call    say_number_64
        vzeroall
        fldz
        movl    $0x33333333, %eax
        movd    %eax, %xmm7
        movl    $1, %ecx
        xgetbv
        call    say_number_64
        SAY_LINE 'h'

        // MXCSR is of SSE in the compacted form.
        movl    $0x1fa0, 0x7100
        ldmxcsr 0x7100
        movl    $0x1f81, AREA + MXCSR
        COMPONENTS 6
        xrstor  AREA
        stmxcsr 0x7100
        movl    0x7100, %eax
        call    say_number_64
        SAY_LINE 'i'
        FINISH
        RESET_VECTOR
