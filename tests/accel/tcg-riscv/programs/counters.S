// cycle, instret and time move; mcountinhibit stops the first two; the performance counters stand.
#include "harness.h"

#define MCOUNTINHIBIT 0x320

main:
    bnez s0, park
    rdcycle t0
    rdinstret t1
    rdtime t2
    li t3, 100000
1:  addi t3, t3, -1
    bnez t3, 1b
    rdcycle t4
    li gp, 1
    bgeu t0, t4, fail
    rdinstret t4
    li gp, 2
    bgeu t1, t4, fail
    rdtime t4
    li gp, 3
    bgeu t2, t4, fail

    li t0, 5
    csrw MCOUNTINHIBIT, t0
    csrr t0, mcycle
    csrr t1, minstret
    li t3, 1000
1:  addi t3, t3, -1
    bnez t3, 1b
    csrr t4, mcycle
    li gp, 4
    bne t0, t4, fail
    csrr t4, minstret
    li gp, 5
    bne t1, t4, fail
    csrw MCOUNTINHIBIT, zero
    li t3, 1000
1:  addi t3, t3, -1
    bnez t3, 1b
    csrr t4, mcycle
    li gp, 6
    bgeu t0, t4, fail

    // Counters can be written and go on from there.
    csrw mcycle, zero
    csrr t4, mcycle
    li t5, 1 << 40
    li gp, 7
    bgeu t4, t5, fail
    csrr t5, mhpmcounter3
    expect 8, t5, 0
    j pass

park:
    wfi
    j park
