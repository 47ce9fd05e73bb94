// Address spaces: what a write of satp alone must change (mappings of the address space) and what SFENCE.VMA must.
// Priv 4.2.1: no fence is needed between address spaces of different ASIDs.
//
// Two page tables map the same three pages: one of their own (data, and code at VIRTUAL_CODE), one global.
#include "harness.h"

#define V 0x01
#define R 0x02
#define W 0x04
#define X 0x08
#define G 0x20
#define A 0x40
#define D 0x80
#define OWN V | R | W | A | D
#define VIRTUAL_OWN HOLE
#define VIRTUAL_GLOBAL (HOLE + 0x1000)
#define VIRTUAL_CODE (HOLE + 0x2000)

// root, level 1 and level 0 of one space: level1 and level0 follow the root.
.macro make_space root, data, code
    la t0, \root
    li t1, 0x80000000 >> 2 | V | R | W | X | G | A | D
    sd t1, 16(t0)
    li t2, 4096
    add t3, t0, t2
    srli t1, t3, 2
    ori t1, t1, V
    sd t1, 0(t0)
    add t4, t3, t2
    srli t1, t4, 2
    ori t1, t1, V
    sd t1, (HOLE >> 21) * 8(t3)
    map_at t4, 0, \data, OWN
    map_at t4, 8, shared, OWN | G
    map_at t4, 16, \code, V | R | X | A | D
.endm
// The entry at `offset` of the table in `table` points to `target`.
.macro map_at table, offset, target, bits
    la t1, \target
    srli t1, t1, 2
    li t5, \bits
    or t1, t1, t5
    sd t1, \offset(\table)
.endm
.macro switch_to root, asid
    la t0, \root
    srli t0, t0, 12
    li t1, 8 << 60 | \asid << 44
    or t0, t0, t1
    csrw satp, t0
.endm
.macro expect_loaded number, address, value
    li t0, \address
    ld t5, 0(t0)
    expect \number, t5, \value
.endm
.macro expect_called number, value
    li t0, VIRTUAL_CODE
    jalr ra, 0(t0)
    expect \number, a0, \value
.endm

main:
    bnez s0, park
    open_pmp
    make_space space_a, data_a, code_a
    make_space space_b, data_b, code_b
    switch_to space_a, 1
    sfence.vma
    trap_to trapped
    enter_mode MSTATUS_MPP_S

    expect_loaded 1, VIRTUAL_OWN, 0xa
    expect_loaded 2, VIRTUAL_GLOBAL, 0x5
    expect_called 3, 1

    // The other space, by its ASID alone.
    switch_to space_b, 2
    expect_loaded 4, VIRTUAL_OWN, 0xb
    expect_loaded 5, VIRTUAL_GLOBAL, 0x5
    expect_called 6, 2
    li t0, VIRTUAL_OWN
    li t1, 0x1b
    sd t1, 0(t0)

    // And back: the store went to the other page.
    switch_to space_a, 1
    expect_loaded 7, VIRTUAL_OWN, 0xa
    expect_called 8, 1

    // A loop over both spaces, so that remembered jumps meet both.
    li s2, 100
1:  switch_to space_b, 2
    expect_called 9, 2
    expect_loaded 10, VIRTUAL_OWN, 0x1b
    switch_to space_a, 1
    expect_called 11, 1
    expect_loaded 12, VIRTUAL_OWN, 0xa
    addi s2, s2, -1
    bnez s2, 1b

    // An entry of the space changes: a fence for its ASID.
    la t4, space_a + 8192
    map_at t4, 0, data_b, OWN
    li t0, 1
    sfence.vma zero, t0
    expect_loaded 13, VIRTUAL_OWN, 0x1b

    // A global entry changes: a fence for its address in all spaces.
    la t4, space_a + 8192
    map_at t4, 8, data_a, OWN | G
    li t0, VIRTUAL_GLOBAL
    sfence.vma t0
    expect_loaded 14, VIRTUAL_GLOBAL, 0xa

    // Without paging not even what is global is left: nothing answers at the physical address.
    csrw satp, zero
    li gp, 16
    li t0, VIRTUAL_GLOBAL
    ld t5, 0(t0)
    li gp, 15
    j fail

    // The only trap that is due: the load without paging.
    .balign 4
trapped:
    li t0, 16
    bne gp, t0, unexpected_trap
    csrr t5, mcause
    expect 17, t5, 5
    j pass

park:
    wfi
    j park

    .balign 4096
code_a:
    li a0, 1
    ret
    .balign 4096
code_b:
    li a0, 2
    ret

    .section .data
    .balign 4096
data_a: .dword 0xa
    .balign 4096
data_b: .dword 0xb
    .balign 4096
shared: .dword 0x5
    .balign 4096
space_a: .fill 12288
space_b: .fill 12288
