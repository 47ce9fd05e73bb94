// What comes behind a return to privilege 3 and behind a load of SS: each says the vector plus 1, how far it came, and what is left.
//~ single steps as a processor takes them
//- 00000002 00000001 00004000 s
//= 00000002 00000000 00004000 s
//= 00000004 00000042 00000000 g
//= 00000002 00000001 00000000 i
//= 00000002 00000003 00004000 m
#include "long_mode.inc"
        .set FLAGS_TF, 0x102
        .set PLACE, 0x50000
        .set IA32_STAR, 0xc0000081
        .set IA32_LSTAR, 0xc0000082
        .set IA32_EFER, 0xc0000080
        .set IA32_FS_BASE, 0xc0000100
        .set FEATURES, 0x20             // PAE
start:  ENTER_LONG_MODE main, FEATURES

// Where the exception is to lead, and DR6 as after a reset.
.macro EXPECT label
        movl    $0xffff0ff0, %eax
        movq    %rax, %dr6
        leaq    \label(%rip), %rax
        movq    %rax, FAULT_RESUME
.endm

.macro SAY_NUMBER value:vararg
        movq    \value, %rax
        call    say_number_64
.endm

// FAULT_ERROR has RIP: none of these has an error code.
.macro SAY_DISTANCE from
        leaq    \from(%rip), %rax
        subq    FAULT_ERROR, %rax
        negq    %rax
        call    say_number_64
.endm

main:   movl    $IA32_EFER, %ecx
        rdmsr
        orl     $1, %eax                // SCE
        wrmsr
        movl    $IA32_STAR, %ecx
        xorl    %eax, %eax
        movl    $(((USER_CODE_64 - 16) << 16) | CODE_64), %edx
        wrmsr

        // SYSRET brings TF: it is itself what was stepped over (SDM 2B, SYSRET).
        EXPECT  1f
        leaq    user(%rip), %rcx
        movl    $FLAGS_TF, %r11d
        sysretq
1:      SAY_NUMBER FAULT_VECTOR
        SAY_DISTANCE user
        movq    %dr6, %rax
        andl    $0xe00f, %eax
        call    say_number_64
        SAY_LINE 's'

        // FS was of privilege 0: IRET takes the selector away, and leaves the base.
        movw    $DATA_64, %ax
        movw    %ax, %fs
        movl    $IA32_FS_BASE, %ecx
        movl    $PLACE, %eax
        xorl    %edx, %edx
        wrmsr
        movl    $0x42, PLACE
        EXPECT  1f
        leaq    user_data(%rip), %rax
        pushq   $USER_DATA_64
        pushq   $0x5000
        pushq   $2
        pushq   $USER_CODE_64
        pushq   %rax
        iretq
1:      SAY_NUMBER FAULT_VECTOR
        SAY_NUMBER %rbx
        SAY_NUMBER %rbp
        SAY_LINE 'g'

        // INT1 behind MOV SS under TF: its own exception, and no other.
        EXPECT  1f
        movl    $DATA_64, %ebx
        pushq   $FLAGS_TF
        popfq
        movw    %bx, %ss
2:      .byte   0xf1
        nop
1:      SAY_NUMBER FAULT_VECTOR
        SAY_DISTANCE 2b
        movq    %dr6, %rax
        andl    $0xe00f, %eax
        call    say_number_64
        SAY_LINE 'i'

        // Another instruction there is stepped over with it.
        EXPECT  1f
        movl    $DATA_64, %ebx
        pushq   $FLAGS_TF
        popfq
2:      movw    %bx, %ss
        nop
        nop
1:      SAY_NUMBER FAULT_VECTOR
        SAY_DISTANCE 2b
        movq    %dr6, %rax
        andl    $0xe00f, %eax
        call    say_number_64
        SAY_LINE 'm'
        FINISH

user:   nop
        int3
user_data:
        movl    %fs:0, %ebx
        xorl    %ebp, %ebp
        movw    %fs, %bp
        int3
        RESET_VECTOR
