// Fuzz target: a guest that does what it likes with the ports and the memory of a VGA and with Bochs' registers, between looks
// at its picture. What is told of lies within the picture, and all of the picture can be read.
#include "plugins/devices/vga/dispi.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/vga/fakes.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace {

using namespace backplane;
using namespace backplane::vga;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "vga_fuzz: %s\n", what);
    std::abort();
}

struct Machine final : Listener, Extension, ScreenChanges {
    Machine() {
        chip.extend(*this);
        chip.connect(ram);
        dispi.set_memory(kTestMemory);
        dispi.reset();
    }
    void registers_changed() override {}
    unsigned primary_bits() const override { return dispi.eight_bit_colours() ? 8 : 6; }

    void drawn(const ScreenArea& area) override {
        const ScreenSurface surface = picture.surface();
        require(area.width && area.height && area.x + area.width <= surface.width &&
                    area.y + area.height <= surface.height,
                "what was drawn lies within the picture");
    }
    void copied(std::uint32_t, std::uint32_t, const ScreenArea&) override {}
    void replaced() override {}
    void pointer_changed() override {}
    void pointer_moved() override {}

    void look() {
        std::vector<std::uint64_t> pages(1);
        for (std::size_t i = 0; i < ram.pages.size(); ++i) pages[0] |= std::uint64_t{ram.pages[i]} << i;
        ram.pages.assign(ram.pages.size(), false);
        const std::optional<Linear> linear = dispi.picture(false);
        picture.refresh(linear ? &*linear : nullptr, DirtyMemory(pages), *this);
        const ScreenSurface surface = picture.surface();
        require(surface.width <= kMostScreenPixels && surface.height <= kMostScreenPixels,
                "no picture is larger");
        std::uint32_t all = 0;
        for (std::uint32_t y = 0; y < surface.height; ++y)
            for (std::uint32_t x = 0; x < surface.width; ++x) all ^= surface.row(y)[x];
        ScreenText text;
        if (picture.text(text)) {
            require(text.cells.size == std::size_t{text.columns} * text.rows,
                    "there is a cell for each place");
            for (const ScreenCell& cell : text.cells) all ^= cell.character;
        }
        sum ^= all;
    }

    HandClock clock;
    Ram ram;
    Chip chip{clock, *this};
    Dispi dispi;
    Picture picture{chip};
    std::uint32_t sum = 0;
};

}  // namespace

/// Four bytes for each thing that is done: what, where, and a value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Machine machine;
    unsigned looks = 0;
    for (std::size_t at = 0; at + 4 <= size; at += 4) {
        const std::uint8_t a = data[at + 1], b = data[at + 2], c = data[at + 3];
        const auto port = std::uint16_t(kFirstPort + a % kPorts);
        const std::uint32_t offset = (std::uint32_t{a} << 8 | b) * 2 % kWindowSize;
        switch (data[at] % 8) {
        case 0: machine.chip.write_port(port, c); break;
        case 1: machine.chip.read_port(port, c & 1); break;
        case 2: machine.chip.write_memory(offset, c); break;
        case 3: machine.chip.read_memory(offset, c & 1); break;
        case 4: machine.dispi.write(a % 16, std::uint16_t(b << 8 | c)); break;
        case 5: machine.clock.now += std::uint64_t{c} << 20; break;
        case 6:  // an indexed register of the three banks
            machine.chip.write_port(std::uint16_t(a % 3 == 0 ? 0x3c4 : a % 3 == 1 ? 0x3ce : 0x3d4), b % 0x1a);
            machine.chip.write_port(std::uint16_t(a % 3 == 0 ? 0x3c5 : a % 3 == 1 ? 0x3cf : 0x3d5), c);
            break;
        case 7:
            if (looks++ < 8) machine.look();
            break;
        }
    }
    machine.look();
    volatile std::uint32_t seen = machine.sum;  // or nobody would have to read the picture
    (void)seen;
    return 0;
}

namespace backplane::test {

const unsigned kFuzzRounds = 300;

/// A mode that shows something, then noise of which looks are a part.
FuzzInput fuzz_input(std::mt19937& random, unsigned) {
    constexpr std::uint8_t kPorts[][2] = {{0x12, 0x03}, {0x10, 0x20}};
    FuzzInput input;
    const auto add = [&](unsigned what, unsigned a, unsigned b, unsigned c) {
        for (const unsigned byte : {what, a, b, c}) input.push_back(std::uint8_t(byte));
    };
    for (const auto& [port, value] : kPorts) add(0, port, 0, value);
    const std::uint8_t across = std::uint8_t(random() % 100), down = std::uint8_t(random());
    add(6, 2, 0x01, across);
    add(6, 2, 0x12, down);
    add(6, 2, 0x13, random() % 128);
    add(6, 0, 4, random());
    if (random() % 2) {
        add(4, 1, random() % 2, random());
        add(4, 2, 0, random());
        add(4, 3, 0, std::uint8_t(random() % 5 * 8));
        add(4, 4, 0, 0xc1);
    }
    for (unsigned i = 0; i < 200; ++i)
        add(random() % 16 < 15 ? random() % 7 : 7, random(), random(), random());
    return input;
}

}  // namespace backplane::test
