// The watchdog timer of the IB700 single-board computer (iBASE IB700 user's manual, "Watchdog timer configuration").
#include <backplane/device.h>
#include <backplane/guest_health.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>

namespace backplane {
namespace {

constexpr std::uint16_t kStopPort = 0x441, kStartPort = 0x443;
constexpr std::uint64_t kSecond = 1'000'000'000;

class Ib700 final : public DeviceBase {
  public:
    explicit Ib700(Object& object) : context_(device_context(object)) {
        timer_.create(context_.clock());
        describe_timer(context_.state(), "timer", timer_);
    }

    bool realize(Errors& errors) override {
        MemoryRegion& stop = context_.memory().io("ib700-stop", 1, stop_, kIsaByteRegisters);
        MemoryRegion& start = context_.memory().io("ib700-start", 1, start_, kIsaByteRegisters);
        context_.export_region("stop", stop);
        context_.export_region("start", start);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || (isa->add_ports(context_.object(), stop, Port(kStopPort), errors) &&
                        isa->add_ports(context_.object(), start, Port(kStartPort), errors));
    }
    void unrealize() override { timer_.cancel(); }

  private:
    template <auto Write>
    class WritePort final : public IoHandler {
      public:
        explicit WritePort(Ib700& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned, Access&) override { return 0xff; }
        void write(Offset, std::uint64_t value, unsigned, Access& access) override {
            if (!access.debug()) (owner_.*Write)(unsigned(value));
        }

      private:
        Ib700& owner_;
    };

    void stop(unsigned) { timer_.cancel(); }
    /// 0 is 30 seconds, 15 none.
    void start(unsigned value) {
        timer_.arm(context_.clock().now_ns() + (30 - 2 * std::uint64_t{value & 15}) * kSecond);
    }
    void expired() {
        static_cast<GuestHealth*>(context_.host_interface(GuestHealth::kId))->report_watchdog();
    }

    DeviceContext& context_;
    WritePort<&Ib700::stop> stop_{*this};
    WritePort<&Ib700::start> start_{*this};
    OwnedTimer<&Ib700::expired> timer_{*this};
};

constexpr RegionInfo kRegions[] = {
    {.name = "stop", .summary = "441h", .size = 1},
    {.name = "start", .summary = "443h: 30 seconds less twice what is written", .size = 1}};

constexpr TypeInfo kTypes[] = {
    device_type<Ib700>({.name = "ib700",
                        .summary = "iBASE 700 watchdog timer",
                        .user_creatable = true,
                        .bus = "isa",
                        .category = "Watchdog",
                        .interfaces = kDeviceInterfaces<Ib700>,
                        .regions = kRegions,
                        .architecture = "x86_64"}),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("ib700", "1.0", "Backplane", backplane::kTypes)
