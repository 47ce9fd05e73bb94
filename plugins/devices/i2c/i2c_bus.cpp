// I2C and SMBus: the bus, and a serial memory on it. Interfaces: <backplane/i2c.h>.
//
// `smbus-eeprom` follows Atmel, "AT24C02 Two-wire Serial EEPROM", 0180Z, as a memory module carries it: 256 bytes, an
// address counter that wraps. Write times and the write-protect pin are not modelled.
#include <backplane/bus.h>
#include <backplane/device.h>
#include <backplane/i2c.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

#include <algorithm>
#include <vector>

namespace backplane {
namespace {

constexpr std::uint8_t kLastAddress = 0x7f;

class I2cBusPart final : public BusBase, public I2cBus {
  public:
    explicit I2cBusPart(Object&) {}

    // Bus
    Str kind() const override { return "i2c"; }
    bool has_room() const override { return true; }
    bool attach(Object& device, Errors& errors) override {
        auto* target = query<I2cDevice>(device);
        const std::string name(device.type_name().view());
        if (!target) {
            errors.fail("'" + name + "' is no I2C device");
            return false;
        }
        if (const Plug* other = find(target->address())) {
            errors.fail("address 0x" + hex(target->address()) + " is not free for '" + name + "': '" +
                        std::string(other->object->type_name().view()) + "' has it");
            return false;
        }
        plugs_.push_back({&device, target});
        return true;
    }
    void detach(Object& device) override {
        std::erase_if(plugs_, [&](const Plug& plug) { return plug.object == &device; });
    }

    // I2cBus
    bool transfer(std::uint8_t address, Bytes written, MutableBytes read) override {
        const Plug* plug = find(address);
        if (plug && plug->target->transfer(written, read)) return true;
        std::fill(read.begin(), read.end(), std::uint8_t{0xff});
        return false;
    }

  private:
    struct Plug {
        Object* object;
        I2cDevice* target;
    };
    const Plug* find(std::uint8_t address) const {
        for (const Plug& plug : plugs_)
            if (plug.target->address() == address) return &plug;
        return nullptr;
    }
    std::vector<Plug> plugs_;
};

class SmbusEeprom final : public DeviceBase, public I2cDevice {
  public:
    static const PropertyInfo kProperties[];

    explicit SmbusEeprom(Object& object) {
        StateTable& state = device_context(object).state();
        describe(state, "data", data_, 0, false);
        describe(state, "address_counter", counter_);
    }

    std::uint8_t address() const override { return address_; }
    /// "Write operations" and "read operations": the first byte written is the place, the counter goes on by itself.
    bool transfer(Bytes written, MutableBytes read) override {
        if (!written.empty()) counter_ = written[0];
        for (std::size_t i = 1; i < written.size; ++i) data_[counter_++] = written[i];
        for (std::uint8_t& byte : read) byte = data_[counter_++];
        return true;
    }

  private:
    std::uint8_t address_ = 0;
    std::uint8_t data_[256] = {};
    std::uint8_t counter_ = 0;
};

constexpr PropertyInfo SmbusEeprom::kProperties[] = {
    property<&SmbusEeprom::address_>({.name = "address",
                                      .summary = "on the bus, 7 bits",
                                      .default_text = "0x50",
                                      .maximum = kLastAddress}),
};

constexpr InterfaceInfo kBusInterfaces[] = {offers<I2cBusPart, Bus>(), offers<I2cBusPart, I2cBus>()};
constexpr InterfaceInfo kEepromInterfaces[] = {offers<SmbusEeprom, Device>(),
                                               offers<SmbusEeprom, I2cDevice>()};

constexpr TypeInfo kTypes[] = {
    {
        .name = "i2c-bus",
        .parent = "bus",
        .summary = "I2C bus",
        .interfaces = kBusInterfaces,
        .instance_init = make_part<I2cBusPart>,
        .instance_finalize = free_part<I2cBusPart>,
    },
    device_type<SmbusEeprom>({
        .name = "smbus-eeprom",
        .summary = "256 bytes of serial memory, such as a memory module has",
        .bus = "i2c",
        .category = "Misc",
        .interfaces = kEepromInterfaces,
        .properties = SmbusEeprom::kProperties,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("i2c-bus", "1.0", "Backplane", backplane::kTypes)
