// Streams of a whole machine that were damaged, or made to do harm. A damaged one is refused with a reason and changes
// nothing; what somebody made, with checksums that are right, may be loaded, and then nothing that the guest does hurts
// the host. SNAPSHOT_FUZZ_ROUNDS makes it that many times as long.
#include "boards/saved/random_guest.h"
#include "boards/saved/stream_pieces.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace backplane::testing {
namespace {

using kernel::snapshot::Section;

unsigned rounds() {
    const char* text = std::getenv("SNAPSHOT_FUZZ_ROUNDS");
    return text ? unsigned(std::atoi(text)) : 1;
}

enum class Kind { Mmio, Pci, Pc };
void PrintTo(Kind kind, std::ostream* out) { *out << int(kind); }

BoardOptions everything(Kind board) {
    const std::string kind = board == Kind::Mmio ? "-device" : "-pci";
    BoardOptions options = board == Kind::Pc ? SavedBoard::pc_options() : SavedBoard::options();
    options.globals = {{"virtio-mmio", "force-legacy", "off"}};
    options.devices = {{"virtio-blk" + kind, {{"drive", "node"}}},
                       {"virtio-net" + kind, {{"netdev", "wire"}}},
                       {"virtio-rng" + kind, {{"rng", "source"}}},
                       {"virtio-balloon" + kind, {}},
                       {"virtio-serial" + kind, {}},
                       {"virtconsole", {{"chardev", "stream"}}}};
    // There is one disk.
    if (board == Kind::Pc) options.devices[0] = {"ide-hd", {{"drive", "node"}}};
    return options;
}

/// A machine in the middle of its work, as a stream, and another one that it is to become.
class SnapshotFuzz : public ::testing::TestWithParam<Kind> {
  protected:
    SnapshotFuzz() {
        SavedBoard source(everything(GetParam()));
        guest.find_devices(source);
        guest.act(source, 2000);
        good = source.save();
        victim.load(Bytes(good));
        before = victim.save();
    }
    void expect_whole() {
        SavedBoard fresh(everything(GetParam()));
        ASSERT_EQ(fresh.load(Bytes(good)), "");
        ASSERT_EQ(victim.load(Bytes(good)), "");
        EXPECT_EQ(difference(victim, fresh), "");
    }

    RandomGuest guest{1};
    SavedBoard victim{everything(GetParam())};
    std::vector<std::uint8_t> good, before;
    std::mt19937_64 random{3};
};

TEST_P(SnapshotFuzz, WhatWasDamagedIsRefusedAndChangesNothing) {
    const unsigned times = GetParam() == Kind::Pc ? 10'000 : 5000;
    for (unsigned i = 0; i < times * rounds(); ++i) {
        auto bad = good;
        if (i % 2) bad.resize(random() % bad.size());
        else bad[random() % bad.size()] ^= std::uint8_t(1 + random() % 255);
        ASSERT_NE(victim.load(Bytes(bad)), "");
    }
    EXPECT_EQ(victim.save(), before);
    victim.resume();
    guest.act(victim, 100);
}

TEST_P(SnapshotFuzz, WhatSomebodyMadeHurtsNobody) {
    const StreamPieces all(good);
    ASSERT_EQ(StreamPieces(all).stream(), good);
    unsigned taken = 0;
    for (unsigned i = 0; i < 1500 * rounds(); ++i) {
        StreamPieces pieces(all);
        for (unsigned changes = 1 + random() % 3; changes > 0; --changes) {
            auto& sections = pieces.sections;
            Section& section = sections[random() % sections.size()];
            if (section.payload.empty()) continue;
            std::uint8_t& byte = section.payload[random() % section.payload.size()];
            constexpr std::uint8_t kValues[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff};
            if (random() % 2) byte ^= std::uint8_t(1u << random() % 8);
            else byte = kValues[random() % std::size(kValues)];
            if (random() % 20 == 0) std::swap(section, sections[random() % sections.size()]);
            if (random() % 100 == 0) sections.push_back(section);
            if (random() % 100 == 0)
                sections.erase(sections.begin() + std::ptrdiff_t(random() % sections.size()));
        }
        if (!victim.load(Bytes(pieces.stream())).empty()) continue;
        ++taken;
        victim.resume();
        guest.act(victim, 40);
        if (i % 8 == 0 && GetParam() != Kind::Pc) {  // its harts as well
            victim.bench.machine().start();
            for (unsigned turns = 0; turns < 4; ++turns) victim.run_loop();
            victim.bench.machine().stop();
        }
        victim.load(Bytes(victim.save()));
    }
    EXPECT_GT(taken, 100u);
    expect_whole();
}

std::string kind_name(const ::testing::TestParamInfo<Kind>& info) {
    constexpr const char* kNames[] = {"virt_mmio", "virt_pci", "pc"};
    return kNames[int(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Boards, SnapshotFuzz, ::testing::Values(Kind::Mmio, Kind::Pci, Kind::Pc), kind_name);

}  // namespace
}  // namespace backplane::testing
