// Loads and stores at every offset of a line and across a page, in every size, integer and floating point.
#include "harness.h"

// Stores with `store` at offset s2 from s1, and reads it back with `load` and byte by byte.
.macro check number, store, load, bytes, value
    li s2, 0
1:  la s1, page_end - 16
    add s1, s1, s2
    li t0, \value
    \store t0, 0(s1)
    \load t1, 0(s1)
    li gp, \number
    bne t0, t1, fail
    li t2, 0
    li t3, 0
2:  add t4, s1, t2
    lbu t4, 0(t4)
    slli t5, t2, 3
    sll t4, t4, t5
    or t3, t3, t4
    addi t2, t2, 1
    li t5, \bytes
    bne t2, t5, 2b
    li t5, 64 - 8 * \bytes
    sll t0, t0, t5
    sll t3, t3, t5
    bne t0, t3, fail
    addi s2, s2, 1
    li t5, 24
    bne s2, t5, 1b
.endm

main:
    bnez s0, park
    li t0, MSTATUS_FS
    csrs mstatus, t0
    check 1, sh, lh, 2, -0x1234
    check 2, sh, lhu, 2, 0x9234
    check 3, sw, lw, 4, -0x12345678
    check 4, sw, lwu, 4, 0x92345678
    check 5, sd, ld, 8, 0x8123456789abcdef

    li s2, 0
1:  la s1, page_end - 16
    add s1, s1, s2
    li t0, 0x400921fb54442d18
    fmv.d.x f1, t0
    fsd f1, 0(s1)
    ld t1, 0(s1)
    li gp, 6
    bne t0, t1, fail
    fld f2, 0(s1)
    fmv.x.d t1, f2
    bne t0, t1, fail
    li t0, 0x40490fdb
    fmv.w.x f1, t0
    fsw f1, 0(s1)
    flw f2, 0(s1)
    fmv.x.w t1, f2
    bne t0, t1, fail
    addi s2, s2, 1
    li t5, 24
    bne s2, t5, 1b

    // What lies around is left alone.
    la s1, page_end
    li t0, -1
    sd t0, -8(s1)
    sd t0, 0(s1)
    li t1, 0x11223344
    sw t1, -2(s1)
    ld t5, -8(s1)
    expect 7, t5, 0x3344ffffffffffff
    ld t5, 0(s1)
    expect 8, t5, 0xffffffffffff1122
    j pass

park:
    wfi
    j park

    .bss
    .balign 4096
    .fill 4096
page_end:
    .fill 4096
