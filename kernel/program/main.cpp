// The `backplane` program.
#include "kernel/program/program.h"

int main(int argc, char** argv) {
    return backplane::kernel::run_program(argc > 0 ? argv[0] : "", {argv + (argc > 0 ? 1 : 0), argv + argc});
}
