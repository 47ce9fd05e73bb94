# Runs on the Acme board: waits for three blinks by interrupt, checks the count, and powers off; anything else
# ends with the failure code 1. The period is the board version's, so the program reads it back and reports
# it in the failure code when it is not the one that was built in (EXPECTED_PERIOD).
    .option norvc
    .global _start
_start:
    la      t0, trap
    csrw    mtvec, t0
    li      s0, 0x10010000
    li      s1, 0
    lw      t0, 4(s0)
    li      t1, EXPECTED_PERIOD
    bne     t0, t1, fail
    li      t0, 1 << 11
    csrw    mie, t0
    csrsi   mstatus, 8
    li      t0, 1
    sw      t0, 0(s0)
1:  wfi
    li      t0, 3
    bltu    s1, t0, 1b
    lw      t1, 8(s0)
    bltu    t1, t0, fail
    li      t0, 0x5555
    j       finish
fail:
    li      t0, 0x13333
finish:
    li      t1, 0x100000
    sw      t0, 0(t1)
2:  j       2b

    .balign 4
trap:
    csrr    t2, mcause
    li      t3, (1 << 63) | 11
    bne     t2, t3, fail
    addi    s1, s1, 1
    li      t2, 1
    sw      t2, 12(s0)
    mret
