// Streams of this release and of those before it, in streams/: each is loaded for ever, and its guest goes on. How they
// are made, and when anew: streams/README.md.
#include "boards/saved/random_guest.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kRam = 0x80000000, kPcUart = 0x3f8;
constexpr const char* kKinds[] = {"device", "pci", "pc"};

/// Hart 0 says "r", and then of each byte that the UART gets the one behind it.
constexpr std::uint32_t kEcho[] = {
    0xf14022f3,  // csrr t0, mhartid
    0x02029e63,  // bnez t0, park
    0x10000537,  // lui a0, 0x10000
    0x00300593,  // li a1, 3
    0x00b501a3,  // sb a1, 3(a0): LCR
    0x00050223,  // sb x0, 4(a0): MCR
    0x00700593,  // li a1, 7
    0x00b50123,  // sb a1, 2(a0): FCR
    0x07200593,  // li a1, 'r'
    0x00b50023,  // sb a1, 0(a0)
    0x00554303,  // loop: lbu t1, 5(a0)
    0x00137313,  // andi t1, t1, 1
    0xfe030ce3,  // beqz t1, loop
    0x00054583,  // lbu a1, 0(a0)
    0x00158593,  // addi a1, a1, 1
    0xfe9ff06f,  // j the second sb
    0x10500073,  // park: wfi
    0xffdff06f,  // j park
};

std::filesystem::path folder() {
    return std::filesystem::path(std::getenv("BACKPLANE_SOURCE")) / "tests/boards/saved/streams";
}

BoardOptions pc() {
    BoardOptions options = SavedBoard::pc_options();
    options.devices = {{"ide-hd", {{"drive", "node"}}},
                       {"virtio-net-pci", {{"netdev", "wire"}}},
                       {"isa-serial", {{"chardev", "stream"}}},
                       {"virtio-rng-pci", {{"rng", "source"}}}};
    return options;
}

BoardOptions board(const std::string& kind) {
    if (kind == "pc") return pc();
    BoardOptions options = SavedBoard::options();
    options.globals = {{"virtio-mmio", "force-legacy", "off"}};
    options.devices = {{"virtio-blk-" + kind, {{"drive", "node"}}},
                       {"virtio-net-" + kind, {{"netdev", "wire"}}},
                       {"virtio-rng-" + kind, {{"rng", "source"}}},
                       {"virtio-balloon-" + kind, {}},
                       {"virtio-serial-" + kind, {}},
                       {"virtconsole", {{"chardev", "stream"}}}};
    return options;
}

/// Runs the machine until its terminal shows `text`.
bool says(SavedBoard& board, std::string_view text) {
    constexpr unsigned kTurns = 10'000;
    board.bench.machine().start();
    for (unsigned turn = 0; turn < kTurns && board.terminal().written != text; ++turn) board.run_loop();
    board.bench.machine().stop();
    return std::exchange(board.terminal().written, {}) == text;
}

/// No processor of it runs: its UART takes a byte and sends the next one by the test's own hand.
bool pc_answers(SavedBoard& board) {
    const std::uint64_t typed = board.in(kPcUart, 1);
    board.out(kPcUart, typed + 1, 1);
    return std::exchange(board.terminal().written, {}) == "y";
}
void prepare_pc(SavedBoard& board) {
    constexpr std::pair<unsigned, unsigned> kRegisters[] = {{3, 3}, {4, 0}, {1, 0}, {2, 7}};
    for (const auto& [index, value] : kRegisters) board.out(kPcUart + index, value, 1);
}

/// What devices and their drivers left there would not become smaller.
void clear_memory(SavedBoard& board) {
    const std::uint64_t ram = board.places().ram;
    for (const Window& window : {Window{0, 0x10000}, {0x400000, 0x100000}, {0x600000, 0x20000}})
        for (std::uint64_t at = 0; at < window.size; at += 8) board.bench.store(ram + window.base + at, 0, 8);
}

std::vector<std::uint8_t> make_stream(const std::string& kind) {
    SavedBoard source(board(kind));
    RandomGuest guest(7);
    guest.find_devices(source);
    guest.act(source, 700);
    source.terminal().written.clear();
    source.terminal().room = ~std::size_t{0};
    clear_memory(source);
    if (kind == "pc") {
        prepare_pc(source);
        return source.save();
    }
    for (std::size_t i = 0; i < std::size(kEcho); ++i) source.bench.store(kRam + 4 * i, kEcho[i], 4);
    if (!says(source, "r")) throw std::runtime_error("the guest does not start");
    return source.save();
}

TEST(KeptStreams, EachIsLoadedAndGoesOn) {
    unsigned count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
        if (entry.path().extension() != ".stream") continue;
        const std::string name = entry.path().stem().string();
        const std::string kind = name.substr(name.rfind('-') + 1);
        SCOPED_TRACE(name + ": see README.md beside it");
        std::ifstream file(entry.path(), std::ios::binary);
        const std::vector<std::uint8_t> stream{std::istreambuf_iterator<char>(file), {}};
        SavedBoard target(board(kind));
        ASSERT_EQ(target.load(Bytes(stream)), "");
        ASSERT_EQ(target.terminal().front->can_receive() > 0, true);
        const std::uint8_t typed = 'x';
        target.terminal().front->receive({&typed, 1});
        EXPECT_TRUE(kind == "pc" ? pc_answers(target) : says(target, "y"));
        EXPECT_EQ(target.load(Bytes(target.save())), "");
        ++count;
    }
    EXPECT_GE(count, std::size(kKinds));
}

TEST(KeptStreams, ThereAreSomeOfThisRelease) {
    for (const std::string kind : kKinds) {
        const std::filesystem::path path =
            folder() / (std::string(BACKPLANE_VERSION) + "-" + kind + ".stream");
        if (std::getenv("SAVED_BOARD_WRITE_STREAMS") && !std::filesystem::exists(path)) {
            const std::vector<std::uint8_t> stream = make_stream(kind);
            std::filesystem::create_directories(folder());
            std::ofstream(path, std::ios::binary)
                .write(reinterpret_cast<const char*>(stream.data()), std::streamsize(stream.size()));
        }
        EXPECT_TRUE(std::filesystem::exists(path))
            << path << " is missing: run this with SAVED_BOARD_WRITE_STREAMS=1, and keep it";
    }
}

}  // namespace
}  // namespace backplane::testing
