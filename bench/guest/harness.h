// The bench guest's harness: each item is a function that does its work `count` times.
#pragma once

#include <stdint.h>

// Returns something that depends on all of the work, so that none of it can be left out.
typedef uint64_t (*Work)(uint64_t count);

// One item: its name is what the table shows.
struct Item {
    const char* name;
    Work work;
};

// Each file of items ends its list with a null name.
extern const struct Item integer_items[];
extern const struct Item floating_items[];
extern const struct Item vector_items[];
extern const struct Item memory_items[];
extern const struct Item control_items[];
extern const struct Item kernel_items[];

// Monotonic time in nanoseconds.
uint64_t now(void);

// A small generator with a fixed seed: every run does the same work.
static inline uint32_t next_random(uint32_t* state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}
