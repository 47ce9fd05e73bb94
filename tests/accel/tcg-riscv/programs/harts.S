// Two harts: a wake-up by software interrupt, counting with LR/SC and AMOs, message passing, code from the other hart.
// Run with -smp 2.
#include "harness.h"

#define ROUNDS 20000

main:
    la s1, shared
    bnez s0, second

    // Hart 0 waits until the other sleeps, and wakes it.
1:  ld t0, 0(s1)
    beqz t0, 1b
    li t0, CLINT_MSIP
    li t1, 1
    sw t1, 4(t0)
    j count

second:
    li t0, 8
    csrw mie, t0
    li t0, 1
    fence
    sd t0, 0(s1)
1:  csrr t5, mip
    andi t5, t5, 8
    bnez t5, 2f
    wfi
    j 1b
2:  li t0, CLINT_MSIP
    sw zero, 4(t0)

    // Both count in the same cells.
count:
    addi s2, s1, 64
    addi s4, s1, 128
    li s3, ROUNDS
    li t1, 1
1:  lr.d.aq t0, (s2)
    addi t0, t0, 1
    sc.d.rl t2, t0, (s2)
    bnez t2, 1b
    amoadd.w zero, t1, (s4)
    // A word beside it, by the other size.
    addi t3, s4, 4
2:  lr.w t0, (t3)
    addi t0, t0, 1
    sc.w t2, t0, (t3)
    bnez t2, 2b
    addi s3, s3, -1
    bnez s3, 1b
    // The last to arrive goes on alone; the other waits for its turn below.
    addi t3, s1, 192
    amoadd.d.aqrl zero, t1, (t3)
3:  ld t0, 0(t3)
    li t2, 2
    bne t0, t2, 3b
    fence
    ld t5, 0(s2)
    expect 1, t5, 2 * ROUNDS
    lw t5, 0(s4)
    expect 2, t5, 2 * ROUNDS
    lw t5, 4(s4)
    expect 3, t5, 2 * ROUNDS

    // A lock by amoswap around a counter that is not atomic.
    li s3, ROUNDS
    addi s2, s1, 256
    addi s4, s1, 320
1:  amoswap.w.aq t0, t1, (s2)
    bnez t0, 1b
    ld t0, 0(s4)
    addi t0, t0, 1
    sd t0, 0(s4)
    amoswap.w.rl zero, zero, (s2)
    addi s3, s3, -1
    bnez s3, 1b
    addi t3, s1, 384
    amoadd.d.aqrl zero, t1, (t3)
3:  ld t0, 0(t3)
    li t2, 2
    bne t0, t2, 3b
    fence
    ld t5, 0(s4)
    expect 4, t5, 2 * ROUNDS

    // Message passing: hart 0 writes data, then a flag; hart 1 answers. FENCE orders both.
    addi s2, s1, 448                // data
    addi s4, s1, 512                // flag
    li s3, 1
    bnez s0, receiver
1:  sd s3, 0(s2)
    fence w, w
    sd s3, 0(s4)
    slli t1, s3, 1
2:  ld t0, 64(s4)
    bne t0, s3, 2b
    addi s3, s3, 1
    li t0, ROUNDS
    bne s3, t0, 1b
    j code

receiver:
1:  ld t0, 0(s4)
    bne t0, s3, 1b
    fence r, r
    ld t5, 0(s2)
    li gp, 5
    bne t5, s3, fail
    sd s3, 64(s4)
    addi s3, s3, 1
    li t0, ROUNDS
    bne s3, t0, 1b

    // Code that hart 0 writes and hart 1 runs.
    la s2, function
    la s4, code_flag
    li s3, 1
1:  ld t0, 0(s4)
    bne t0, s3, 1b
    fence
    fence.i
    jalr s2
    li gp, 6
    bne a0, s3, fail
    sd s3, 64(s4)
    addi s3, s3, 1
    li t0, 200
    bne s3, t0, 1b
park:
    wfi
    j park

code:
    la s2, function
    la s4, code_flag
    li t0, 0x00008067               // ret
    sw t0, 4(s2)
    li s3, 1
1:  slli t0, s3, 20
    li t1, 0x00000513               // li a0, n
    or t0, t0, t1
    sw t0, 0(s2)
    fence w, w
    sd s3, 0(s4)
2:  ld t0, 64(s4)
    bne t0, s3, 2b
    addi s3, s3, 1
    li t0, 200
    bne s3, t0, 1b
    j pass

    .bss
    .balign 4096
shared:
    .fill 4096
code_flag:
    .fill 4096
function:
    .fill 4096
