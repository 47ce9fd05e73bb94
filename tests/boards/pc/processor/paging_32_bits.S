// The page walk of 32-bit code (SDM 3A, 4.3 and 4.4): two levels with pages of 4 MiB, then three with the pointers that MOV to CR3
// loads; what is refused with which error code, and what is marked.
//~ IRET to another privilege
//= 0000000f 00000000 0000000f 00000002 0000000f 00000004 a
//= 00000000 0000000f 00000003 0000000f 00000005 b
//= 00000000 00000000 0000000f 00000007 c
//= 00000001 00000021 00000061 00000027 d
//= 12345678 12345678 0000000f 00000009 e
//= 0000000f 00000000 0000000f 00000002 0000000f 00000004 f
//= 00000000 0000000f 00000003 0000000f 00000005 g
//= 00000000 0000000f 00000011 h
//= 00000000 0000000f 00000000 i
//= 0000000e 00000000 00000000 j
#include "protected.inc"
        .set DIRECTORY, 0x10000
        .set TABLE, 0x11000
        .set POINTERS, 0x12000
        .set WIDE_DIRECTORY, 0x13000
        .set WIDE_TABLE, 0x14000
        .set PAGE, 0x50000
        .set PRESENT, 1
        .set WRITABLE, 2
        .set USERS, 4
start:  ENTER_PROTECTED_MODE

.macro SET_ENTRY flags
        movl    $(PAGE + \flags), (%ebp)
        invlpg  PAGE
.endm
.macro READ
        TRY     movl PAGE, %ebx
.endm
.macro WRITE
        TRY     movl %ebx, PAGE + 8
.endm
.macro SAY_BITS place
        movl    \place, %eax
        andl    $0xfff, %eax
        call    say_number
.endm

main:   movl    $DIRECTORY, %edi
        xorl    %eax, %eax
        movl    $0x1400, %ecx
        rep stosl
        movl    $TABLE + 7, DIRECTORY
        movl    $TABLE, %edi
        movl    $7, %eax
        movl    $1024, %ecx
1:      movl    %eax, (%edi)
        addl    $4, %edi
        addl    $0x1000, %eax
        loop    1b
        movl    $0x10, %eax             // PSE
        movl    %eax, %cr4
        movl    $DIRECTORY, %eax
        movl    %eax, %cr3
        movl    $0x80010033, %eax
        movl    %eax, %cr0
        movl    $(TABLE + PAGE / 1024), %ebp

        SET_ENTRY 0
        READ
        WRITE
        TRY_USER 0, movl PAGE, %ebx
        SAY_LINE 'a'
        SET_ENTRY PRESENT
        READ
        WRITE
        TRY_USER 0, movl PAGE, %ebx
        SAY_LINE 'b'
        SET_ENTRY PRESENT + USERS
        movl    $0x80000033, %eax       // without WP
        movl    %eax, %cr0
        READ
        WRITE
        TRY_USER 0, movl %ebx, PAGE
        movl    $0x80010033, %eax
        movl    %eax, %cr0
        SAY_LINE 'c'
        SET_ENTRY PRESENT
        SAY_BITS (%ebp)
        movl    PAGE, %ebx
        SAY_BITS (%ebp)
        orb     $WRITABLE, (%ebp)
        invlpg  PAGE
        movl    %ebx, PAGE
        andb    $~WRITABLE, (%ebp)
        invlpg  PAGE
        SAY_BITS (%ebp)
        SAY_BITS DIRECTORY
        SAY_LINE 'd'

        // 4 MiB at 4 MiB and at 8, of what lies at 0; bit 21 is reserved.
        SET_ENTRY PRESENT + WRITABLE
        movl    $0x12345678, PAGE
        movl    $0x83, DIRECTORY + 4
        movl    $0x83, DIRECTORY + 8
        movl    PAGE + 0x400000, %eax
        call    say_number
        movl    PAGE + 0x800000, %eax
        call    say_number
        movl    $0x200083, DIRECTORY + 8
        movl    %cr3, %eax
        movl    %eax, %cr3
        TRY     movl PAGE + 0x800000, %ebx
        SAY_LINE 'e'

        // Three levels.
        movl    $0x33, %eax
        movl    %eax, %cr0
        movl    $(WIDE_DIRECTORY + 1), POINTERS
        movl    $(WIDE_TABLE + 7), WIDE_DIRECTORY
        movl    $WIDE_TABLE, %edi
        movl    $7, %eax
        movl    $512, %ecx
1:      movl    %eax, (%edi)
        movl    $0, 4(%edi)
        addl    $8, %edi
        addl    $0x1000, %eax
        loop    1b
        movl    $0xc0000080, %ecx
        movl    $0x800, %eax            // NXE
        xorl    %edx, %edx
        wrmsr
        movl    $0x20, %eax
        movl    %eax, %cr4
        movl    $POINTERS, %eax
        movl    %eax, %cr3
        movl    $0x80010033, %eax
        movl    %eax, %cr0
        movl    $(WIDE_TABLE + PAGE / 512), %ebp
        SET_ENTRY 0
        READ
        WRITE
        TRY_USER 0, movl PAGE, %ebx
        SAY_LINE 'f'
        SET_ENTRY PRESENT
        READ
        WRITE
        TRY_USER 0, movl PAGE, %ebx
        SAY_LINE 'g'
        SET_ENTRY PRESENT + WRITABLE
        movb    $0xc3, PAGE
        movl    $PAGE, %edi
        TRY     call *%edi
        movl    $0x80000000, 4(%ebp)
        invlpg  PAGE
        TRY     call *%edi
        SAY_LINE 'h'

        // A pointer counts from the next load of CR3 on.
        movl    $(WIDE_DIRECTORY + 1), POINTERS + 8
        movl    %cr3, %eax
        movl    %eax, %cr3
        movl    $0, POINTERS + 8
        TRY     movl PAGE + 0x40000000, %ebx
        movl    %cr3, %eax
        movl    %eax, %cr3
        TRY     movl PAGE + 0x40000000, %ebx
        SAY_LINE 'i'

        // One with reserved bits is refused, and what was stays.
        movl    $(WIDE_DIRECTORY + 3), POINTERS + 8
        movl    %cr3, %eax
        TRY     movl %eax, %cr3
        TRY     movl PAGE, %ebx
        SAY_LINE 'j'
        FINISH
        RESET_VECTOR
