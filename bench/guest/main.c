// The bench guest: measures every item whose name starts with one of the arguments (or all), and prints
//   bench-begin NAME COUNT      right before the measured work starts
//   bench NAME NS_PER_ITERATION
// The count is chosen so that an item takes about half a second of guest time.
// `parallel` as the only argument measures how two workers scale instead.

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kCalibration = 60000000, kTarget = 500000000 };  // ns

static volatile uint64_t sink;

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t timed(Work work, uint64_t count) {
    uint64_t begin = now();
    sink += work(count);
    return now() - begin;
}

static uint64_t calibrated(Work work) {
    uint64_t count = 1;
    for (;;) {
        uint64_t took = timed(work, count);
        if (took >= kCalibration) return (uint64_t)((double)count * kTarget / (double)took) + 1;
        count *= took < kCalibration / 16 ? 8 : 2;
    }
}

static void measure(const struct Item* item) {
    uint64_t count = calibrated(item->work);
    printf("bench-begin %s %llu\n", item->name, (unsigned long long)count);
    uint64_t took = timed(item->work, count);
    printf("bench %s %.4f\n", item->name, (double)took / (double)count);
}

static int wanted(const char* name, int count, char** prefixes) {
    for (int i = 1; i < count; ++i) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return 1;
    }
    return count < 2;
}

// The time that `workers` processes need for `count` rounds each, at the same time.
static uint64_t together(int workers, uint64_t count) {
    uint64_t begin = now();
    for (int i = 0; i < workers; ++i) {
        if (fork() == 0) {
            for (const struct Item* item = integer_items; item->name; ++item) sink += item->work(count);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {}
    return now() - begin;
}

static void measure_parallel(void) {
    uint64_t count = 1;
    while (together(1, count) < kTarget / 2) count *= 2;
    for (int workers = 1; workers <= 2; ++workers) {
        printf("bench-begin parallel-%d %llu\n", workers, (unsigned long long)count);
        printf("bench parallel-%d %.4f\n", workers, (double)together(workers, count) / (double)count);
    }
}

int main(int count, char** arguments) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count == 2 && strcmp(arguments[1], "parallel") == 0) {
        measure_parallel();
        return 0;
    }
    const struct Item* groups[] = {integer_items, floating_items, vector_items,
                                   memory_items,  control_items,  kernel_items};
    for (unsigned group = 0; group < sizeof groups / sizeof *groups; ++group) {
        for (const struct Item* item = groups[group]; item->name; ++item) {
            if (wanted(item->name, count, arguments)) measure(item);
        }
    }
    return 0;
}
