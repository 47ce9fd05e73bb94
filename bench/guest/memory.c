// Memory: copies, a stream of sums, and a chase of pointers through 8 MiB and through 16 KiB.

#include "harness.h"

#include <stddef.h>
#include <string.h>

enum { kBytes = 8 << 20, kSmall = 16 << 10, kLine = 64 };

static char arena[2][kBytes] __attribute__((aligned(4096)));

static uint64_t copy_work(uint64_t count) {
    while (count--) {
        memcpy(arena[0], arena[1], 64 << 10);
        arena[1][count & 0xffff] = (char)count;
    }
    return (uint64_t)arena[0][123];
}

static uint64_t stream_work(uint64_t count) {
    uint64_t* a = (uint64_t*)arena[0];
    const uint64_t* b = (const uint64_t*)arena[1];
    enum { kWords = 1 << 17 };
    while (count--) {
        for (size_t i = 0; i < kWords; ++i) a[i] = b[i] * 3 + a[i];
    }
    return a[99];
}

// Links the cache lines of the first `bytes` of the arena into one cycle in a shuffled order.
static void** chain(size_t bytes) {
    static uint32_t order[kBytes / kLine];
    uint32_t lines = (uint32_t)(bytes / kLine), seed = 4;
    for (uint32_t i = 0; i < lines; ++i) order[i] = i;
    for (uint32_t i = lines - 1; i > 0; --i) {
        uint32_t other = next_random(&seed) % (i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (uint32_t i = 0; i < lines; ++i) {
        *(void**)(arena[0] + (size_t)order[i] * kLine) = arena[0] + (size_t)order[(i + 1) % lines] * kLine;
    }
    return (void**)arena[0];
}

static uint64_t chase(void** place, uint64_t count) {
    while (count--) place = (void**)*place;
    return (uint64_t)place;
}

// A count of one is 1,000 steps, so that laying the chain does not weigh. Nothing between two calls of
// an item touches the arena, so the large chain is laid once.
static uint64_t chase_large_work(uint64_t count) {
    static void** first;
    if (!first) first = chain(kBytes);
    return chase(first, count * 1000);
}

static uint64_t chase_small_work(uint64_t count) { return chase(chain(kSmall), count * 1000); }

const struct Item memory_items[] = {
    {"mem-copy", copy_work},
    {"mem-stream", stream_work},
    {"mem-chase-8M", chase_large_work},
    {"mem-chase-16K", chase_small_work},
    {NULL, NULL},
};
