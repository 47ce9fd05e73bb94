// LR, SC and AMOs on one hart.
#include "harness.h"

.macro check_amo number, instruction, old, operand, result
    li t0, \old
    sd t0, 0(s1)
    li t1, \operand
    \instruction t2, t1, (s1)
    expect \number, t2, \old
    ld t3, 0(s1)
    expect \number, t3, \result
.endm
// 32 bits: the upper half stays, the old value is sign-extended.
.macro check_amo_word number, instruction, old, operand, result
    li t0, -1
    sd t0, 0(s1)
    li t0, \old
    sw t0, 0(s1)
    li t1, \operand
    \instruction t2, t1, (s1)
    expect \number, t2, \old
    lw t3, 0(s1)
    expect \number, t3, \result
    lw t3, 4(s1)
    expect \number, t3, -1
.endm

main:
    bnez s0, park
    la s1, cell
    check_amo 1, amoswap.d, 0x1111222233334444, 5, 5
    check_amo 2, amoadd.d, -1, 3, 2
    check_amo 3, amoand.d, 0xff0ff, 0x0ff0f, 0x0f00f
    check_amo 4, amoor.d, 0xf0, 0x0f, 0xff
    check_amo 5, amoxor.d, 0xff, 0x0f, 0xf0
    check_amo 6, amomin.d, -5, 3, -5
    check_amo 7, amomin.d, 5, -3, -3
    check_amo 8, amomax.d, -5, 3, 3
    check_amo 9, amominu.d, -5, 3, 3
    check_amo 10, amomaxu.d, -5, 3, -5
    check_amo_word 11, amoswap.w, -7, 5, 5
    check_amo_word 12, amoadd.w, 0x7fffffff, 1, -0x80000000
    check_amo_word 13, amomin.w, -5, 3, -5
    check_amo_word 14, amomax.w, -5, 3, 3
    check_amo_word 15, amominu.w, -5, 3, 3
    check_amo_word 16, amomaxu.w, -5, 3, -5
    check_amo_word 17, amoand.w, -1, 0x0f, 0x0f
    check_amo_word 18, amoor.w, -0x80000000, 1, -0x7fffffff
    check_amo_word 19, amoxor.w, -1, -1, 0

    // rd and rs2 the same.
    li t0, 10
    sd t0, 0(s1)
    li t1, 1
    amoadd.d t1, t1, (s1)
    expect 20, t1, 10
    ld t3, 0(s1)
    expect 20, t3, 11

    // A pair succeeds; SC gives 0.
    lr.d t0, (s1)
    expect 21, t0, 11
    li t1, 12
    sc.d t2, t1, (s1)
    expect 22, t2, 0
    ld t3, 0(s1)
    expect 23, t3, 12
    // A second SC has no reservation.
    li t1, 13
    sc.d t2, t1, (s1)
    li gp, 24
    beqz t2, fail
    ld t3, 0(s1)
    expect 25, t3, 12
    // Nor has one at another address.
    lr.d t0, (s1)
    addi t4, s1, 8
    sc.d t2, t1, (t4)
    li gp, 26
    beqz t2, fail
    // 32 bits: LR sign-extends.
    li t0, -2
    sw t0, 0(s1)
    lr.w t0, (s1)
    expect 27, t0, -2
    li t1, 77
    sc.w t2, t1, (s1)
    expect 28, t2, 0
    lw t3, 0(s1)
    expect 29, t3, 77
    // A trap between them: the handler's return may lose the reservation, and a loop gets there.
    li s2, 0
1:  lr.d t0, (s1)
    addi t0, t0, 1
    sc.d t2, t0, (s1)
    bnez t2, 1b
    addi s2, s2, 1
    li t3, 1000
    bne s2, t3, 1b
    ld t3, 0(s1)
    li t4, 0xffffffff
    and t3, t3, t4
    expect 30, t3, 1077

    // Where nothing is, LR is a load and SC and AMO are stores.
    li s2, HOLE
    trap_to 1f
    lr.d t0, (s2)
    .balign 4
1:  expect_csr 31, mcause, 5
    trap_to 1f
    amoadd.d t0, t0, (s2)
    .balign 4
1:  expect_csr 32, mcause, 7
    j pass

park:
    wfi
    j park

    .data
    .balign 16
cell:
    .dword 0, 0
