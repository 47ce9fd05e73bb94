// Code that changes under the program: what FENCE.I (here: the clear_cache call) promises must be what runs.

#include "check.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kPage = 4096, kRet = 0x00008067 };

typedef uint64_t (*Function)(uint64_t);

static uint32_t add_immediate(int value) { return (uint32_t)value << 20 | 10 << 15 | 10 << 7 | 0x13; }

// Writes "addi a0, a0, value; ret" to `code`.
static void write_adder(uint32_t* code, int value) {
    code[0] = add_immediate(value);
    code[1] = kRet;
    __builtin___clear_cache((char*)code, (char*)(code + 2));
}

static void rewrite_in_place(uint32_t* code) {
    for (int i = 0; i < 2000; ++i) {
        write_adder(code, i & 0x3ff);
        CHECK(((Function)code)(1000) == 1000u + (i & 0x3ff));
    }
}

// The first instruction ends one page, the second begins the next; only one of the two is changed.
static void rewrite_across_pages(char* pages) {
    uint32_t* code = (uint32_t*)(pages + kPage - 4);
    code[2] = kRet;
    for (int i = 0; i < 500; ++i) {
        code[0] = add_immediate(i & 0xff);
        code[1] = add_immediate(7);
        __builtin___clear_cache((char*)code, (char*)(code + 3));
        CHECK(((Function)code)(0) == (i & 0xff) + 7u);
        code[1] = add_immediate(9);
        __builtin___clear_cache((char*)code, (char*)(code + 3));
        CHECK(((Function)code)(0) == (i & 0xff) + 9u);
    }
}

// Data beside code: writes to the same page that change no code leave it right.
static void write_beside(uint32_t* code) {
    volatile uint32_t* data = code + 512;
    write_adder(code, 5);
    for (uint32_t i = 0; i < 5000; ++i) {
        *data = i;
        CHECK(((Function)code)(*data) == i + 5);
    }
}

// The code writes its own next instructions, then runs them after a FENCE.I.
static void modify_itself(uint32_t* code) {
    const uint32_t words[] = {
        0x00b52023,  // sw a1, 0(a0)
        0x0000100f,  // fence.i
        0x00000513,  // li a0, 0
        0x00000013,  // nop: the place that a0 pointed to
        kRet,
    };
    for (int i = 1; i < 200; ++i) {
        memcpy(code, words, sizeof words);
        __builtin___clear_cache((char*)code, (char*)(code + 5));
        uint64_t (*run)(uint32_t*, uint32_t) = (uint64_t(*)(uint32_t*, uint32_t))code;
        CHECK(run(code + 3, add_immediate(i)) == (uint64_t)i);
    }
}

// Another mapping comes to the same address, by unmapping and by a change of protection.
static void map_again(void) {
    void* place = NULL;
    for (int i = 0; i < 300; ++i) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | (place ? MAP_FIXED : 0);
        place = mmap(place, kPage, PROT_READ | PROT_WRITE, flags, -1, 0);
        CHECK(place != MAP_FAILED);
        write_adder(place, i);
        CHECK(mprotect(place, kPage, PROT_READ | PROT_EXEC) == 0);
        CHECK(((Function)place)(1) == 1u + (unsigned)i);
        CHECK(munmap(place, kPage) == 0);
    }
}

// One physical page at two addresses: written through one, run through the other.
static void write_through_an_alias(void) {
    int file = memfd_create("code", 0);
    CHECK(file >= 0 && ftruncate(file, kPage) == 0);
    uint32_t* writable = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    uint32_t* runnable = mmap(NULL, kPage, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    CHECK(writable != MAP_FAILED && runnable != MAP_FAILED);
    for (int i = 0; i < 500; ++i) {
        write_adder(writable, i);
        __builtin___clear_cache((char*)runnable, (char*)(runnable + 2));
        CHECK(((Function)runnable)(3) == 3u + (unsigned)i);
    }
    close(file);
}

int main(void) {
    alarm(120);
    char* pages =
        mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    uint32_t* code = (uint32_t*)pages;
    rewrite_in_place(code);
    rewrite_across_pages(pages);
    write_beside(code);
    modify_itself(code);
    map_again();
    write_through_an_alias();
    return 0;
}
