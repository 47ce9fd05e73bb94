// What CPUID shows of the default processor on each version of the board, held against golden/cpuid.txt: as the newest one
// has it, then what differs on each older one from the next newer ("- LEAF" where that leaf is not there). A change that is
// meant is recorded with BACKPLANE_RENEW=1 set, and belongs into the commit that makes it.
#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"
#include "tests/cpus/x86/fixture.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace backplane::pc {
namespace {

using Leaves = std::map<std::string, std::string>;

/// The version's first processor, on an accelerator that gives everything.
Leaves leaves_of(const std::string& version) {
    kernel::Catalog catalog;
    kernel::LogHub log;
    kernel::Machine machine{catalog, log};
    ErrorText errors;
    const std::string firmware = ::testing::TempDir() + "pc-firmware";
    std::ofstream(firmware) << std::string(64 << 10, '\0');
    machine.set_ram_size(16 << 20);
    EXPECT_TRUE(machine.set_type(version + "-machine", errors)) << errors.text();
    machine.set_cpu(std::string(machine.traits().default_cpu) + "-x86_64-cpu", {});
    EXPECT_TRUE(machine.machine_object().set_property("firmware", firmware, errors)) << errors.text();
    EXPECT_TRUE(machine.open_accelerator({{"tcg", {}}}, errors)) << errors.text();
    EXPECT_TRUE(machine.build(errors)) << errors.text();
    auto* processor = query<x86::Processor>(machine.cpus().at(0)->object());
    EXPECT_TRUE(processor->settle(x86::testing::TestSupport(), errors)) << errors.text();
    Leaves all;
    for (const x86::CpuidEntry& entry : processor->cpuid_entries()) {
        std::array<char, 64> name{}, value{};
        std::snprintf(name.data(), name.size(), entry.indexed ? "%08x.%x" : "%08x", entry.leaf,
                      entry.subleaf);
        std::snprintf(value.data(), value.size(), "%08x %08x %08x %08x", entry.value.eax, entry.value.ebx,
                      entry.value.ecx, entry.value.edx);
        all[name.data()] = value.data();
    }
    return all;
}

/// Their option names, newest first.
std::vector<std::string> versions() {
    kernel::Catalog catalog;
    const kernel::ManifestType* board = catalog.find_type("pc-i440fx-machine");
    std::vector<std::string> all;
    for (const kernel::ManifestVersion& version : board->versions)
        all.push_back(board->version_name(version));
    return all;
}

std::string record() {
    std::ostringstream text;
    Leaves newer;
    for (const std::string& version : versions()) {
        const Leaves leaves = leaves_of(version);
        text << "# " << version << '\n';
        for (const auto& [leaf, value] : leaves)
            if (const auto found = newer.find(leaf); found == newer.end() || found->second != value)
                text << leaf << ": " << value << '\n';
        for (const auto& [leaf, value] : newer)
            if (!leaves.contains(leaf)) text << "- " << leaf << '\n';
        newer = leaves;
    }
    return text.str();
}

TEST(CpuidRecord, OfEachVersionIsWhatItAlwaysWas) {
    const std::string now = record(), path = std::string(std::getenv("BACKPLANE_SOURCE")) +
                                             "/tests/boards/pc/golden/cpuid.txt";
    if (std::getenv("BACKPLANE_RENEW")) std::ofstream(path) << now;
    std::ostringstream recorded;
    recorded << std::ifstream(path).rdbuf();
    EXPECT_EQ(now, recorded.str());
}

}  // namespace
}  // namespace backplane::pc
