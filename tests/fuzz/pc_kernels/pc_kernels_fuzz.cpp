// Fuzz target: what a user gives a PC to start. Any bytes are either refused with a reason or become parts that lie in
// RAM, clear of each other and of firmware's memory. Of its own it makes mutations of a file of each format.
#include "tests/boards/pc/kernel_files.h"
#include "tests/fuzz/fuzz.h"

#include <backplane/text.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace backplane;
using namespace backplane::pc;

constexpr std::uint64_t kRam = 16 << 20;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "pc_kernels_fuzz: %s\n", what);
    std::abort();
}

void check_parts(const KernelPlan& plan) {
    const KernelPart* parts[] = {&plan.setup, &plan.kernel, &plan.initrd, &plan.command_line};
    for (const KernelPart* part : parts) {
        if (part->bytes.empty()) continue;
        const std::uint64_t end = part->address + part->bytes.size();
        require(part->address >= kLowestPart && end <= kRam, "a part lies in RAM, above the loader");
        require(part->address >= kMebibyte || end <= 0x9fc00, "a part keeps out of firmware's memory");
        for (const KernelPart* other : parts)
            require(other == part || other->bytes.empty() || other->address >= end ||
                        other->address + other->bytes.size() <= part->address,
                    "parts do not lie over each other");
    }
}

}  // namespace

/// The first byte: how long the command line and the modules are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::vector<std::uint8_t> file(data + 1, data + size);
    KernelFiles files{.kernel = Bytes(file), .name = "kernel", .arguments = {}, .modules = {}, .ram = kRam};
    files.arguments.assign(data[0] % 16 * 20, 'x');
    if (data[0] & 16) files.modules.push_back({"module", std::vector<std::uint8_t>(data[0] * 1000)});
    if (data[0] & 32) files.modules.push_back({"empty", {}});
    KernelPlan plan;
    ErrorText errors;
    const bool taken = plan_kernel(files, plan, errors);
    require(taken != errors.failed(), "a kernel is refused with a reason, or taken without one");
    if (taken) check_parts(plan);
    return 0;
}

namespace backplane::test {

const unsigned kFuzzRounds = 8000;

FuzzInput fuzz_input(std::mt19937& random, unsigned round) {
    static const FuzzInput kSeeds[] = {pc::test::linux_file(0x20f, 16), pc::test::multiboot_file(),
                                       pc::test::pvh_file()};
    FuzzInput input = kSeeds[round % 3];
    input.insert(input.begin(), std::uint8_t(random()));
    if (round < 3) return input;
    // Headers are where it hurts: half of the changes go there.
    const std::size_t header = round % 3 == 0 ? 0x1f1 : 0, length = round % 3 == 0 ? 0x78 : 0x94;
    for (unsigned changes = 1 + random() % 6; changes; --changes) {
        const std::size_t at = random() % 2 ? header + random() % length : random() % (input.size() - 1);
        input[1 + at] = std::uint8_t(random() % 4 ? random() : (random() % 2 ? 0xff : 0));
    }
    if (random() % 4 == 0) input.resize(1 + random() % input.size());
    return input;
}

}  // namespace backplane::test
