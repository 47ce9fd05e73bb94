// What the VGAs of this plugin share: the chip, its memory, the window at A0000h, Bochs' registers, and the picture.
#pragma once

#include "dispi.h"

#include <lib/vga/chip.h>
#include <lib/vga/picture.h>

#include <backplane/device.h>
#include <backplane/dirty_pages.h>
#include <backplane/screen.h>

#include <memory>
#include <vector>

namespace backplane::vga {

class Adapter final : public Screen, Listener, Extension {
  public:
    explicit Adapter(DeviceContext& context);
    /// `bytes`: a power of two of at least 1 MiB.
    bool realize(std::uint64_t bytes, Errors& errors);
    void unrealize();
    void reset();
    void loaded();

    MemoryRegion& memory() { return *memory_; }
    /// The window at A0000h, of vga::kWindowSize.
    MemoryRegion& window() { return *window_; }
    Chip& chip() { return chip_; }
    Dispi& dispi() { return dispi_; }
    void write_dispi(unsigned index, std::uint16_t value);
    bool big_endian() const { return big_endian_; }
    void set_big_endian(bool big_endian);

    void refresh(ScreenChanges& changes) override;
    ScreenSurface surface() const override { return picture_.surface(); }
    ScreenPointer pointer() const override { return {}; }
    bool text(ScreenText& text) const override { return picture_.text(text); }
    void wish(const ScreenWish&) override {}
    void watched_by(ScreenBell* bell) override;

  private:
    struct WindowPorts final : IoHandler {
        explicit WindowPorts(Chip& chip) : chip(chip) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;
        Chip& chip;
    };
    void registers_changed() override;
    unsigned primary_bits() const override { return dispi_.eight_bit_colours() ? 8 : 6; }
    void map_window();

    DeviceContext& context_;
    Chip chip_;
    Dispi dispi_;
    Picture picture_{chip_};
    WindowPorts window_ports_{chip_};
    DirtyPages* dirty_ = nullptr;
    std::vector<std::uint64_t> pages_;
    MemoryRegion* memory_ = nullptr;
    MemoryRegion* window_ = nullptr;
    MemoryRegion* direct_ = nullptr;  ///< memory as it lies, over the window
    Chip::Direct mapped_{};
    std::uint32_t mapped_bank_ = 0;
    ScreenBell* bell_ = nullptr;
    bool big_endian_ = false;
};

/// The ports 3B0h to 3DFh, or a part of them from `first` on, byte by byte.
class RegisterPorts final : public IoHandler {
  public:
    RegisterPorts(Chip& chip, std::uint16_t first) : chip_(chip), first_(first) {}
    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    Chip& chip_;
    const std::uint16_t first_;
};

}  // namespace backplane::vga
