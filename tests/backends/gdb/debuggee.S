// Firmware of the board `virt` for a debugger to look at: hart 0 counts in memory, hart 1 counts in a register.
    .section .text.init, "ax"
    .globl _start, loop, work, other, handler
_start:
    csrr s0, mhartid
    la t0, handler
    csrw mtvec, t0
    la s1, counter
    li s2, 0
    bnez s0, other
loop:
    call work
    lw t0, 4(s1)
    j loop

work:
    ld t0, 0(s1)
    addi t0, t0, 1
stored:
    sd t0, 0(s1)
    ret

other:
    addi s2, s2, 1
    j other

    .balign 4
handler:
    j handler

    .data
    .balign 8
    .globl counter, beside
counter: .dword 0
beside: .dword 0
