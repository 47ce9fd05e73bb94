// A diskette's boot sector that has firmware read the sector which its last bytes name (a test writes cylinder, head and sector
// there), and says on the debug port what stands in it.
#include "sector.inc"
        .code16
        .set BUFFER, 0x8000
        .set PLACE, 505
start:  cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $HOME, %sp
        sti
        cld
        movb    (HOME + PLACE), %ch
        movb    (HOME + PLACE + 1), %dh
        movb    (HOME + PLACE + 2), %cl
        movb    $0, %dl
        movw    $BUFFER, %bx
        movw    $0x0201, %ax            // read one
        int     $0x13
        movw    $BUFFER, %si
        jnc     1f
        movw    $AT(failed), %si
1:      call    say
2:      hlt
        jmp     2b
        DEFINE_SAY
failed: .asciz  "it could not be read.\n"
        SIGN_SECTOR
