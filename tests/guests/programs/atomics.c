// Threads on every hart: nothing is lost by AMOs, LR/SC and locks, and memory is ordered where the program
// orders it (RISC-V unprivileged specification, chapters "A" and "RVWMO").

#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

enum { kThreads = 2, kRounds = 50000 };

static _Atomic uint64_t added;
static _Atomic uint32_t added_half;
static _Atomic uint64_t swapped_in;
static _Atomic uint8_t byte_counter;
static atomic_flag lock = ATOMIC_FLAG_INIT;
static uint64_t guarded;

// Waits as a program should that may have to share its hart with whom it waits for.
#define WAIT_WHILE(condition)                 \
    for (int spins = 0; condition; ++spins) { \
        if (spins > 50) sched_yield();        \
    }

static void* count(void* unused) {
    (void)unused;
    for (int i = 0; i < kRounds; ++i) {
        atomic_fetch_add(&added, 3);
        atomic_fetch_sub(&added_half, 1);
        uint64_t seen = atomic_load(&swapped_in);
        while (!atomic_compare_exchange_weak(&swapped_in, &seen, seen + 5)) {}
        atomic_fetch_add(&byte_counter, 1);  // A byte: the compiler makes it of LR.W and SC.W.
        WAIT_WHILE(atomic_flag_test_and_set_explicit(&lock, memory_order_acquire));
        ++guarded;
        atomic_flag_clear_explicit(&lock, memory_order_release);
    }
    return NULL;
}

// Message passing: who sees the flag sees the data.
static _Atomic uint32_t flag;
static uint32_t data[16];

static void* receive(void* unused) {
    (void)unused;
    for (uint32_t round = 1; round <= kRounds / 10; ++round) {
        WAIT_WHILE(atomic_load_explicit(&flag, memory_order_acquire) != 2 * round - 1);
        for (int i = 0; i < 16; ++i) CHECK(data[i] == round + (uint32_t)i);
        atomic_store_explicit(&flag, 2 * round, memory_order_release);
    }
    return NULL;
}

static void send(void) {
    for (uint32_t round = 1; round <= kRounds / 10; ++round) {
        for (int i = 0; i < 16; ++i) data[i] = round + (uint32_t)i;
        atomic_store_explicit(&flag, 2 * round - 1, memory_order_release);
        WAIT_WHILE(atomic_load_explicit(&flag, memory_order_acquire) != 2 * round);
    }
}

// Store buffering: with full fences, two writers cannot both miss the other's write.
static _Atomic uint32_t wrote[2], saw[2], rounds_begun[2], rounds_ended[2];

static void buffer(uint32_t self) {
    for (uint32_t round = 1; round <= kRounds / 10; ++round) {
        atomic_store(&rounds_begun[self], round);
        WAIT_WHILE(atomic_load(&rounds_begun[!self]) < round);
        atomic_store_explicit(&wrote[self], round, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        atomic_store(&saw[self], atomic_load_explicit(&wrote[!self], memory_order_relaxed));
        atomic_store(&rounds_ended[self], round);
        WAIT_WHILE(atomic_load(&rounds_ended[!self]) < round);
        CHECK(atomic_load(&saw[0]) == round || atomic_load(&saw[1]) == round);
        // Neither begins the next round before both have looked.
        atomic_fetch_add(&flag, 1);
        WAIT_WHILE(atomic_load(&flag) < 2 * round);
    }
}

static void* buffer_second(void* unused) {
    buffer(1);
    return unused;
}

static pthread_t start(void* (*run)(void*)) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
    return thread;
}

int main(void) {
    alarm(120);
    pthread_t threads[kThreads];
    for (int i = 0; i < kThreads; ++i) threads[i] = start(count);
    for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
    CHECK(added == 3ull * kThreads * kRounds);
    CHECK(added_half == (uint32_t)-kThreads * kRounds);
    CHECK(swapped_in == 5ull * kThreads * kRounds);
    CHECK(byte_counter == (uint8_t)(kThreads * kRounds));
    CHECK(guarded == (uint64_t)kThreads * kRounds);

    pthread_t receiver = start(receive);
    send();
    pthread_join(receiver, NULL);

    flag = 0;
    pthread_t second = start(buffer_second);
    buffer(0);
    pthread_join(second, NULL);
    return 0;
}
