// Delegation to the supervisor, its returns, and the traps that keep it out: TVM, TW, TSR.
#include "harness.h"

// Runs what follows in S mode with mtvec at `label`.
.macro supervisor_until label
    trap_to \label
    enter_mode MSTATUS_MPP_S
.endm

main:
    bnez s0, park
    open_pmp

    // ECALL from U goes to S once it is delegated; ECALL from S goes on to M.
    li t0, 1 << 8 | 1 << 2
    csrw medeleg, t0
    strap_to 1f
    trap_to 3f
    csrsi mstatus, MSTATUS_SIE
    enter_mode 0
user_call:
    ecall
    .balign 4
1:  expect_csr 1, scause, 8
    expect_csr_label 2, sepc, user_call
    csrr t5, sstatus
    andi t5, t5, MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP
    expect 3, t5, MSTATUS_SPIE

    // Back to U with SRET: SIE comes back, SPP falls to U.
    la t0, 2f
    csrw sepc, t0
    strap_to 1f
    sret
2:  ecall
    .balign 4
1:  expect_csr_label 4, sepc, 2b
    csrr t5, sstatus
    andi t5, t5, MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP
    expect 5, t5, MSTATUS_SPIE

    // An illegal instruction of the supervisor itself: SPP says S.
    strap_to 1f
    csrr t1, mstatus
    .balign 4
1:  expect_csr 6, scause, 2
    csrr t5, sstatus
    andi t5, t5, MSTATUS_SPP
    expect 7, t5, MSTATUS_SPP

    // Fields of the machine are not in sstatus.
    li t0, MSTATUS_MPP | MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPRV
    csrs sstatus, t0
    csrr t5, sstatus
    and t5, t5, t0
    expect 8, t5, 0
supervisor_call:
    ecall
    .balign 4
3:  expect_csr 9, mcause, 9
    expect_csr_label 10, mepc, supervisor_call

    // A trap in M never goes down.
    trap_to 1f
    .word 0
    .balign 4
1:  expect_csr 11, mcause, 2

    // TVM: satp and SFENCE.VMA.
    csrw medeleg, zero
    supervisor_until 1f
    csrr t0, satp
    sfence.vma
    ecall
    .balign 4
1:  expect_csr 12, mcause, 9
    li t0, MSTATUS_TVM
    csrs mstatus, t0
    supervisor_until 1f
    csrr t0, satp
    .balign 4
1:  expect_csr 13, mcause, 2
    supervisor_until 1f
    sfence.vma
    .balign 4
1:  expect_csr 14, mcause, 2
    li t0, MSTATUS_TVM
    csrc mstatus, t0

    // TSR: SRET.
    li t0, MSTATUS_TSR
    csrs mstatus, t0
    supervisor_until 1f
    sret
    .balign 4
1:  expect_csr 15, mcause, 2
    li t0, MSTATUS_TSR
    csrc mstatus, t0

    // TW: WFI.
    li t0, MSTATUS_TW
    csrs mstatus, t0
    supervisor_until 1f
    wfi
    .balign 4
1:  expect_csr 16, mcause, 2
    li t0, MSTATUS_TW
    csrc mstatus, t0

    // A delegated interrupt: SSIP set by M is taken when S is entered with SIE, and cleared by S.
    li t0, 2
    csrw mideleg, t0
    csrw mie, t0
    csrs mip, t0
    strap_to 1f
    csrsi mstatus, MSTATUS_SIE
    supervisor_until fail
    j fail
    .balign 4
1:  csrr t5, scause
    li t6, 1
    slli t6, t6, 63
    ori t6, t6, 1
    li gp, 17
    bne t5, t6, fail
    csrr t5, sip
    expect 18, t5, 2
    csrci sip, 2
    csrr t5, sip
    expect 19, t5, 0
    // It cannot set what is not delegated.
    li t0, 0x222
    csrs sip, t0
    csrr t5, sip
    expect 20, t5, 2
    csrs sie, t0
    csrr t5, sie
    expect 21, t5, 2

    // Vectored mode, for interrupts only.
    la t0, vectors
    addi t0, t0, 1
    csrw stvec, t0
    csrsi sstatus, MSTATUS_SIE
    j fail
    .balign 4
vectors:
    j fail
    j 1f
    j fail
1:  csrci sip, 2
    j pass

park:
    wfi
    j park
