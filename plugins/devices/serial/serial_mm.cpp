// The 16550A as a memory-mapped chip ("ns16550a"): one register every 2^regshift bytes.
#include "uart16550.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane {
namespace {

class SerialMm final : public DeviceBase, public IoHandler {
  public:
    static const PropertyInfo kProperties[];

    explicit SerialMm(Object& object)
        : context_(device_context(object)), uart_(context_, context_.add_outputs("irq", 1)) {}

    bool realize(Errors& errors) override {
        if (!uart_.start(chardev_, clock_frequency_, errors)) return false;
        context_.export_region("registers",
                               context_.memory().io("serial", std::uint64_t{8} << regshift_, *this, {}));
        return true;
    }
    void unrealize() override { uart_.stop(); }
    void reset(ResetPhase phase) override { uart_.reset(phase); }
    bool after_load(Errors&) override {
        uart_.after_load();
        return true;
    }
    void resume() override { uart_.resume(); }

    std::uint64_t read(Offset offset, unsigned, Access& access) override {
        return uart_.read(unsigned(offset.value >> regshift_) & 7, access);
    }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (!access.debug()) uart_.write(unsigned(offset.value >> regshift_) & 7, std::uint8_t(value));
    }

  private:
    DeviceContext& context_;
    serial::Uart16550 uart_;
    CharBackend* chardev_ = nullptr;
    std::uint8_t regshift_ = 0;
    std::uint32_t clock_frequency_ = 1843200;
};

constexpr PropertyInfo SerialMm::kProperties[] = {
    property<&SerialMm::chardev_>({.name = "chardev", .summary = "where characters go to and come from"}),
    property<&SerialMm::regshift_>({.name = "regshift",
                                    .summary = "registers are 2^regshift bytes apart",
                                    .default_text = "0",
                                    .maximum = 3}),
    property<&SerialMm::clock_frequency_>({.name = "clock-frequency",
                                           .summary = "of the baud-rate generator's input, Hz",
                                           .default_text = "1843200",
                                           .minimum = 16}),
};

constexpr RegionInfo kRegions[] = {
    {.name = "registers", .summary = "eight registers, 2^regshift bytes apart"}};
constexpr WireInfo kWires[] = {{.name = "irq", .summary = "INTR"}};

constexpr TypeInfo kTypes[] = {
    device_type<SerialMm>({
        .name = "serial-mm",
        .summary = "16550A UART in memory",
        .category = "Input",
        .interfaces = kDeviceInterfaces<SerialMm>,
        .properties = SerialMm::kProperties,
        .regions = kRegions,
        .wires = kWires,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("serial", "1.0", "Backplane", backplane::kTypes)
