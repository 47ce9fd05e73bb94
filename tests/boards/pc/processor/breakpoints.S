// Each kind of hardware breakpoint in real mode (SDM 3B, 17.2 and 17.3): DR6's low bits, then where it came from as a distance,
// and CX.
//~ debug registers
//- 00000000 [0-9a-f]{8} 00000000 w
//= 00000001 00000000 00000000 w
//= 00000002 00000000 00000000 a
//= 00000004 00000000 00000000 00000001 x
//= 00000008 00000000 00000000 i
//= 00000001 00000002 00000005 s
//= 00002000 00000000 00000000 00000000 d
//= 00004000 00000000 00000000 t
//= 00004000 00000002 00000003 r
//= 00004000 00000000 00000000 m
//= 00000001 00000000 00000000 h
#include "program.inc"
        .set DATA, 0x5000
        .set DISABLED, 0x400
        .set FOUND, 0x5100              // DR6, IP, CX of the last exception
        .set TF, 0x100

start:  xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x4000, %sp
        REAL_VECTOR 1, handler
        movl    %cr4, %eax
        orb     $DE, %al
        movl    %eax, %cr4
        movl    $0xffff0ff0, %eax
        movl    %eax, %dr6

        // DR0: writes to four bytes. A load does not meet it, and a store beside it neither.
        movl    $DATA, %eax
        movl    %eax, %dr0
        movl    $0xd0001, %eax
        movl    %eax, %dr7
        xorw    %cx, %cx
        movl    (DATA), %ebx
        movb    $1, (DATA + 4)
        movb    $1, (DATA - 1)
        movb    $1, (DATA + 3)
1:      movw    $1b, %bx
        call    report
        SAY     'w'
        call    next

        // DR1: any access to one byte.
        movl    $(DATA + 1), %eax
        movl    %eax, %dr1
        movl    $0x300004, %eax
        movl    %eax, %dr7
        xorw    %cx, %cx
        movw    (DATA), %bx
1:      movw    $1b, %bx
        call    report
        SAY     'a'
        call    next

        // DR2: the instruction is not yet done, and is done once when the handler returns with RF.
        movl    $1f, %eax
        addl    $BASE, %eax
        movl    %eax, %dr2
        movl    $0x10, %eax
        movl    %eax, %dr7
        movb    $1, (keep)
        xorw    %cx, %cx
1:      incw    %cx
        movw    %cx, %di
        movl    $DISABLED, %eax
        movl    %eax, %dr7
        movb    $0, (keep)
        movw    $1b, %bx
        call    report
        movzwl  %di, %eax
        call    say_number
        SAY     'x'
        call    next

        // DR3: a port.
        movl    $0x80, %eax
        movl    %eax, %dr3
        movl    $0x20000040, %eax
        movl    %eax, %dr7
        xorw    %cx, %cx
        inb     $0x80, %al
1:      movw    $1b, %bx
        call    report
        SAY     'i'
        call    next

        // Behind the third of eight steps.
        movl    $(DATA + 2), %eax
        movl    %eax, %dr0
        movl    $0x10001, %eax
        movl    %eax, %dr7
        movw    $DATA, %di
        movw    $8, %cx
        cld
        rep stosb
1:      movw    $1b, %bx
        call    report_back
        SAY     's'
        call    next

        // General detection: DR0 is not changed, and the next access to it is free.
        xorw    %cx, %cx
        movl    $0x2400, %eax
        movl    %eax, %dr7
1:      movl    %dr0, %eax
        movw    $1b, %bx
        call    report
        movl    %dr7, %eax
        andl    $0x2000, %eax
        call    say_number
        SAY     'd'
        call    next

        // A single step.
        xorw    %cx, %cx
        pushfw
        orw     $TF, (0x3ffe)
        popfw
        nop
1:      movw    $1b, %bx
        call    report
        SAY     't'
        call    next

        // Of a repeated instruction: one step.
        movw    $DATA, %di
        movw    $4, %cx
        pushfw
        orw     $TF, (0x3ffe)
        popfw
        rep stosb
1:      movw    $1b, %bx
        call    report_back
        SAY     'r'
        call    next

        // A load of SS holds it back by one instruction.
        xorw    %cx, %cx
        movw    %ss, %bx
        pushfw
        orw     $TF, (0x3ffe)
        popfw
        movw    %bx, %ss
        nop
1:      movw    $1b, %bx
        call    report
        SAY     'm'
        call    next

        // A breakpoint that the load of SS itself meets as well.
        xorw    %cx, %cx
        movw    $0, (DATA)
        movl    $DATA, %eax
        movl    %eax, %dr0
        movl    $0x70001, %eax
        movl    %eax, %dr7
        movw    (DATA), %ss
        nop
1:      movw    $1b, %bx
        call    report
        SAY     'h'
        call    next
        FINISH

        .set keep, 0x5112

// DR6, and how far the place that was returned to is from BX.
report: movw    (FOUND + 4), %ax
        subw    %bx, %ax
        jmp     1f
report_back:
        movw    %bx, %ax
        subw    (FOUND + 4), %ax
1:      movzwl  %ax, %eax
        pushl   %eax
        movl    (FOUND), %eax
        andl    $0xe00f, %eax
        call    say_number
        popl    %eax
        call    say_number
        movzwl  (FOUND + 6), %eax
        jmp     say_number

next:   SAY     '\n'
        movl    $0xffff0ff0, %eax
        movl    %eax, %dr6
        movl    $DISABLED, %eax
        movl    %eax, %dr7
        ret

// Remembers it, takes TF away, and leaves no breakpoint enabled unless `keep` says so: then it sets RF.
handler:
        movl    %eax, %ebp
        movl    %dr6, %eax
        movl    %eax, (FOUND)
        popw    (FOUND + 4)
        movw    %cx, (FOUND + 6)
        popw    (FOUND + 8)
        popw    (FOUND + 10)
        andw    $~TF, (FOUND + 10)
        movzwl  (FOUND + 10), %eax
        cmpb    $0, (keep)
        jne     1f
        movl    $DISABLED, %eax
        movl    %eax, %dr7
        movzwl  (FOUND + 10), %eax
        jmp     2f
1:      orl     $0x10000, %eax
2:      pushl   %eax
        pushw   $0
        pushw   (FOUND + 8)
        pushw   $0
        pushw   (FOUND + 4)
        movl    %ebp, %eax
        iretl

        DEFINE_SAY_NUMBER say_number
        RESET_VECTOR
