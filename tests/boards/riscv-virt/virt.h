// The RISC-V virt board as these tests make it.
#pragma once

#include "tests/boards/board_bench.h"

namespace backplane::testing {

inline BoardOptions virt(kernel::PropertyList properties = {}) {
    BoardOptions options{.machine = "riscv-virt-machine", .cpu = "rv64-riscv-cpu"};
    options.properties = std::move(properties);
    return options;
}
inline BoardOptions virt_smp4(kernel::PropertyList properties = {}) {
    BoardOptions options = virt(std::move(properties));
    options.ram_size = 512 << 20;
    options.topology = {.cpus = 4, .max_cpus = 4, .sockets = 2, .clusters = 1, .cores = 2, .threads = 1};
    return options;
}

}  // namespace backplane::testing
