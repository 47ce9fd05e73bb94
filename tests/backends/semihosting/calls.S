// Firmware of the board `virt` that makes semihosting calls and ends with the number of what failed, or 0.
//
// It writes "hello" to the console, keeps a file (its name is the command line), reads it back, and types back a line
// that it was typed.
    .option norvc
    .option nopic
    .section .text.init, "ax"
    .globl _start
_start:
    la sp, stack_top
    csrr t0, mhartid
    bnez t0, park
    la t0, trap
    csrw mtvec, t0

    // SYS_WRITE0
    li gp, 1
    la a1, hello
    li a0, 0x04
    call semihosting

    // SYS_GET_CMDLINE: the file's name
    li gp, 2
    la s1, block
    la t0, name
    sd t0, 0(s1)
    li t0, 256
    sd t0, 8(s1)
    mv a1, s1
    li a0, 0x15
    call semihosting
    bnez a0, fail
    ld s3, 8(s1)                    // its length

    // SYS_OPEN "w+"
    li gp, 3
    la t0, name
    sd t0, 0(s1)
    li t0, 6
    sd t0, 8(s1)
    sd s3, 16(s1)
    mv a1, s1
    li a0, 0x01
    call semihosting
    bltz a0, fail
    mv s2, a0

    // SYS_WRITE, SYS_FLEN, SYS_SEEK, SYS_READ
    li gp, 4
    la t0, hello
    li a0, 0x05
    call transfer
    bnez a0, fail
    li gp, 5
    sd s2, 0(s1)
    mv a1, s1
    li a0, 0x0c
    call semihosting
    li t0, 6
    bne a0, t0, fail
    li gp, 6
    sd zero, 8(s1)
    mv a1, s1
    li a0, 0x0a
    call semihosting
    bnez a0, fail
    li gp, 7
    la t0, copy
    li a0, 0x06
    call transfer
    bnez a0, fail
    ld t0, hello
    ld t1, copy
    slli t0, t0, 16
    slli t1, t1, 16
    bne t0, t1, fail
    li gp, 8                        // its end
    la t0, copy
    li a0, 0x06
    call transfer
    li t0, 6
    bne a0, t0, fail
    li gp, 9                        // SYS_ISTTY, SYS_CLOSE, and a handle that is gone
    mv a1, s1
    li a0, 0x09
    call semihosting
    bnez a0, fail
    li gp, 10
    mv a1, s1
    li a0, 0x02
    call semihosting
    bnez a0, fail
    li gp, 11
    mv a1, s1
    li a0, 0x02
    call semihosting
    bgez a0, fail
    li gp, 12                       // SYS_ERRNO: EBADF
    li a0, 0x13
    call semihosting
    li t0, 9
    bne a0, t0, fail

    // SYS_TICKFREQ, SYS_TIME
    li gp, 13
    li a0, 0x31
    call semihosting
    li t0, 1000000000
    bne a0, t0, fail
    li gp, 14
    li a0, 0x11
    call semihosting
    li t0, 1600000000
    bltu a0, t0, fail
    li gp, 15                       // SYS_SYSTEM is refused
    la t0, hello
    sd t0, 0(s1)
    li t0, 5
    sd t0, 8(s1)
    mv a1, s1
    li a0, 0x12
    call semihosting
    bgez a0, fail

    // SYS_READC, SYS_WRITEC until the end of a line
echo:
    li a0, 0x07
    call semihosting
    la a1, copy
    sb a0, 0(a1)
    mv s4, a0
    li a0, 0x03
    call semihosting
    li t0, '\n'
    bne s4, t0, echo

    // SYS_EXIT_EXTENDED, with 42
    li gp, 42
fail:
    la s1, block
    li t0, 0x20026
    sd t0, 0(s1)
    sd gp, 8(s1)
    mv a1, s1
    li a0, 0x20
    call semihosting
park:
    wfi
    j park

// a0: the call; t0: the buffer; six bytes of the file in s2.
transfer:
    sd s2, 0(s1)
    sd t0, 8(s1)
    li t0, 6
    sd t0, 16(s1)
    mv a1, s1
    .balign 16
semihosting:
    slli x0, x0, 0x1f
    ebreak
    srai x0, x0, 7
    ret

// Without semihosting an ebreak is an exception: the test device ends the machine with 3.
    .balign 4
trap:
    csrr t0, mcause
    slli t0, t0, 16
    li t1, 0x3333
    or t0, t0, t1
    li t1, 0x100000
    sw t0, 0(t1)
1:  j 1b

    .data
    .balign 8
hello: .asciz "hello\n"
    .balign 8
copy: .dword 0
block: .fill 32
name: .fill 256
    .balign 16
    .fill 1024
stack_top:
