// Floating point in double precision: bodies under gravity, a matrix product, a fractal's inner loop,
// and a mix of scalar operations with roots, divisions, conversions and comparisons; on x86 the same in the 80 bits of x87.

#include "harness.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { kBodies = 5, kSide = 32 };
struct Body {
    double x, y, z, vx, vy, vz, mass;
};

static uint64_t bits(double value) {
    uint64_t result;
    memcpy(&result, &value, sizeof result);
    return result;
}

static uint64_t nbody_work(uint64_t count) {
    struct Body bodies[kBodies];
    for (int i = 0; i < kBodies; ++i) {
        bodies[i] =
            (struct Body){i * 1.5, i * -0.7, i * 0.3, 0.01 * i, 0.3 - 0.02 * i, 0.005 * i, 1.0 / (1 + i)};
    }
    while (count--) {
        for (int i = 0; i < kBodies; ++i) {
            struct Body* a = &bodies[i];
            for (int j = i + 1; j < kBodies; ++j) {
                struct Body* b = &bodies[j];
                double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
                double squared = dx * dx + dy * dy + dz * dz + 1e-3;
                double pull = 0.001 / (squared * sqrt(squared));
                a->vx -= dx * b->mass * pull, a->vy -= dy * b->mass * pull, a->vz -= dz * b->mass * pull;
                b->vx += dx * a->mass * pull, b->vy += dy * a->mass * pull, b->vz += dz * a->mass * pull;
            }
        }
        for (int i = 0; i < kBodies; ++i) {
            struct Body* a = &bodies[i];
            a->x += 0.001 * a->vx, a->y += 0.001 * a->vy, a->z += 0.001 * a->vz;
        }
    }
    return bits(bodies[0].x) ^ bits(bodies[1].vy);
}

static uint64_t matmul_work(uint64_t count) {
    static double a[kSide][kSide], b[kSide][kSide], c[kSide][kSide];
    for (int i = 0; i < kSide * kSide; ++i) {
        a[i / kSide][i % kSide] = 1.0 / (i + 1);
        b[i / kSide][i % kSide] = i * 0.001;
    }
    while (count--) {
        for (int i = 0; i < kSide; ++i) {
            for (int j = 0; j < kSide; ++j) {
                double dot = 0;
                for (int k = 0; k < kSide; ++k) dot += a[i][k] * b[k][j];
                c[i][j] = dot;
            }
        }
        a[count % kSide][0] += c[3][4] * 1e-9;
    }
    return bits(c[5][7]);
}

static uint64_t fractal_work(uint64_t count) {
    uint64_t sum = 0;
    while (count--) {
        double cr = -0.75 + (double)(count % 64) * 0.001, ci = 0.1, r = 0, i = 0;
        int steps = 0;
        while (steps < 100 && r * r + i * i < 4.0) {
            double next = r * r - i * i + cr;
            i = 2 * r * i + ci;
            r = next;
            ++steps;
        }
        sum += (uint64_t)steps;
    }
    return sum;
}

static uint64_t scalar_work(uint64_t count) {
    double sum = 0;
    float single = 1.0f;
    while (count--) {
        double value = (double)(int64_t)(count & 0xfff) + 1.5;
        double root = sqrt(value) / (value + 1.0);
        sum += root > 0.1 ? root : -value;
        sum += fmin(value, 100.0) - fabs(sum) * 1e-6;
        single = single * 0.999f + (float)root;
        sum += (double)(int32_t)(sum * 0.5) * 1e-9;
    }
    return bits(sum) + (uint64_t)single;
}

#ifdef __x86_64__
static uint64_t extended_work(uint64_t count) {
    enum { kTerms = 16 };
    long double terms[kTerms], sum = 0;
    for (int i = 0; i < kTerms; ++i) terms[i] = 1.0L + 0.37L * i;
    while (count--) {
        long double value = (long double)(int64_t)(count & 0xfff) + terms[count % kTerms];
        sum += sqrtl(value) / (value * terms[(count + 5) % kTerms] + 1.0L);
        if (sum > 100.0L) sum -= (long double)(int64_t)(sum * 0.5L);
        terms[count % kTerms] = terms[count % kTerms] * 0.999L + sum * 1e-4L;
    }
    return bits((double)sum) ^ bits((double)terms[3]);
}
#endif

const struct Item floating_items[] = {
    {"fp-nbody", nbody_work},
    {"fp-matmul", matmul_work},
    {"fp-fractal", fractal_work},
    {"fp-scalar", scalar_work},
#ifdef __x86_64__
    {"fp-x87", extended_work},
#endif
    {NULL, NULL},
};
