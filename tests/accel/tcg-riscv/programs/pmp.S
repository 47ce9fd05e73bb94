// Physical memory protection as loads, stores and fetches meet it.
#include "harness.h"

#define NAPOT 0x18
#define TOR 0x08
#define NA4 0x10
#define LOCK 0x80
#define R 1
#define W 2
#define X 4

// Loads from or stores to a2 as S (MPRV); a0: mcause or 0.
.macro probe instruction
    trap_to 1f
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, MSTATUS_MPRV | MSTATUS_MPP_S
    csrs mstatus, t0
    \instruction
    li a0, 0
    j 2f
    .balign 4
1:  csrr a0, mcause
2:  li t0, MSTATUS_MPRV
    csrc mstatus, t0
.endm

main:
    bnez s0, park
    // Nothing is allowed: S cannot even fetch.
    trap_to 1f
    enter_mode MSTATUS_MPP_S
    j fail
    .balign 4
1:  expect_csr 1, mcause, 1
    la a2, page
    probe "ld a1, 0(a2)"
    expect 2, a0, 5
    probe "sd a1, 0(a2)"
    expect 3, a0, 7

    // Entry 1: everything. Entry 0: the page, read-only.
    li t0, -1
    csrw pmpaddr1, t0
    la t0, page
    srli t0, t0, 2
    ori t0, t0, 0x1ff
    csrw pmpaddr0, t0
    li t0, (NAPOT | R | W | X) << 8 | NAPOT | R
    csrw pmpcfg0, t0
    sfence.vma
    probe "ld a1, 0(a2)"
    expect 4, a0, 0
    probe "sd a1, 0(a2)"
    expect 5, a0, 7
    csrr t5, mtval
    li gp, 6
    bne t5, a2, fail
    addi a2, a2, -8
    probe "sd a1, 0(a2)"
    expect 7, a0, 0
    addi a2, a2, 8

    // Four bytes inside of a page that is otherwise open.
    la t0, page + 16
    srli t0, t0, 2
    csrw pmpaddr0, t0
    li t0, (NAPOT | R | W | X) << 8 | NA4
    csrw pmpcfg0, t0
    sfence.vma
    probe "lw a1, 12(a2)"
    expect 8, a0, 0
    probe "lw a1, 16(a2)"
    expect 9, a0, 5
    probe "lw a1, 20(a2)"
    expect 10, a0, 0
    probe "ld a1, 16(a2)"
    expect 11, a0, 5
    probe "sw a1, 16(a2)"
    expect 12, a0, 7
    probe "sw a1, 24(a2)"
    expect 13, a0, 0
    probe "lw a1, 12(a2)"
    expect 14, a0, 0

    // Straight-line code runs up to them and not further.
    li t1, 0x00500513               // li a0, 5
    sw t1, 8(a2)
    li t1, 0x00150513               // addi a0, a0, 1
    sw t1, 12(a2)
    sw t1, 16(a2)
    fence.i
    trap_to 1f
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, MSTATUS_MPP_S
    csrs mstatus, t0
    addi t0, a2, 8
    csrw mepc, t0
    mret
    .balign 4
1:  expect_csr 22, mcause, 1
    expect 23, a0, 6
    addi t0, a2, 16
    csrr t5, mepc
    li gp, 24
    bne t5, t0, fail
    csrr t5, mtval
    li gp, 25
    bne t5, t0, fail

    // A TOR range: [page, page + 32) without rights.
    la t0, page
    srli t0, t0, 2
    csrw pmpaddr0, t0
    la t0, page + 32
    srli t0, t0, 2
    csrw pmpaddr1, t0
    li t0, -1
    csrw pmpaddr2, t0
    li t0, (NAPOT | R | W | X) << 16 | TOR << 8
    csrw pmpcfg0, t0
    sfence.vma
    probe "ld a1, 24(a2)"
    expect 15, a0, 5
    probe "ld a1, 32(a2)"
    expect 16, a0, 0
    probe "ld a1, -8(a2)"
    expect 17, a0, 0

    // M passes what is not locked.
    ld a1, 0(a2)
    // Locked: M is bound as well, and the entry stays until reset.
    li t0, (NAPOT | R | W | X) << 16 | (LOCK | TOR | R) << 8
    csrw pmpcfg0, t0
    sfence.vma
    ld a1, 0(a2)
    trap_to 1f
    sd a1, 0(a2)
    j fail
    .balign 4
1:  expect_csr 18, mcause, 7
    csrw pmpcfg0, zero
    csrr t5, pmpcfg0
    expect 19, t5, (LOCK | TOR | R) << 8
    csrr s1, pmpaddr1
    csrw pmpaddr1, zero
    csrr t5, pmpaddr1
    li gp, 20
    bne t5, s1, fail
    csrr s1, pmpaddr0
    csrw pmpaddr0, zero
    csrr t5, pmpaddr0
    li gp, 21
    bne t5, s1, fail
    j pass

park:
    wfi
    j park

    .bss
    .balign 4096
    .fill 4096
page:
    .fill 4096
