// For the programs in this folder: firmware of the board `virt` that checks one part of the privileged architecture
// and ends with the number of the check that failed (exit status), or 0.
//
// Every hart enters at `main` with its number in s0 and a stack of its own. gp is the number of the check. A trap
// that no handler expects ends with 100 + mcause.
#define TEST_DEVICE 0x100000
#define CLINT_MSIP 0x2000000
#define CLINT_MTIMECMP 0x2004000
#define CLINT_MTIME 0x200bff8
#define HOLE 0x18000000

#define MSTATUS_SIE 0x2
#define MSTATUS_MIE 0x8
#define MSTATUS_SPIE 0x20
#define MSTATUS_MPIE 0x80
#define MSTATUS_SPP 0x100
#define MSTATUS_MPP 0x1800
#define MSTATUS_MPP_S 0x800
#define MSTATUS_FS 0x6000
#define MSTATUS_MPRV 0x20000
#define MSTATUS_SUM 0x40000
#define MSTATUS_MXR 0x80000
#define MSTATUS_TVM 0x100000
#define MSTATUS_TW 0x200000
#define MSTATUS_TSR 0x400000

#define MENVCFG 0x30a
#define STIMECMP 0x14d

.option norelax
    .option nopic
    .section .text.init, "ax"
    .globl _start
_start:
    csrr s0, mhartid
    la t0, unexpected_trap
    csrw mtvec, t0
    la sp, stack_top
    slli t0, s0, 12
    sub sp, sp, t0
    li gp, 99
    j main

    .balign 4
unexpected_trap:
    csrr t0, mcause
    slli t0, t0, 1
    srli t0, t0, 1
    addi gp, t0, 100
    j fail

fail:
    slli t0, gp, 16
    li t1, 0x3333
    or t0, t0, t1
    j finish
pass:
    li t0, 0x5555
finish:
    fence
    li t1, TEST_DEVICE
    sw t0, 0(t1)
1:  j 1b

    .section .bss
    .balign 16
    .fill 0x4000
stack_top:
    .text

// Check `number`: `register` must hold `value`. Clobbers t6.
.macro expect number, register, value
    li gp, \number
    li t6, \value
    bne \register, t6, fail
.endm
.macro expect_label number, register, label
    li gp, \number
    la t6, \label
    bne \register, t6, fail
.endm
.macro expect_csr number, csr, value
    csrr t5, \csr
    expect \number, t5, \value
.endm
.macro expect_csr_label number, csr, label
    csrr t5, \csr
    expect_label \number, t5, \label
.endm

// The next trap goes to `label` in machine mode.
.macro trap_to label
    la t0, \label
    csrw mtvec, t0
.endm
.macro strap_to label
    la t0, \label
    csrw stvec, t0
.endm

// Goes on behind this line in the mode that `mpp` says, with the memory rights that PMP gives.
.macro enter_mode mpp
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, \mpp
    csrs mstatus, t0
    la t0, 9f
    csrw mepc, t0
    mret
    .balign 4
9:
.endm
// Everything is allowed in S and U mode.
.macro open_pmp
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
.endm
