// Protection keys (SDM 3A, 4.6.2): user pages with key 5, read, written and executed at privilege 0.
//~ protection keys
//= 00000000 00000000 00000000 a
//= 0000000f 00000021 0000000f 00000023 00000000 b
//= 00000000 0000000f 00000023 00000000 c
//= 00000000 00000000 d
//= 00000000 00000000 e
//= 00000000 0000000e 0000000e f
//= 0000000f 00000023 00000000 g
//= 00000007 h
#include "long_mode.inc"
        .set PAGE, 0x50000
        .set KEY, 5 << 59
        .set FEATURES, 0x20 | 0x400000   // PAE, PKE
start:  ENTER_LONG_MODE main, FEATURES

.macro SET_KEYS value
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        movl    $\value, %eax
        wrpkru
.endm

main:   movb    $0xc3, PAGE             // RET
        MARK_PAGE PAGE, KEY
        SET_KEYS 0
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        xorl    %ecx, %ecx
        rdpkru
        call    say_number_64
        SAY_LINE 'a'

        // No access: neither read nor written, but executed.
        SET_KEYS 0x400
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        movl    $PAGE, %edi
        TRY     call *%rdi
        SAY_LINE 'b'

        // No writes, and those at privilege 0 as CR0.WP says.
        SET_KEYS 0x800
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        movq    %cr0, %rax
        andq    $~0x10000, %rax
        movq    %rax, %cr0
        TRY     movl %ebx, PAGE + 8
        movq    %cr0, %rax
        orq     $0x10000, %rax
        movq    %rax, %cr0
        SAY_LINE 'c'

        // Not those of other keys.
        SET_KEYS 0xfffff3ff
        SET_KEYS 0xfffff3fc
        TRY     movl PAGE, %ebx
        TRY     movl PAGE + 0x1000, %ebx
        SAY_LINE 'd'

        // A supervisor's page has none.
        andb    $~4, LAST_TABLE + PAGE / 512
        invlpg  PAGE
        SET_KEYS 0xfffffffc
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        orb     $4, LAST_TABLE + PAGE / 512
        invlpg  PAGE
        SAY_LINE 'e'

        SET_KEYS 0
        xorl    %edx, %edx
        TRY     rdpkru
        movl    $1, %ecx
        TRY     rdpkru
        xorl    %ecx, %ecx
        movl    $1, %edx
        TRY     wrpkru
        SAY_LINE 'f'

        // XRSTOR loads PKRU as well.
        movq    %cr4, %rax
        orq     $0x40000, %rax          // OSXSAVE
        movq    %rax, %cr4
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        movl    $0x203, %eax
        xsetbv
        SET_KEYS 0x800
        movl    $0x200, %eax
        xsave   0x8000
        SET_KEYS 0
        movl    $0x200, %eax
        xrstor  0x8000
        TRY     movl %ebx, PAGE + 8
        movq    $0, 0x8200              // XSTATE_BV: as after a reset
        movl    $0x200, %eax
        xrstor  0x8000
        TRY     movl %ebx, PAGE + 8
        SAY_LINE 'g'

        movq    %cr4, %rax
        andq    $~0x400000, %rax
        movq    %rax, %cr4
        xorl    %ecx, %ecx
        TRY     rdpkru
        SAY_LINE 'h'
        FINISH
        RESET_VECTOR
