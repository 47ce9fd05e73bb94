// The machine timer, software interrupts, stimecmp, WFI and the order of interrupts.
#include "harness.h"

#define MSIE 0x008
#define STIE 0x020
#define MTIE 0x080
#define STCE_BIT 63

// gp = number; mcause must be the interrupt `cause`.
.macro expect_interrupt number, cause
    csrr t5, mcause
    li t6, 1
    slli t6, t6, 63
    addi t6, t6, \cause
    li gp, \number
    bne t5, t6, fail
.endm

main:
    bnez s0, park
    open_pmp
    li s1, CLINT_MTIMECMP
    li s2, CLINT_MTIME
    li s3, CLINT_MSIP
    li t0, -1
    sd t0, 0(s1)

    // time is mtime.
    ld t0, 0(s2)
    rdtime t1
    ld t2, 0(s2)
    li gp, 1
    bltu t1, t0, fail
    bltu t2, t1, fail

    // WFI ends when the timer comes, though interrupts are masked in mstatus.
    li t0, MTIE
    csrw mie, t0
    ld t0, 0(s2)
    li t1, 20000                    // 2 ms
    add s4, t0, t1
    sd s4, 0(s1)
1:  csrr t5, mip
    andi t5, t5, MTIE
    bnez t5, 2f
    wfi
    j 1b
2:  ld t0, 0(s2)
    li gp, 2
    bltu t0, s4, fail

    // Unmasked it is taken at once, at the instruction that is next.
    trap_to 1f
    csrsi mstatus, MSTATUS_MIE
next:
    j fail
    .balign 4
1:  expect_interrupt 3, 7
    expect_csr_label 4, mepc, next
    expect_csr 5, mtval, 0
    // A compare value in the future takes it back.
    li t0, -1
    sd t0, 0(s1)
    csrr t5, mip
    andi t5, t5, MTIE
    expect 6, t5, 0

    // An interrupt ends a loop that does nothing else, in S mode, which cannot mask it.
    ld t0, 0(s2)
    li t1, 10000
    add t0, t0, t1
    sd t0, 0(s1)
    trap_to 1f
    enter_mode MSTATUS_MPP_S
2:  j 2b
    .balign 4
1:  expect_interrupt 7, 7
    expect_csr_label 8, mepc, 2b
    li t0, -1
    sd t0, 0(s1)

    // A software interrupt to oneself; it comes before the timer.
    li t0, MTIE | MSIE
    csrw mie, t0
    sd zero, 0(s1)
    li t0, 1
    sw t0, 0(s3)
1:  csrr t5, mip                    // both arrive
    andi t5, t5, MTIE | MSIE
    li t6, MTIE | MSIE
    bne t5, t6, 1b
    trap_to 1f
    csrsi mstatus, MSTATUS_MIE
    j fail
    .balign 4
1:  expect_interrupt 9, 3
    sw zero, 0(s3)
2:  csrr t5, mip
    andi t5, t5, MSIE
    bnez t5, 2b
    trap_to 1f
    csrsi mstatus, MSTATUS_MIE
    j fail
    .balign 4
1:  expect_interrupt 10, 7
    li t0, -1
    sd t0, 0(s1)
    csrw mie, zero

    // stimecmp: STIP follows time >= stimecmp, and S takes it.
    li t0, -1
    csrw STIMECMP, t0
    li t0, 1
    slli t0, t0, STCE_BIT
    csrs MENVCFG, t0
    csrr t5, mip
    andi t5, t5, STIE
    expect 11, t5, 0
    csrw STIMECMP, zero
    csrr t5, mip
    andi t5, t5, STIE
    expect 12, t5, STIE
    li t0, STIE                     // read-only now
    csrc mip, t0
    csrr t5, mip
    andi t5, t5, STIE
    expect 13, t5, STIE
    li t0, -1
    csrw STIMECMP, t0
    csrr t5, mip
    andi t5, t5, STIE
    expect 14, t5, 0
    li t0, STIE
    csrw mideleg, t0
    csrw mie, t0
    li t0, 2
    csrw mcounteren, t0
    trap_to unexpected_trap
    strap_to 1f
    csrsi mstatus, MSTATUS_SIE
    enter_mode MSTATUS_MPP_S
    rdtime t0
    li t1, 20000
    add s4, t0, t1
    csrw STIMECMP, s4
2:  wfi
    j 2b
    .balign 4
1:  csrr t5, scause
    li t6, 1
    slli t6, t6, 63
    addi t6, t6, 5
    li gp, 15
    bne t5, t6, fail
    rdtime t0
    li gp, 16
    bltu t0, s4, fail
    j pass

park:
    wfi
    j park
