// A PCI bus: 32 devices of 8 functions, configuration cycles, interrupt pins.
#pragma once

#include <backplane/boot.h>
#include <backplane/bus.h>
#include <backplane/device.h>
#include <backplane/pci.h>

#include <array>

namespace backplane::pci {

class BusPart final : public BusBase, public PciBus, public FirmwarePlace {
  public:
    BusPart(Object& object, bool express) : object_(object), express_(express) {}

    // Bus
    Str kind() const override { return "pci"; }
    bool attach(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return free_place() >= 0; }
    bool place(Object& device, Errors& errors) override;
    bool hot_pluggable() const override { return hot_plug_ != nullptr; }
    bool request_unplug(Object& device, Errors& errors) override;
    void address_of(Object& device, TextSink& out) const override;

    // FirmwarePlace
    bool firmware_path(TextSink& out) const override;

    // PciBus
    void set_bridge(PciBridge& bridge) override { bridge_ = &bridge; }
    PciBridge& bridge() override { return *bridge_; }
    bool express() const override { return express_; }
    std::uint8_t number() const override { return number_; }
    void set_number(std::uint8_t number) override { number_ = number; }
    void set_first_free_device(unsigned device) override { first_free_ = device < 32 ? device : 31; }
    PciDevice* device(std::uint8_t place) override { return slots_[place].device; }
    void reset_devices() override;
    std::uint32_t config_read(PciAddress address, unsigned offset, unsigned size, Access& access) override;
    void config_write(PciAddress address, unsigned offset, unsigned size, std::uint32_t value,
                      Access& access) override;
    void set_pin(std::uint8_t place, unsigned pin, int level) override;
    void set_hot_plug(PciHotPlug* hot_plug) override { hot_plug_ = hot_plug; }
    bool removable(unsigned slot) const override;
    void eject(unsigned slot) override;

  private:
    struct Slot {
        Object* object = nullptr;
        PciDevice* device = nullptr;
        PciForwarder* forwarder = nullptr;  ///< null: it has no bus behind it
    };
    int free_place() const;
    int place_of(const Object& device) const;
    PciBus* behind(std::uint8_t number);
    PciDevice* at(PciAddress address);
    bool check_place(unsigned place, Object& device, const PciDevice& pci, Errors& errors) const;

    Object& object_;
    bool express_;
    PciBridge* bridge_ = nullptr;
    PciHotPlug* hot_plug_ = nullptr;
    std::uint8_t number_ = 0;
    unsigned first_free_ = 0;
    std::array<Slot, 256> slots_{};
    std::array<std::uint8_t, 256> pins_{};         ///< by place: a bit for each pin that is raised
    std::array<std::uint16_t, 256> line_users_{};  ///< by the bridge's line: how many pins raise it
};

}  // namespace backplane::pci
