// What a debugger of the whole machine stops in: `ready` is called when the variable's page is there, then it changes.
#include "check.h"

volatile long watched = 1;

__attribute__((noinline)) void ready(void) { __asm__ volatile("" ::: "memory"); }

int main(void) {
    CHECK(watched == 1);
    ready();
    watched = 2;
    CHECK(watched == 2);
    puts("watched");
    return 0;
}
