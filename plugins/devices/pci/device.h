// The part of every PCI device that the type "pci-device" contributes: configuration space, BARs, interrupts.
//
// Follows "PCI Local Bus Specification" 3.0, chapter 6. Not modelled: parity and system errors,
// BIST and power states.
#pragma once

#include "config_space.h"
#include "msi.h"
#include "vector_events.h"

#include <backplane/boot.h>
#include <backplane/device.h>
#include <backplane/pci.h>

#include <array>
#include <optional>
#include <string>

namespace backplane::pci {

/// A bus master that may not master: every access fails.
class ClosedPort final : public DmaPort {
  public:
    bool read(GuestAddress, MutableBytes to) override;
    bool write(GuestAddress, Bytes) override { return false; }
    DmaWindow map(GuestAddress, std::uint64_t, bool) override { return {}; }
    void unmap(const DmaWindow&, std::uint64_t) override {}
};

class DevicePart final : public Device,
                         public PciDevice,
                         public PciVectorEvents,
                         public FirmwarePlace,
                         MessageSource {
  public:
    explicit DevicePart(Object& object);

    // Device
    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    void before_save() override {}
    bool after_load(Errors& errors) override;
    void resume() override {}

    // PciDevice
    void set_identity(const PciIdentity& identity) override;
    bool add_bar(unsigned index, MemoryRegion& region, PciBarKind kind, PciPrefetch prefetch,
                 Errors& errors) override;
    unsigned add_capability(std::uint8_t id, unsigned size, unsigned at, Errors& errors) override {
        return config_.add_capability(id, size, at, errors);
    }
    unsigned add_extended_capability(std::uint16_t id, std::uint8_t version, unsigned size,
                                     Errors& errors) override;
    bool add_msi(unsigned vectors, bool per_vector_mask, Errors& errors) override;
    bool add_msix(const PciMsixLayout& layout, Errors& errors) override;
    void observe_config(PciConfigObserver* observer) override { observer_ = observer; }

    std::uint32_t config(unsigned offset, unsigned size) const override { return config_.get(offset, size); }
    void set_config(unsigned offset, unsigned size, std::uint32_t value) override {
        config_.set(offset, size, value);
    }
    void set_config_writable(unsigned offset, unsigned size, std::uint32_t mask) override {
        config_.set_writable(offset, size, mask);
    }
    void set_config_clearable(unsigned offset, unsigned size, std::uint32_t mask) override {
        config_.set_clearable(offset, size, mask);
    }

    void set_interrupt(int level) override;
    unsigned msi_vectors() const override { return msi_.vectors(); }
    unsigned msix_vectors() const override { return msix_.vectors(); }
    bool msi_enabled() const override { return msi_.enabled(); }
    bool msix_enabled() const override { return msix_.enabled(); }
    void msi_notify(unsigned vector) override { msi_.notify(vector); }
    void msix_notify(unsigned vector) override { msix_.notify(vector); }
    PciMessage msix_message(unsigned vector) const override { return msix_.message(vector); }
    // PciVectorEvents
    bool set_vector_event(unsigned vector, int event, Errors& errors) override;

    PciAddress address() const override;
    PciBus& bus() override { return *bus_; }
    bool memory_enabled() const override { return (command() & kCommandMemory) != 0; }
    bool io_enabled() const override { return (command() & kCommandIo) != 0; }
    bool bus_master_enabled() const override { return (command() & kCommandBusMaster) != 0; }

    int wanted_place() const override;
    bool multifunction() const override { return multifunction_; }
    void plugged(PciBus& bus, std::uint8_t place) override;
    std::uint32_t config_read(unsigned offset, unsigned size, Access& access) override;
    void config_write(unsigned offset, unsigned size, std::uint32_t value, Access& access) override;

    // FirmwarePlace
    bool firmware_path(TextSink& out) const override;

    // For listings
    static constexpr unsigned kBars = 7;  ///< six, and the expansion ROM's
    struct BarListing {
        PciBarKind kind;
        PciPrefetch prefetch;
        std::uint64_t size;
        std::optional<std::uint64_t> address;  ///< none: it is not decoded
    };
    /// Nothing: there is no such BAR.
    std::optional<BarListing> bar(unsigned index) const;
    bool plugged_in() const { return bus_ != nullptr; }
    bool is_bridge() const { return (config_.get(kHeaderType, 1) & 0x7f) == 1; }

    // Properties
    std::string wanted_address_;
    std::string romfile_;
    std::uint32_t acpi_index_ = 0;
    std::int32_t rombar_ = -1;
    std::uint32_t romsize_ = kSizeOfFile;
    bool multifunction_ = false;
    /// romfile_ is what it is without the user's say: a device goes without its own ROM where the host has none.
    void keep_default_rom() { default_rom_ = romfile_; }

    bool check_rom_size(std::uint64_t size, Errors& errors) const;
    bool check_acpi_index(std::uint64_t index, Errors& errors) const;
    static constexpr std::uint32_t kSizeOfFile = ~0u;

  private:
    struct Bar {
        MemoryRegion* region = nullptr;
        PciBarKind kind = PciBarKind::Memory32;
        bool upper_half = false;  ///< the second register of a 64-bit BAR
        std::optional<std::uint64_t> mapped;
    };

    static constexpr unsigned kRom = 6;  ///< among the BARs

    unsigned register_of(unsigned bar) const {
        return bar != kRom ? kBar0 + 4 * bar : is_bridge() ? kBridgeRom : kExpansionRom;
    }
    bool add_rom(Errors& errors);
    bool rom_is_missing(Errors& errors);
    void set_rom_writable();
    unsigned command() const { return config_.get(kCommand, 2); }
    std::optional<std::uint64_t> decoded(unsigned index) const;
    void update_bars();
    void unmap(Bar& bar);
    void update_dma();
    void update_pin();
    MessageSink* sink() const;
    // MessageSource
    void send_message(std::uint64_t address, std::uint32_t data) override;
    void vectors_changed() override;

    std::string default_rom_;
    Object& object_;
    DeviceContext& context_;
    StateTable& state_;
    PciBus* bus_ = nullptr;
    std::uint8_t place_ = 0;
    ConfigSpace config_;
    std::array<Bar, kBars> bars_{};
    Msi msi_;
    Msix msix_;
    VectorEvents vector_events_;
    MessageSink* sink_ = nullptr;  ///< the machine's; null: it has none
    ClosedPort closed_;
    PciConfigObserver* observer_ = nullptr;
    std::uint8_t pin_ = 0;              ///< 0: none; 1–4
    std::uint8_t interrupt_level_ = 0;  ///< what the device drives
};

/// "02.0", "2", "0x1f.7" (hexadecimal): device << 3 | function; nothing when it is no such place.
std::optional<std::uint8_t> parse_place(std::string_view text);
/// "02.0".
std::string place_text(unsigned place);

}  // namespace backplane::pci
