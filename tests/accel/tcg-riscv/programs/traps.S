// Traps into machine mode: what causes them, and what they leave in mcause, mepc, mtval and mstatus.
#include "harness.h"

main:
    bnez s0, park
    open_pmp

    // ECALL from M.
    trap_to 1f
call:
    ecall
    j fail
    .balign 4
1:  expect_csr 1, mcause, 11
    expect_csr_label 2, mepc, call
    expect_csr 3, mtval, 0
    csrr t5, mstatus
    li t4, MSTATUS_MPP
    and t5, t5, t4
    expect 4, t5, MSTATUS_MPP

    // An instruction that is none; mtval holds it.
    trap_to 1f
illegal:
    .word 0x0000707b
    j fail
    .balign 4
1:  expect_csr 5, mcause, 2
    expect_csr_label 6, mepc, illegal
    expect_csr 7, mtval, 0x707b

    // A CSR that does not exist.
    trap_to 1f
    csrr t1, 0x5a8
    j fail
    .balign 4
1:  expect_csr 8, mcause, 2
    expect_csr 9, mtval, 0x5a802373

    // A write to a read-only CSR.
    trap_to 1f
    csrw cycle, zero
    j fail
    .balign 4
1:  expect_csr 10, mcause, 2

    // Breakpoint.
    trap_to 1f
breakpoint:
    ebreak
    j fail
    .balign 4
1:  expect_csr 11, mcause, 3
    expect_csr_label 12, mepc, breakpoint

    // Nothing answers.
    li s1, HOLE
    trap_to 1f
load:
    li a0, 0x1234
bad_load:
    lw a0, 8(s1)
    j fail
    .balign 4
1:  expect_csr 13, mcause, 5
    expect_csr_label 14, mepc, bad_load
    expect_csr 15, mtval, HOLE + 8
    expect 16, a0, 0x1234
    trap_to 1f
bad_store:
    sd a0, 16(s1)
    j fail
    .balign 4
1:  expect_csr 17, mcause, 7
    expect_csr_label 18, mepc, bad_store
    expect_csr 19, mtval, HOLE + 16
    trap_to 1f
    jr s1
    .balign 4
1:  expect_csr 20, mcause, 1
    expect_csr 21, mepc, HOLE
    expect_csr 22, mtval, HOLE

    // A misaligned atomic.
    la s1, word
    addi s1, s1, 1
    trap_to 1f
    amoadd.w a0, a0, (s1)
    j fail
    .balign 4
1:  csrr t5, mcause
    li t6, 6                        // misaligned, or an access fault: the manual leaves it open
    beq t5, t6, 2f
    expect 23, t5, 7
2:

    // The interrupt enables are stacked.
    csrsi mstatus, MSTATUS_MIE
    trap_to 1f
    ecall
    .balign 4
1:  csrr t5, mstatus
    andi t5, t5, MSTATUS_MIE | MSTATUS_MPIE
    expect 24, t5, MSTATUS_MPIE
    csrci mstatus, MSTATUS_MIE

    // User mode: its ECALL, and what it may not do.
    trap_to 1f
    enter_mode 0
    ecall
    .balign 4
1:  expect_csr 25, mcause, 8
    csrr t5, mstatus
    li t4, MSTATUS_MPP
    and t5, t5, t4
    expect 26, t5, 0
    trap_to 1f
    enter_mode 0
    csrr t1, mstatus
    .balign 4
1:  expect_csr 27, mcause, 2
    trap_to 1f
    enter_mode 0
    csrr t1, sstatus
    .balign 4
1:  expect_csr 28, mcause, 2
    trap_to 1f
    enter_mode 0
    mret
    .balign 4
1:  expect_csr 29, mcause, 2
    trap_to 1f
    enter_mode 0
    wfi
    .balign 4
1:  expect_csr 30, mcause, 2
    csrw mcounteren, zero
    trap_to 1f
    enter_mode 0
    rdtime t1
    .balign 4
1:  expect_csr 31, mcause, 2
    li t0, 7
    csrw mcounteren, t0
    csrw scounteren, t0
    trap_to 1f
    enter_mode 0
    rdtime t1
    rdcycle t1
    rdinstret t1
    ecall
    .balign 4
1:  expect_csr 32, mcause, 8

    // The floating-point unit is off.
    li t0, MSTATUS_FS
    csrc mstatus, t0
    trap_to 1f
    fadd.d f0, f0, f0
    .balign 4
1:  expect_csr 33, mcause, 2
    trap_to 1f
    csrr t1, fcsr
    .balign 4
1:  expect_csr 34, mcause, 2
    // Initial; the first instruction that writes makes it dirty.
    li t0, 0x2000
    csrs mstatus, t0
    fmv.d.x f0, zero
    csrr t5, mstatus
    srli t5, t5, 63
    expect 35, t5, 1

    // Compressed instructions: mepc is exact, mtval holds 16 bits.
    .option push
    .option rvc
    trap_to 1f
    .balign 4
    c.nop
compressed:
    .half 0
    .balign 4
1:  .option pop
    expect_csr 36, mcause, 2
    expect_csr_label 37, mepc, compressed
    expect_csr 38, mtval, 0

    // The second half of an instruction that cannot be fetched is left to the paging program.
    j pass

park:
    wfi
    j park

    .data
    .balign 8
word:
    .dword 0, 0
