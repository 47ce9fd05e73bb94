// Fuzzes the command line: the input is the arguments, with a newline between them. Whatever they are, the result is
// a plan that can be printed, or an error in one line. With libFuzzer (clang -fsanitize=fuzzer) this is the target;
// in the test suite main() replays the files it is given, or pseudo-random arguments made of what users type.
#include "kernel/launch/command_line.h"
#include "kernel/launch/topology.h"
#include "kernel/vocabulary/user_error.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

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
        const backplane::Topology topology = resolve_topology(line.plan.smp, 512, "machine");
        const std::uint64_t product =
            std::uint64_t(topology.sockets) * topology.clusters * topology.cores * topology.threads;
        if (product != topology.max_cpus || topology.cpus > topology.max_cpus || topology.cpus == 0)
            std::abort();
    } catch (const UserError& error) {
        if (!*error.what()) std::abort();
    }
    return 0;
}

#ifndef BACKPLANE_LIBFUZZER
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

int main(int argc, char** argv) {
    for (int index = 1; index < argc; ++index) {
        std::ifstream file(argv[index], std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    if (argc > 1) return 0;
    std::mt19937 random(1);
    for (int round = 0; round < 5000; ++round) {
        std::string line;
        for (unsigned words = 1 + random() % 6; words; --words) {
            for (unsigned pieces = 1 + random() % 6; pieces; --pieces)
                line += kPieces[random() % std::size(kPieces)];
            if (words > 1) line += '\n';
        }
        // Half of them begin as an option with a value, so that more than the option's name is read.
        if (round % 2) line = std::string(kPieces[random() % 29]) + "\n" + line;
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(line.data()), line.size());
    }
    return 0;
}
#endif
