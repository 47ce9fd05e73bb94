// What the guest's kernel does for a program: a trivial system call, page faults, processes, a pipe.

#include "harness.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static uint64_t call_work(uint64_t count) {
    uint64_t sum = 0;
    while (count--) sum += (uint64_t)syscall(SYS_getppid);
    return sum;
}

// One iteration is one page: mapped, touched and unmapped, 64 at a time.
static uint64_t fault_work(uint64_t count) {
    enum { kPages = 64, kPage = 4096 };
    uint64_t sum = 0;
    for (uint64_t done = 0; done < count; done += kPages) {
        char* pages = mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pages == MAP_FAILED) fail("mmap");
        for (int i = 0; i < kPages; ++i) pages[i * kPage] = (char)i;
        sum += (uint64_t)pages[kPage];
        munmap(pages, kPages * kPage);
    }
    return sum;
}

static uint64_t fork_work(uint64_t count) {
    uint64_t sum = 0;
    while (count--) {
        pid_t child = fork();
        if (child < 0) fail("fork");
        if (child == 0) _exit(1);
        int status = 0;
        waitpid(child, &status, 0);
        sum += (uint64_t)status;
    }
    return sum;
}

// One iteration is one byte there and back between two processes: two context switches.
static uint64_t pipe_work(uint64_t count) {
    int there[2], back[2];
    if (pipe(there) || pipe(back)) fail("pipe");
    pid_t child = fork();
    if (child < 0) fail("fork");
    char byte = 1;
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {}
        _exit(0);
    }
    close(there[0]);
    uint64_t sum = 0;
    while (count--) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) fail("pipe");
        sum += (uint64_t)byte;
    }
    close(there[1]);
    close(back[0]);
    close(back[1]);
    waitpid(child, NULL, 0);
    return sum;
}

const struct Item kernel_items[] = {
    {"system-call", call_work},
    {"page-fault", fault_work},
    {"fork-wait", fork_work},
    {"pipe-switch", pipe_work},
    {NULL, NULL},
};
