// Code that changes: before FENCE.I, again and again, ahead of itself, and in a page that data shares.
#include "harness.h"

    .option norvc

main:
    bnez s0, park
    // A function is written and called.
    la s1, function
    li t0, 0x00100513               // li a0, 1
    sw t0, 0(s1)
    li t0, 0x00008067               // ret
    sw t0, 4(s1)
    fence.i
    jalr s1
    expect 1, a0, 1

    // It is rewritten a thousand times: li a0, n.
    li s2, 0
1:  slli t0, s2, 20
    li t1, 0x00000513
    or t0, t0, t1
    sw t0, 0(s1)
    fence.i
    jalr s1
    li gp, 2
    bne a0, s2, fail
    addi s2, s2, 1
    li t0, 1000
    bne s2, t0, 1b

    // Bytes of one instruction.
    li t0, 0x02a00513               // li a0, 42
    sw t0, 0(s1)
    fence.i
    jalr s1
    expect 3, a0, 42
    li t0, 0x03
    sb t0, 3(s1)                    // li a0, 58
    fence.i
    jalr s1
    expect 4, a0, 58

    // An instruction right behind the store, in the same straight line.
    la s3, patched
    li t0, 0x00700513               // li a0, 7
    li a0, 0
    sw t0, 0(s3)
    fence.i
patched:
    li a0, 1
    expect 5, a0, 7

    // A loop whose body patches itself: 1 + 2 + … + 10 through an immediate.
    la s3, addend
    li s2, 1
    li a1, 0
2:  slli t0, s2, 20
    li t1, 0x00058593               // addi a1, a1, n
    or t0, t0, t1
    sw t0, 0(s3)
    fence.i
addend:
    addi a1, a1, 0
    addi s2, s2, 1
    li t0, 11
    bne s2, t0, 2b
    expect 6, a1, 55

    // Data in the page of running code changes without end, and nothing else does.
    la s3, counter
    li s2, 10000
3:  ld t0, 0(s3)
    addi t0, t0, 1
    sd t0, 0(s3)
    addi s2, s2, -1
    bnez s2, 3b
    ld t5, 0(s3)
    expect 7, t5, 10000

    // An instruction that lies across two pages, its second half rewritten.
    la s3, page_end - 2
    li t0, 0x0513
    sh t0, 0(s3)
    li t0, 0x0050                   // li a0, 5
    sh t0, 2(s3)
    li t0, 0x8067
    sh t0, 4(s3)
    sh zero, 6(s3)
    fence.i
    jalr s3
    expect 8, a0, 5
    li t0, 0x0060
    sh t0, 2(s3)
    fence.i
    jalr s3
    expect 9, a0, 6
    // And its first half: addi a0, zero becomes addi a0, a0.
    li t0, 0x0513
    li t1, 0x8000
    or t0, t0, t1
    sh t0, 0(s3)
    li t0, 0x0065                   // addi a0, a0, 6
    sh t0, 2(s3)
    li t0, 0x0513
    sh t0, 0(s3)
    fence.i
    li a0, 10
    jalr s3
    expect 10, a0, 16
    j pass

    .balign 8
counter:
    .dword 0

park:
    wfi
    j park

    .bss
    .balign 4096
function:
    .fill 4096
page_end:
    .fill 4096
