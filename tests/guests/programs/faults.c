// Exceptions reach the program with the right address and with registers as they were at the instruction.

#include "check.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { kPage = 4096, kA0 = 10, kA1 = 11, kA2 = 12 };

static volatile int signals;
static int last_signal;
static void* last_address;
static uint64_t last_pc, last_a1, last_a2;
static int skip;  // Bytes to skip before going on; negative: make the page usable and try again.
static char* page;

static void handle(int number, siginfo_t* info, void* context) {
    ucontext_t* machine = context;
    ++signals;
    last_signal = number;
    last_address = info->si_addr;
    last_pc = machine->uc_mcontext.__gregs[REG_PC];
    last_a1 = machine->uc_mcontext.__gregs[kA1];
    last_a2 = machine->uc_mcontext.__gregs[kA2];
    if (skip < 0) {
        mprotect(page, kPage, PROT_READ | PROT_WRITE);
    } else {
        machine->uc_mcontext.__gregs[REG_PC] += (unsigned)skip;
    }
}

// Runs a faulting instruction between two that change a1 and a2: the first has happened, the second has not.
#define FAULT(instruction, address)                                                     \
    ({                                                                                  \
        uint64_t at;                                                                    \
        register uint64_t a0 asm("a0") = (uint64_t)(address);                           \
        register uint64_t a1 asm("a1") = 1;                                             \
        register uint64_t a2 asm("a2") = 2;                                             \
        asm volatile(".option push\n.option norvc\n"                                    \
                     "la %0, 1f\n addi a1, a1, 100\n"                                   \
                     "1: " instruction "\n"                                             \
                     "addi a2, a2, 100\n.option pop"                                    \
                     : "=&r"(at), "+r"(a0), "+r"(a1), "+r"(a2)::"memory", "t0", "ft0"); \
        CHECK(last_pc == at);                                                           \
        CHECK(last_a1 == 101 && last_a2 == 2);                                          \
        CHECK(a2 == 102);                                                               \
        a0;                                                                             \
    })

static void expect(int count, int number, void* address) {
    CHECK(signals == count);
    CHECK(last_signal == number);
    CHECK(!address || last_address == address);
}

static void refused_accesses(void) {
    char* refused = mmap(NULL, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(refused != MAP_FAILED);
    skip = 4;
    signals = 0;
    FAULT("ld t0, 8(a0)", refused);
    expect(1, SIGSEGV, refused + 8);
    FAULT("sb t0, 17(a0)", refused);
    expect(2, SIGSEGV, refused + 17);
    FAULT("fld ft0, 24(a0)", refused);
    expect(3, SIGSEGV, refused + 24);
    FAULT("amoadd.w t0, a2, (a0)", refused);
    expect(4, SIGSEGV, refused);
    FAULT("lr.d t0, (a0)", refused);
    expect(5, SIGSEGV, refused);
    // A store to a page that may only be read.
    CHECK(mprotect(refused, kPage, PROT_READ) == 0);
    FAULT("sd t0, 0(a0)", refused);
    expect(6, SIGSEGV, refused);
    munmap(refused, kPage);
}

// The last bytes of a page, and the first of one that is not there.
static void across_a_boundary(void) {
    char* pages = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED && munmap(pages + kPage, kPage) == 0);
    memset(pages, 0x5a, kPage);
    skip = 4;
    signals = 0;
    FAULT("ld t0, 0(a0)", pages + kPage - 4);
    CHECK(signals == 1 && last_signal == SIGSEGV);
    FAULT("sd a1, 0(a0)", pages + kPage - 3);
    CHECK(signals == 2 && last_signal == SIGSEGV);
    FAULT("lw t0, 0(a0)", pages + kPage);
    expect(3, SIGSEGV, pages + kPage);
    munmap(pages, kPage);
}

static void try_again(void) {
    page = mmap(NULL, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    skip = -1;
    for (int i = 0; i < 100; ++i) {
        signals = 0;
        CHECK(mprotect(page, kPage, PROT_NONE) == 0);
        FAULT("sd a1, 16(a0)", page);
        expect(1, SIGSEGV, page + 16);
        CHECK(*(uint64_t*)(page + 16) == 101);
    }
    munmap(page, kPage);
}

static void instructions(void) {
    skip = 4;
    signals = 0;
    FAULT(".word 0xffffffff", 0);
    expect(1, SIGILL, NULL);
    FAULT("csrr t0, mstatus", 0);
    expect(2, SIGILL, NULL);
    FAULT("ebreak", 0);
    expect(3, SIGTRAP, NULL);
}

// A jump into a page that may not be run: the fault is at the target.
static sigjmp_buf back;
static void* jumped_to;

static void leave(int number, siginfo_t* info, void* context) {
    (void)number;
    (void)context;
    jumped_to = info->si_addr;
    siglongjmp(back, 1);
}

static void refused_jump(void) {
    char* data = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(data != MAP_FAILED);
    struct sigaction action = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(back, 1) == 0) {
        ((void (*)(void))(data + 64))();
        CHECK(!"the jump came back");
    }
    CHECK(jumped_to == data + 64);
}

// An access that is not aligned within mapped memory gives what is there (the kernel may have to help).
static void misaligned(void) {
    unsigned char bytes[32];
    for (int i = 0; i < 32; ++i) bytes[i] = (unsigned char)i;
    for (int offset = 0; offset < 16; ++offset) {
        uint64_t word, expected;
        asm volatile("ld %0, 0(%1)" : "=r"(word) : "r"(bytes + offset) : "memory");
        memcpy(&expected, bytes + offset, sizeof expected);
        CHECK(word == expected);
        asm volatile("sd %0, 0(%1)" ::"r"(word + 1), "r"(bytes + offset) : "memory");
        CHECK(bytes[offset] == (unsigned char)(expected + 1));
        bytes[offset] = (unsigned char)expected;
    }
}

int main(void) {
    alarm(120);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    const int numbers[] = {SIGSEGV, SIGILL, SIGTRAP, SIGBUS};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; ++i) sigaction(numbers[i], &action, NULL);
    refused_accesses();
    across_a_boundary();
    try_again();
    instructions();
    misaligned();
    refused_jump();
    return 0;
}
