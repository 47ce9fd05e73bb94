// A handler that completes the UART's interrupt and never asks the UART what it wants: its line stays raised. The
// interrupt comes again, and the program that it interrupts gets on nevertheless.
#include "harness.h"

#define UART_IER 0x10000001
#define TRANSMITTER_EMPTY 2
#define UART_SOURCE 10
#define PLIC_PRIORITY 0xc000000
#define PLIC_ENABLE 0xc002000
#define PLIC_CLAIM 0xc200004
#define MEIE 0x800
#define STEPS 2000000
#define TOO_OFTEN 100000

main:
    bnez s0, park
    li s1, 0                        // interrupts taken
    trap_to served
    li t0, PLIC_PRIORITY + 4 * UART_SOURCE
    li t1, 1
    sw t1, 0(t0)
    li t0, PLIC_ENABLE
    li t1, 1 << UART_SOURCE
    sw t1, 0(t0)
    li t0, UART_IER
    li t1, TRANSMITTER_EMPTY
    sb t1, 0(t0)
    li t0, MEIE
    csrw mie, t0
    csrsi mstatus, MSTATUS_MIE

    li s2, STEPS
1:  addi s2, s2, -1
    bnez s2, 1b
    csrci mstatus, MSTATUS_MIE
    li gp, 1
    li t0, 2
    bltu s1, t0, fail               // it came once only
    j pass

    .balign 4
served:
    li t4, PLIC_CLAIM
    lw t5, 0(t4)
    expect 2, t5, UART_SOURCE
    sw t5, 0(t4)
    addi s1, s1, 1
    li gp, 3
    li t6, TOO_OFTEN
    bgtu s1, t6, fail               // nothing else is done any more
    mret

park:
    wfi
    j park
