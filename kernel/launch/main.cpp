// The `backplane` program.
#include "kernel/launch/launch.h"

int main(int argc, char** argv) {
    return backplane::kernel::launch({argv + (argc > 0 ? 1 : 0), argv + argc});
}
