// Vectors of 16 bytes: scaled sums of floats through memory, bytes that are compared and blended, and words that are
// added, rotated and mixed in registers.

#include "harness.h"

#include <stddef.h>

typedef float Floats __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint32_t Words __attribute__((vector_size(16)));

enum { kVectors = 256 };

static uint64_t scale_work(uint64_t count) {
    static Floats x[kVectors], y[kVectors];
    for (int i = 0; i < kVectors; ++i) {
        for (int lane = 0; lane < 4; ++lane) {
            x[i][lane] = 1.0f / (float)(i + lane + 1);
            y[i][lane] = (float)(i - lane);
        }
    }
    Floats factor = {0.5f, -0.25f, 0.125f, -0.0625f};
    while (count--) {
        for (int i = 0; i < kVectors; ++i) y[i] = x[i] * factor + y[i] * 0.999f;
    }
    return (uint64_t)(int64_t)(y[3][1] * 1000);
}

static uint64_t blend_work(uint64_t count) {
    static Bytes picture[kVectors], mask[kVectors];
    uint32_t seed = 6;
    for (int i = 0; i < kVectors; ++i) {
        for (int lane = 0; lane < 16; ++lane) {
            picture[i][lane] = (uint8_t)next_random(&seed);
            mask[i][lane] = (uint8_t)next_random(&seed);
        }
    }
    while (count--) {
        for (int i = 0; i < kVectors; ++i) {
            Bytes equal = (Bytes)(picture[i] == mask[i]);
            Bytes sum = picture[i] + mask[i];
            picture[i] = (sum & ~equal) | ((picture[i] ^ 0x55) & equal);
        }
    }
    return picture[7][5];
}

static uint64_t mix_work(uint64_t count) {
    Words a = {1, 2, 3, 4}, b = {5, 6, 7, 8}, c = {9, 10, 11, 12}, d = {13, 14, 15, 16};
#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
    while (count--) {
        for (int round = 0; round < 8; ++round) {
            a += b, d ^= a, d = ROTATE(d, 16);
            c += d, b ^= c, b = ROTATE(b, 12);
            a += b, d ^= a, d = ROTATE(d, 8);
            c += d, b ^= c, b = ROTATE(b, 7);
        }
    }
#undef ROTATE
    return a[0] ^ b[1] ^ c[2] ^ d[3];
}

const struct Item vector_items[] = {
    {"simd-scale", scale_work},
    {"simd-blend", blend_work},
    {"simd-mix", mix_work},
    {NULL, NULL},
};
