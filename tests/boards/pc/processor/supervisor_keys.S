// Protection keys of the supervisor's pages (SDM 3A, 4.6.2): one with key 5, read, written and executed at privilege 0.
//~ protection keys of the supervisor's pages
//- 0000000e
//= 00000000 00000000 00000000 a
//= 0000000f 00000021 0000000f 00000023 00000000 b
//= 00000000 0000000f 00000023 00000000 c
//= 00000000 00000000 d
//= 00000000 00000000 e
//= 0000000e f
#include "long_mode.inc"
        .set PAGE, 0x50000
        .set KEY, 5 << 59
        .set IA32_PKRS, 0x6e1
        .set FEATURES, 0x20             // PAE
start:  ENTER_LONG_MODE main, FEATURES

.macro SET_KEYS value
        movl    $IA32_PKRS, %ecx
        xorl    %edx, %edx
        movl    $\value, %eax
        wrmsr
.endm

main:   movq    %cr4, %rbx
        orq     $0x1000000, %rbx        // PKS
        TRY     movq %rbx, %cr4
        movb    $0xc3, PAGE             // RET
        MARK_PAGE PAGE, KEY
        andb    $~4, LAST_TABLE + PAGE / 512
        invlpg  PAGE
        SET_KEYS 0
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        SAY_LINE 'a'

        // No access: neither read nor written, but executed.
        SET_KEYS 0x400
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        movl    $PAGE, %edi
        TRY     call *%rdi
        SAY_LINE 'b'

        // No writes, as CR0.WP says.
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

        // A user's page has none of these.
        orb     $4, LAST_TABLE + PAGE / 512
        invlpg  PAGE
        SET_KEYS 0x400
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        andb    $~4, LAST_TABLE + PAGE / 512
        invlpg  PAGE
        SAY_LINE 'd'

        // Not those of other keys.
        SET_KEYS 0xfffff3fc
        TRY     movl PAGE, %ebx
        TRY     movl %ebx, PAGE + 8
        SAY_LINE 'e'

        movl    $IA32_PKRS, %ecx
        movl    $1, %edx
        TRY     wrmsr
        SAY_LINE 'f'
        FINISH
        RESET_VECTOR
