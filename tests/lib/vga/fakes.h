// What a VGA is given in tests: a clock that the test moves, and memory.
#pragma once

#include <backplane/clock.h>
#include <backplane/memory.h>

#include <vector>

namespace backplane::vga {

inline constexpr std::size_t kTestMemory = 256 << 10;

struct HandClock final : Clock {
    std::uint64_t now_ns() const override { return now; }
    Timer* create_timer(TimerHandler&) override { return nullptr; }
    std::uint64_t now = 0;
};

/// RAM, of which the chip uses no more than its bytes.
struct Ram final : MemoryRegion {
    Str name() const override { return "ram"; }
    std::uint64_t size() const override { return kTestMemory; }
    bool add(MemoryRegion&, Offset, int, Errors&) override { return false; }
    void remove(MemoryRegion&) override {}
    void set_enabled(bool) override {}
    bool enabled() const override { return true; }
    void set_offset(Offset) override {}
    void set_alias_offset(Offset) override {}
    void set_alias_size(std::uint64_t) override {}
    void set_rom_mode(bool) override {}
    void set_read_only(bool) override {}
    MutableBytes bytes() override { return contents; }
    void bytes_changed(Offset offset, std::uint64_t) override { pages[offset.value >> 12] = true; }
    std::vector<std::uint8_t> contents = std::vector<std::uint8_t>(kTestMemory);
    std::vector<bool> pages = std::vector<bool>(kTestMemory >> 12);
};

}  // namespace backplane::vga
