// Port 61h of a PC/AT, NMI status and control, through which the speaker is driven.
//
// Follows the "82371SB PIIX3" data sheet (290550-002, section 3.5.4). Not modelled: the parity and channel-check errors
// (no board has them; their bits are 0 and are not kept), and the sound itself.
#include <backplane/device.h>
#include <backplane/interval_timer.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane {
namespace {

constexpr std::uint8_t kGate2 = 0x01;
constexpr std::uint8_t kSpeakerData = 0x02;
constexpr std::uint8_t kRefresh = 0x10;
constexpr std::uint8_t kOut2 = 0x20;
constexpr std::uint64_t kRefreshPeriod = 15'085;  // ns; 18 pulses of the timer's clock
constexpr unsigned kCounter = 2;

class IsaPcspk final : public DeviceBase, public IoHandler {
  public:
    static const PropertyInfo kProperties[];

    explicit IsaPcspk(Object& object) : context_(device_context(object)) {
        describe(context_.state(), "SPKR_DAT_EN", speaker_data_);
    }

    bool realize(Errors& errors) override {
        MemoryRegion& registers = context_.memory().io("pcspk", 1, *this, kIsaByteRegisters);
        context_.export_region("registers", registers);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || isa->add_ports(context_.object(), registers, Port(iobase_), errors);
    }

    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) pit_->set_gate(kCounter, 0);
    }

    std::uint64_t read(Offset, unsigned, Access&) override {
        std::uint8_t value = 0;
        if (pit_->gate(kCounter)) value |= kGate2;
        if (speaker_data_) value |= kSpeakerData;
        if (context_.clock().now_ns() / kRefreshPeriod % 2) value |= kRefresh;
        if (pit_->output(kCounter)) value |= kOut2;
        return value;
    }
    void write(Offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        speaker_data_ = value & kSpeakerData;
        pit_->set_gate(kCounter, value & kGate2);
    }

  public:
    DeviceContext& context_;
    IntervalTimer* pit_ = nullptr;
    std::uint32_t iobase_ = 0x61;
    bool speaker_data_ = false;
};

constexpr PropertyInfo IsaPcspk::kProperties[] = {
    property<&IsaPcspk::iobase_>(
        {.name = "iobase", .summary = "its port", .default_text = "0x61", .maximum = 0xffff}),
    property<&IsaPcspk::pit_>(
        {.name = "pit", .summary = "the timer whose counter 2 makes the tone", .required = true}),
};

constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "port 61h", .size = 1}};

constexpr TypeInfo kTypes[] = {
    device_type<IsaPcspk>({
        .name = "isa-pcspk",
        .summary = "PC speaker port",
        .bus = "isa",
        .category = "Sound",
        .interfaces = kDeviceInterfaces<IsaPcspk>,
        .properties = IsaPcspk::kProperties,
        .regions = kRegions,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("pcspk", "1.0", "Backplane", backplane::kTypes)
