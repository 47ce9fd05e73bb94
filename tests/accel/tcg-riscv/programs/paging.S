// Sv39 and Sv48: permissions, A and D, superpages, remapping, MPRV, faults and their registers.
//
// The program runs in S mode through an identity mapping of its first GiB and reaches test pages at 0x40000000
// (Sv39 root entry 1). M mode takes all traps; `try_…` says what happened in a0 (0: no trap, else mcause).
#include "harness.h"

#define V 0x01
#define R 0x02
#define W 0x04
#define X 0x08
#define U 0x10
#define A 0x40
#define D 0x80
#define VIRTUAL 0x40000000
#define MODE_SV39 8
#define MODE_SV48 9

// s1: MPP to access with (through MPRV). A load or store in M mode through MPRV; a0 = mcause or 0, a1 = loaded.
.macro try_load address
    li a2, \address
    jal ra, do_load
.endm
.macro try_store address
    li a2, \address
    jal ra, do_store
.endm
.macro as_supervisor
    li s1, MSTATUS_MPP_S
.endm
.macro as_user
    li s1, 0
.endm
// Maps VIRTUAL's page to `data` with these bits.
.macro map_page bits
    la t0, data
    srli t0, t0, 2
    ori t0, t0, \bits
    la t1, level0
    sd t0, 0(t1)
    sfence.vma
.endm
.macro expect_entry number, bits
    la t1, level0
    ld t5, 0(t1)
    andi t5, t5, 0xff
    expect \number, t5, \bits
.endm

main:
    bnez s0, park
    open_pmp
    // Sv39: root[2] = identity of 0x80000000, root[1] -> level1[0] -> level0.
    la s2, root
    li t0, 0x80000000 >> 2 | V | R | W | X | A | D
    sd t0, 16(s2)
    la t0, level1
    srli t0, t0, 2
    ori t0, t0, V
    sd t0, 8(s2)
    la t1, level1
    la t0, level0
    srli t0, t0, 2
    ori t0, t0, V
    sd t0, 0(t1)
    srli t0, s2, 12
    li t1, MODE_SV39
    slli t1, t1, 60
    or t0, t0, t1
    csrw satp, t0
    csrr t5, satp
    li gp, 1
    bne t5, t0, fail

    // Data pages.
    as_supervisor
    map_page V | R | W | A | D
    la t0, data
    li t1, 0x1122334455667788
    sd t1, 8(t0)
    try_load VIRTUAL + 8
    expect 2, a0, 0
    expect 3, a1, 0x1122334455667788
    li a1, 0x99
    try_store VIRTUAL + 16
    expect 4, a0, 0
    la t0, data
    ld t5, 16(t0)
    expect 5, t5, 0x99
    as_user
    try_load VIRTUAL + 8
    expect 6, a0, 13
    expect_csr 7, mtval, VIRTUAL + 8
    try_store VIRTUAL + 8
    expect 8, a0, 15
    expect_csr 9, mtval, VIRTUAL + 8

    // Read-only, and not there.
    as_supervisor
    map_page V | R | A | D
    try_load VIRTUAL
    expect 10, a0, 0
    try_store VIRTUAL
    expect 11, a0, 15
    map_page R | W | A | D
    try_load VIRTUAL
    expect 12, a0, 13
    // W without R is reserved.
    map_page V | W | A | D
    try_load VIRTUAL
    expect 13, a0, 13
    // Not in the tables at all; not canonical.
    try_load VIRTUAL + 0x200000
    expect 14, a0, 13
    try_load 0x4000000000
    expect 15, a0, 13

    // User pages: SUM.
    map_page V | R | W | U | A | D
    try_load VIRTUAL
    expect 16, a0, 13
    li s1, MSTATUS_MPP_S | MSTATUS_SUM
    try_load VIRTUAL
    expect 17, a0, 0
    try_store VIRTUAL
    expect 18, a0, 0
    as_supervisor
    try_load VIRTUAL
    expect 19, a0, 13
    as_user
    try_load VIRTUAL
    expect 20, a0, 0

    // Execute-only: MXR.
    as_supervisor
    map_page V | X | A | D
    try_load VIRTUAL
    expect 21, a0, 13
    li s1, MSTATUS_MPP_S | MSTATUS_MXR
    try_load VIRTUAL
    expect 22, a0, 0
    as_supervisor
    try_load VIRTUAL
    expect 23, a0, 13

    // A and D are set as needed.
    map_page V | R | W
    try_load VIRTUAL
    expect 24, a0, 0
    expect_entry 25, V | R | W | A
    try_store VIRTUAL
    expect 26, a0, 0
    expect_entry 27, V | R | W | A | D

    // A change of the entry is seen after SFENCE.VMA, of all or of the address.
    la t0, other
    li t1, 0x77
    sd t1, 0(t0)
    try_load VIRTUAL
    la t0, other
    srli t0, t0, 2
    ori t0, t0, V | R | A
    la t1, level0
    sd t0, 0(t1)
    li t0, VIRTUAL
    sfence.vma t0, zero
    try_load VIRTUAL
    expect 28, a1, 0x77

    // A superpage of 2 MiB, and a misaligned one.
    la t1, level1
    li t0, 0x80000000 >> 2 | V | R | W | X | A | D
    sd t0, 8(t1)
    sfence.vma
    la a2, data
    li t0, 0x80000000 - (VIRTUAL + 0x200000)
    sub a2, a2, t0
    jal ra, do_load
    expect 29, a0, 0
    la t0, data
    ld t5, 0(t0)
    li gp, 30
    bne t5, a1, fail
    li t0, 0x80001000 >> 2 | V | R | W | X | A | D
    la t1, level1
    sd t0, 8(t1)
    sfence.vma
    try_load VIRTUAL + 0x200000
    expect 31, a0, 13

    // A walk that leaves memory is an access fault.
    la t1, level1
    li t0, HOLE >> 2 | V
    sd t0, 16(t1)
    sfence.vma
    try_load VIRTUAL + 0x400000
    expect 32, a0, 5

    // A store that crosses into a page that refuses it: mtval is in that page, and nothing was written.
    map_page V | R | W | A | D
    la t1, level0
    sd zero, 8(t1)
    sfence.vma
    la t0, gap                      // the page behind `data`
    sd zero, -8(t0)
    li a1, -1
    try_store VIRTUAL + 0xffc
    expect 33, a0, 15
    expect_csr 34, mtval, VIRTUAL + 0x1000
    la t0, gap
    ld t5, -8(t0)
    expect 35, t5, 0
    // And across two pages that are not neighbours in memory.
    la t0, other
    srli t0, t0, 2
    ori t0, t0, V | R | W | A | D
    la t1, level0
    sd t0, 8(t1)
    sfence.vma
    li a1, 0x1122334455667788
    try_store VIRTUAL + 0xffc
    expect 36, a0, 0
    la t0, gap
    lwu t5, -4(t0)
    expect 37, t5, 0x55667788
    la t0, other
    lwu t5, 0(t0)
    expect 38, t5, 0x11223344
    try_load VIRTUAL + 0xffc
    expect 39, a1, 0x1122334455667788

    // Fetches in S mode: through the identity, from a page without X, from a user page.
    trap_to 1f
    enter_mode MSTATUS_MPP_S
    ecall
    .balign 4
1:  expect_csr 40, mcause, 9
    map_page V | R | W | A | D
    trap_to 1f
    enter_mode MSTATUS_MPP_S
    li t0, VIRTUAL
    jr t0
    .balign 4
1:  expect_csr 41, mcause, 12
    expect_csr 42, mepc, VIRTUAL
    expect_csr 43, mtval, VIRTUAL
    // code: li a0, 5; ecall
    la t0, data
    li t1, 0x00500513
    sw t1, 0(t0)
    li t1, 0x00000073
    sw t1, 4(t0)
    fence.i
    map_page V | R | X | U | A | D
    trap_to 1f
    enter_mode MSTATUS_MPP_S
    li t0, VIRTUAL
    jr t0
    .balign 4
1:  expect_csr 44, mcause, 12
    trap_to 1f
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, VIRTUAL
    csrw mepc, t0
    mret
    .balign 4
1:  expect_csr 45, mcause, 8
    expect 46, a0, 5
    expect_csr 47, mepc, VIRTUAL + 4
    // An instruction that crosses into a page without X: mepc is its address, mtval the page's.
    la t0, gap
    li t1, 0x0513
    sh t1, -2(t0)
    fence.i
    map_page V | R | X | A | D
    la t1, level0
    sd zero, 8(t1)
    sfence.vma
    trap_to 1f
    enter_mode MSTATUS_MPP_S
    li t0, VIRTUAL + 0xffe
    jr t0
    .balign 4
1:  expect_csr 48, mcause, 12
    expect_csr 49, mepc, VIRTUAL + 0xffe
    expect_csr 50, mtval, VIRTUAL + 0x1000

    // The same code address under two mappings runs two codes.
    la t0, data
    li t1, 0x00500513               // li a0, 5
    sw t1, 0(t0)
    li t1, 0x00000073
    sw t1, 4(t0)
    la t0, other
    li t1, 0x00600513               // li a0, 6
    sw t1, 0(t0)
    li t1, 0x00000073
    sw t1, 4(t0)
    fence.i
    map_page V | R | X | A | D
    jal ra, run_virtual
    expect 51, a0, 5
    la t0, other
    srli t0, t0, 2
    ori t0, t0, V | R | X | A | D
    la t1, level0
    sd t0, 0(t1)
    sfence.vma
    jal ra, run_virtual
    expect 52, a0, 6

    // Sv48: one more level; the old root stands under entry 0 of a new one.
    la t1, root48
    srli t0, s2, 2
    ori t0, t0, V
    sd t0, 0(t1)
    srli t0, t1, 12
    li t1, MODE_SV48
    slli t1, t1, 60
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    csrr t5, satp
    li gp, 53
    bne t5, t0, fail
    map_page V | R | W | A | D
    la t0, data
    li t1, 0xabc
    sd t1, 24(t0)
    as_supervisor
    try_load VIRTUAL + 24
    expect 54, a0, 0
    expect 55, a1, 0xabc
    try_load 0x4000000000
    expect 56, a0, 13
    jal ra, run_identity
    expect 57, a0, 9

    // A mode that does not exist leaves satp alone.
    csrr s3, satp
    li t0, 15
    slli t0, t0, 60
    csrw satp, t0
    csrr t5, satp
    li gp, 58
    bne t5, s3, fail
    j pass

// a2: address. Loads 8 bytes into a1 with the rights of s1.
    .balign 4
do_load:
    trap_to 1f
    li t0, MSTATUS_MPP | MSTATUS_SUM | MSTATUS_MXR
    csrc mstatus, t0
    li t0, MSTATUS_MPRV
    or t0, t0, s1
    csrs mstatus, t0
    ld a1, 0(a2)
    li a0, 0
    j 2f
    .balign 4
1:  csrr a0, mcause
2:  li t0, MSTATUS_MPRV
    csrc mstatus, t0
    ret
// a1: value.
    .balign 4
do_store:
    trap_to 1f
    li t0, MSTATUS_MPP | MSTATUS_SUM | MSTATUS_MXR
    csrc mstatus, t0
    li t0, MSTATUS_MPRV
    or t0, t0, s1
    csrs mstatus, t0
    sd a1, 0(a2)
    li a0, 0
    j 2f
    .balign 4
1:  csrr a0, mcause
2:  li t0, MSTATUS_MPRV
    csrc mstatus, t0
    ret
run_virtual:
    trap_to 1f
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, MSTATUS_MPP_S
    csrs mstatus, t0
    li t0, VIRTUAL
    csrw mepc, t0
    mret
    .balign 4
1:  ret
run_identity:
    trap_to 1f
    enter_mode MSTATUS_MPP_S
    ecall
    .balign 4
1:  csrr a0, mcause
    ret

park:
    wfi
    j park

    .bss
    .balign 4096
root:
    .fill 4096
root48:
    .fill 4096
level1:
    .fill 4096
level0:
    .fill 4096
data:
    .fill 4096
gap:
    .fill 4096
other:
    .fill 4096
