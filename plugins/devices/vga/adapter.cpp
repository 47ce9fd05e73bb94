#include "adapter.h"

#include <algorithm>
#include <cstring>

namespace backplane::vga {
namespace {

constexpr std::uint64_t kPageSize = 4096;
constexpr std::uint32_t kBankSize = 0x10000;

}  // namespace

std::uint64_t RegisterPorts::read(Offset offset, unsigned, Access& access) {
    return chip_.read_port(std::uint16_t(first_ + offset.value), access.debug());
}

void RegisterPorts::write(Offset offset, std::uint64_t value, unsigned, Access& access) {
    if (!access.debug()) chip_.write_port(std::uint16_t(first_ + offset.value), std::uint8_t(value));
}

/// Wide accesses are common here, and are one call.
std::uint64_t Adapter::WindowPorts::read(Offset offset, unsigned size, Access& access) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i)
        value |= std::uint64_t{chip.read_memory(std::uint32_t(offset.value) + i, access.debug())} << 8 * i;
    return value;
}

void Adapter::WindowPorts::write(Offset offset, std::uint64_t value, unsigned size, Access&) {
    for (unsigned i = 0; i < size; ++i)
        chip.write_memory(std::uint32_t(offset.value) + i, std::uint8_t(value >> 8 * i));
}

Adapter::Adapter(DeviceContext& context) : context_(context), chip_(context.clock(), *this) {
    chip_.extend(*this);
    chip_.describe_state(context.state().group({.name = "vga"}));
    dispi_.describe_state(context.state());
    describe(context.state(), "big_endian", big_endian_);
}

bool Adapter::realize(std::uint64_t bytes, Errors& errors) {
    MemoryFactory& make = context_.memory();
    memory_ = make.ram("vga.vram", bytes, errors);
    if (!memory_) return false;
    window_ = &make.container("vga", kWindowSize);
    MemoryRegion& ports =
        make.io("vga-lowmem", kWindowSize, window_ports_, {.maximum = 8, .unaligned = true});
    direct_ = &make.alias("vga.chain4", *memory_, Offset(0), kBankSize);
    direct_->set_enabled(false);
    if (!window_->add(ports, Offset(0), 0, errors) || !window_->add(*direct_, Offset(0), 1, errors))
        return false;
    chip_.connect(*memory_);
    dispi_.set_memory(bytes);
    pages_.resize((bytes / kPageSize + 63) / 64);
    dirty_ = static_cast<DirtyPages*>(context_.host_interface(DirtyPages::kId));
    return true;
}

void Adapter::unrealize() {
    if (bell_) bell_->gone();
    watched_by(nullptr);
}

void Adapter::reset() {
    dispi_.reset();
    map_window();
}

void Adapter::loaded() {
    dispi_.settle();
    picture_.forget();
    map_window();
}

void Adapter::set_big_endian(bool big_endian) {
    big_endian_ = big_endian;
    registers_changed();
}

void Adapter::write_dispi(unsigned index, std::uint16_t value) {
    if (dispi_.write(index, value)) {
        // What the picture shows; the rest is as it was.
        const MutableBytes bytes = memory_->bytes();
        const std::uint64_t size = std::min<std::uint64_t>(dispi_.picture_bytes(), bytes.size);
        std::fill_n(bytes.begin(), size, std::uint8_t{0});
        memory_->bytes_changed(Offset(0), size);
    }
    registers_changed();
}

void Adapter::registers_changed() {
    map_window();
    if (bell_) bell_->ring();
}

/// Memory lies in the window as it is in chain-4 modes, and bank by bank in those of Bochs' registers.
void Adapter::map_window() {
    Chip::Direct now = chip_.direct();
    const std::uint32_t bank = dispi_.enabled() ? dispi_.bank_start() : 0;
    if (dispi_.enabled()) now.size = std::min(now.size, kBankSize);
    if (now == mapped_ && bank == mapped_bank_) return;
    mapped_ = now;
    mapped_bank_ = bank;
    direct_->set_enabled(false);
    if (!now.possible) return;
    direct_->set_offset(Offset(now.first));
    direct_->set_alias_offset(Offset(bank));
    direct_->set_alias_size(now.size);
    direct_->set_enabled(true);
}

void Adapter::watched_by(ScreenBell* bell) {
    bell_ = bell;
    if (dirty_ && memory_) dirty_->note(*memory_, bell != nullptr);
    picture_.forget();
}

void Adapter::refresh(ScreenChanges& changes) {
    // Where nobody notes stores, all may be new.
    const bool noted = bell_ && dirty_ && dirty_->take(*memory_, pages_);
    if (!noted) {
        std::ranges::fill(pages_, 0);
        picture_.forget();
    }
    const std::optional<Linear> linear = dispi_.picture(big_endian_);
    picture_.refresh(linear ? &*linear : nullptr, DirtyMemory(pages_), changes);
}

}  // namespace backplane::vga
