// Fuzzes the command line: the input is the arguments, with a newline between them. Whatever they are, the result is
// a plan that can be printed, or an error in one line. Of its own it
// makes arguments of what users type.
#include "kernel/launch/command_line.h"
#include "kernel/launch/topology.h"
#include "kernel/vocabulary/user_error.h"
#include "tests/fuzz/fuzz.h"

#include <cstdlib>

using namespace backplane::kernel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> arguments(1);
    for (std::size_t i = 0; i < size; ++i) {
        if (data[i] == '\n') arguments.emplace_back();
        else arguments.back() += char(data[i]);
    }
    // Not the one that reads files of the host.
    for (const std::string& argument : arguments)
        if (argument.find("readconfig") != std::string::npos) return 0;
    try {
        const CommandLine line = read_command_line(arguments);
        if (print_plan(line.plan).empty()) std::abort();
        const backplane::Topology topology = resolve_topology(line.plan.smp, {.max_cpus = 512}, "machine");
        const std::uint64_t product =
            std::uint64_t(topology.sockets) * topology.clusters * topology.cores * topology.threads;
        if (product != topology.max_cpus || topology.cpus > topology.max_cpus || topology.cpus == 0)
            std::abort();
    } catch (const UserError& error) {
        if (!*error.what()) std::abort();
    }
    return 0;
}

namespace {

constexpr const char* kPieces[] = {"-machine",
                                   "-M",
                                   "-accel",
                                   "-cpu",
                                   "-smp",
                                   "-m",
                                   "-drive",
                                   "-blockdev",
                                   "-device",
                                   "-netdev",
                                   "-nic",
                                   "-chardev",
                                   "-serial",
                                   "-monitor",
                                   "-qmp",
                                   "-mon",
                                   "-rtc",
                                   "-global",
                                   "-object",
                                   "-d",
                                   "-name",
                                   "-qtest",
                                   "-nographic",
                                   "-S",
                                   "--trace",
                                   "-hda",
                                   "-cdrom",
                                   "-display",
                                   "-kernel",
                                   "virt",
                                   "type=",
                                   "file=",
                                   "id=",
                                   "if=",
                                   "none",
                                   "index=",
                                   "unit=",
                                   "cpus=",
                                   "maxcpus=",
                                   "sockets=",
                                   "cores=",
                                   "threads=",
                                   "base=",
                                   "driver=",
                                   "node-name=",
                                   "file.",
                                   "file.filename=",
                                   "stdio",
                                   "mon:",
                                   "unix:",
                                   "tcp:",
                                   "host:1",
                                   "[::1]:2",
                                   "chardev:",
                                   "mux=on",
                                   ",",
                                   ",,",
                                   "=",
                                   "+",
                                   "-",
                                   ":",
                                   ".",
                                   "0",
                                   "1",
                                   "2",
                                   "8",
                                   "4294967295",
                                   "18446744073709551616",
                                   "0x",
                                   "G",
                                   "T",
                                   "{",
                                   "}",
                                   "[",
                                   "]",
                                   "\"",
                                   "\"a\":",
                                   "help",
                                   "?",
                                   "a",
                                   "2006-06-17T16:01:21",
                                   "\xff",
                                   " ",
                                   "on",
                                   "off"};

}  // namespace

namespace backplane::test {

const unsigned kFuzzRounds = 5000;

FuzzInput fuzz_input(std::mt19937& random, unsigned round) {
    std::string line;
    for (unsigned words = 1 + random() % 6; words; --words) {
        for (unsigned pieces = 1 + random() % 6; pieces; --pieces) line += any_of(kPieces, random);
        if (words > 1) line += '\n';
    }
    // Half of them begin as an option with a value, so that more than the option's name is read.
    if (round % 2) line = std::string(kPieces[random() % 29]) + "\n" + line;
    return input_of(line);
}

}  // namespace backplane::test
