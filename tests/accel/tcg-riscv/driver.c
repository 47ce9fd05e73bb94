/* Runs the tests that generate.py wrote and prints what each left behind: a line with the test's name and a colon, then
 * one line per row of its table, doublewords in hexadecimal. Without a C library: as a Linux program it writes to
 * standard output, built with -DBARE_METAL it is the firmware of the board "virt" (16550A UART at 0x10000000, test
 * finisher at 0x100000). */
typedef unsigned long word;

struct test {
    const char* name;
    void (*run)(const word* operands, word* results);
    const word* table;
    word rows;
    word operands;
    word results;
};
extern const struct test tests[];

static char buffer[4096];
static word used;

#ifdef BARE_METAL
static void flush(void) {
    volatile unsigned char* uart = (volatile unsigned char*)0x10000000;
    for (word i = 0; i < used; i++) {
        while ((uart[5] & 0x20) == 0) {}
        uart[0] = (unsigned char)buffer[i];
    }
    used = 0;
}
static void finish(void) {
    flush();
    *(volatile unsigned*)0x100000 = 0x5555;
    for (;;) {}
}
__asm__("    .section .init, \"ax\"\n"
        "    .globl _start\n"
        "_start:\n"
        "    csrr t0, mhartid\n"
        "1:  bnez t0, 1b\n"
        "    la t0, trap\n"
        "    csrw mtvec, t0\n"
        "    li t0, 0x6000\n"
        "    csrs mstatus, t0\n"
        "    la sp, stack_top\n"
        "    call start\n"
        "    .balign 4\n"
        "trap:\n"
        "    la sp, stack_top\n"
        "    csrr a0, mcause\n"
        "    csrr a1, mepc\n"
        "    csrr a2, mtval\n"
        "    call trapped\n"
        "    .section .bss\n"
        "    .balign 16\n"
        "    .fill 16384\n"
        "stack_top:\n"
        "    .text\n");
#else
static long call(long number, long a, long b, long c) {
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return a0;
}
static void flush(void) {
    call(64, 1, (long)buffer, (long)used);
    used = 0;
}
static void finish(void) {
    flush();
    call(94, 0, 0, 0);
    for (;;) {}
}
__asm__("    .globl _start\n"
        "_start:\n"
        "    .option push\n"
        "    .option norelax\n"
        "    la gp, __global_pointer$\n"
        "    .option pop\n"
        "    call start\n");
#endif

static void put(char c) {
    if (used == sizeof buffer) flush();
    buffer[used++] = c;
}
static void put_text(const char* text) {
    while (*text) put(*text++);
}
static void put_word(word value) {
    int shift = 60;
    while (shift > 0 && (value >> shift) == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}

static void run_test(const struct test* test) {
    word results[8];
    put_text(test->name);
    put_text(":\n");
    for (word row = 0; row < test->rows; row++) {
        test->run(test->table + row * test->operands, results);
        for (word i = 0; i < test->results; i++) {
            put_word(results[i]);
            put(i + 1 < test->results ? ' ' : '\n');
        }
    }
}

__attribute__((used)) void trapped(word cause, word pc, word value) {
    put_text("trap: ");
    put_word(cause);
    put(' ');
    put_word(pc);
    put(' ');
    put_word(value);
    put('\n');
    finish();
}

__attribute__((used)) void start(void) {
    for (const struct test* test = tests; test->name; test++) run_test(test);
    put_text("done\n");
    finish();
}
