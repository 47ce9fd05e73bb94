// A thread runs code while another rewrites it: what the writer runs after its FENCE.I is what it wrote
// (RISC-V unprivileged specification, chapter "Zifencei"), and the caller runs one of the two versions.
// An emulator that throws translations away before the store is done, and not after, fails here.

#include "check.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kPage = 4096, kRounds = 2000, kRet = 0x00008067 };

typedef uint64_t (*Function)(uint64_t);

static _Atomic int done;
static uint32_t* code;

static void write_adder(int value) {
    *(volatile uint32_t*)code = (uint32_t)value << 20 | 10 << 15 | 10 << 7 | 0x13;  // addi a0, a0, value
    __builtin___clear_cache((char*)code, (char*)(code + 2));
}

static void* call_all_along(void* unused) {
    while (!done) {
        uint64_t result = ((Function)code)(0);
        CHECK(result == 11 || result == 22);
    }
    return unused;
}

int main(void) {
    alarm(120);
    code = mmap(NULL, kPage, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    code[1] = kRet;
    write_adder(11);
    pthread_t caller;
    CHECK(pthread_create(&caller, NULL, call_all_along, NULL) == 0);
    for (int i = 0; i < kRounds; ++i) {
        int value = i & 1 ? 11 : 22;
        write_adder(value);
        CHECK(((Function)code)(0) == (uint64_t)value);
    }
    done = 1;
    pthread_join(caller, NULL);
    return 0;
}
