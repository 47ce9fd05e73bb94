// Integer work: linked lists, a matrix of 16-bit numbers, a state machine over text, a CRC, divisions.

#include "harness.h"

#include <stddef.h>

struct Node {
    struct Node* next;
    int32_t key;
    int32_t value;
};

enum { kNodes = 256 };
static struct Node nodes[kNodes];

static struct Node* merge(struct Node* left, struct Node* right) {
    struct Node head = {NULL, 0, 0};
    struct Node* tail = &head;
    while (left && right) {
        struct Node** smaller = left->key <= right->key ? &left : &right;
        tail = tail->next = *smaller;
        *smaller = (*smaller)->next;
    }
    tail->next = left ? left : right;
    return head.next;
}

static struct Node* sorted(struct Node* list, int length) {
    if (length < 2) return list;
    struct Node* middle = list;
    for (int i = 1; i < length / 2; ++i) middle = middle->next;
    struct Node* right = middle->next;
    middle->next = NULL;
    return merge(sorted(list, length / 2), sorted(right, length - length / 2));
}

static uint64_t list_work(uint64_t count) {
    uint64_t sum = 0;
    uint32_t seed = 1;
    while (count--) {
        for (int i = 0; i < kNodes; ++i) {
            nodes[i].next = i + 1 < kNodes ? &nodes[i + 1] : NULL;
            nodes[i].key = (int32_t)(next_random(&seed) & 0xffff);
            nodes[i].value = i;
        }
        struct Node* list = sorted(nodes, kNodes);
        struct Node* reversed = NULL;
        while (list) {
            struct Node* next = list->next;
            list->next = reversed;
            reversed = list;
            list = next;
        }
        for (int i = 0; reversed; ++i, reversed = reversed->next) sum += (uint64_t)(reversed->value * i);
    }
    return sum;
}

enum { kSide = 32 };

static uint64_t matrix_work(uint64_t count) {
    static int16_t a[kSide][kSide], b[kSide][kSide];
    static int32_t c[kSide][kSide];
    uint64_t sum = 0;
    uint32_t seed = 2;
    for (int i = 0; i < kSide * kSide; ++i) {
        a[i / kSide][i % kSide] = (int16_t)next_random(&seed);
        b[i / kSide][i % kSide] = (int16_t)next_random(&seed);
    }
    while (count--) {
        for (int i = 0; i < kSide; ++i) {
            for (int j = 0; j < kSide; ++j) {
                int32_t dot = 0;
                for (int k = 0; k < kSide; ++k) dot += a[i][k] * b[k][j] >> 4;
                c[i][j] = dot;
            }
        }
        for (int i = 0; i < kSide; ++i) {
            sum += (uint32_t)c[i][kSide - 1 - i];
            a[i][i] = (int16_t)(a[i][i] + c[i][i]);
        }
    }
    return sum;
}

// Classifies words as integers, decimals, exponents or neither, a character at a time.
enum State {
    kStart,
    kSign,
    kInteger,
    kPoint,
    kFraction,
    kExponent,
    kExponentSign,
    kScaled,
    kInvalid,
    kStates
};

static enum State step(enum State state, char c) {
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case kStart: return digit ? kInteger : c == '+' || c == '-' ? kSign : c == '.' ? kPoint : kInvalid;
    case kSign: return digit ? kInteger : c == '.' ? kPoint : kInvalid;
    case kInteger: return digit ? kInteger : c == '.' ? kFraction : c == 'e' ? kExponent : kInvalid;
    case kPoint: return digit ? kFraction : kInvalid;
    case kFraction: return digit ? kFraction : c == 'e' ? kExponent : kInvalid;
    case kExponent: return digit ? kScaled : c == '+' || c == '-' ? kExponentSign : kInvalid;
    case kExponentSign: return digit ? kScaled : kInvalid;
    case kScaled: return digit ? kScaled : kInvalid;
    default: return kInvalid;
    }
}

static uint64_t state_work(uint64_t count) {
    static const char text[] = "5012,1234,-874,+122,35.54400,.1234500,-110.700,+0.64400,5.500e+3,-.123e-2,"
                               "-87e+832,+0.6e-12,T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^,";
    uint64_t totals[kStates] = {0};
    while (count--) {
        enum State state = kStart;
        for (const char* c = text; *c; ++c) {
            if (*c == ',') {
                ++totals[state];
                state = kStart;
            } else {
                state = step(state, *c);
            }
        }
    }
    uint64_t sum = 0;
    for (int i = 0; i < kStates; ++i) sum = sum * 31 + totals[i];
    return sum;
}

// CRC-16/ARC, a bit at a time.
static uint64_t crc_work(uint64_t count) {
    uint16_t crc = 0;
    while (count--) {
        for (unsigned byte = 0; byte < 64; ++byte) {
            crc ^= (uint16_t)byte;
            for (int bit = 0; bit < 8; ++bit) crc = (uint16_t)(crc >> 1 ^ (crc & 1 ? 0xa001 : 0));
        }
    }
    return crc;
}

static uint64_t divide_work(uint64_t count) {
    uint64_t sum = 0;
    uint32_t seed = 3;
    while (count--) {
        uint64_t a = next_random(&seed) * 7919u + 1u, b = next_random(&seed) + 1u;
        while (b) {
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        sum += a;
    }
    return sum;
}

const struct Item integer_items[] = {
    {"int-list", list_work}, {"int-matrix", matrix_work}, {"int-state", state_work},
    {"int-crc", crc_work},   {"int-divide", divide_work}, {NULL, NULL},
};
