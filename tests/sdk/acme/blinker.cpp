// Acme Blinker: counts blinks and interrupts at each. Data sheet: ACME-BL-1.
#include <backplane/device.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/register_table.h>

using namespace backplane;

namespace {

class Blinker final : public DeviceBase, public RegisterDevice<Blinker> {
  public:
    static const Register<Blinker> kRegisters[4];

    explicit Blinker(Object& object)
        : context_(device_context(object)), irq_(context_.add_outputs("irq", 1)) {
        set_register_log(context_.log());
        describe_registers(context_.state());
        timer_.create(context_.clock());
        context_.export_region(
            "registers", context_.memory().io("acme-blinker", 0x10, *this, {.minimum = 4, .maximum = 4}));
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) start();
    }

    bool check_period(std::uint64_t period, Errors& errors) {
        if (period >= 1 && period <= 0xffff) return true;
        errors.fail("a blink takes 1 to 65535 ms");
        return false;
    }

    std::uint32_t default_period_ = 10;  ///< ms

  private:
    void start() {
        if (period_ == 0) period_ = default_period_;
        if (control_ & 1) timer_.arm(context_.clock().now_ns() + period_ * std::uint64_t{1'000'000});
        else timer_.cancel();
        irq_.set((control_ & 1) && pending_);
    }
    void blink() {
        ++count_;
        pending_ = 1;
        start();
    }
    void acknowledged() { irq_.set((control_ & 1) && pending_); }

    DeviceContext& context_;
    Wire& irq_;
    OwnedTimer<&Blinker::blink> timer_{*this};
    std::uint32_t control_ = 0;
    std::uint32_t period_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t pending_ = 0;
};

constexpr Register<Blinker> Blinker::kRegisters[4] = {
    {.name = "CONTROL",
     .offset = 0x0,
     .storage = &Blinker::control_,
     .write_mask = 1,
     .written = &Blinker::start},
    {.name = "PERIOD", .offset = 0x4, .storage = &Blinker::period_, .write_mask = 0xffff},
    {.name = "COUNT", .offset = 0x8, .access = RegisterAccess::ReadOnly, .storage = &Blinker::count_},
    {.name = "PENDING",
     .offset = 0xc,
     .access = RegisterAccess::WriteOneClear,
     .storage = &Blinker::pending_,
     .write_mask = 1,
     .written = &Blinker::acknowledged},
};

constexpr PropertyInfo kProperties[] = {property<&Blinker::default_period_, &Blinker::check_period>(
    {.name = "period", .summary = "ms between blinks until the guest says otherwise", .default_text = "10"})};
// Boards of Acme's release 1.0 and older had slower ones.
constexpr HistoryRow kHistory[] = {{"acme:1.0", "period", "20"}};

constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "data sheet, 4.1", .size = 16}};
constexpr WireInfo kWires[] = {{.name = "irq", .summary = "it blinked"}};
constexpr TypeInfo kTypes[] = {device_type<Blinker>({.name = "acme-blinker",
                                                     .summary = "Acme Blinker",
                                                     .category = "Misc",
                                                     .interfaces = kDeviceInterfaces<Blinker>,
                                                     .properties = kProperties,
                                                     .regions = kRegions,
                                                     .wires = kWires,
                                                     .history = kHistory})};

}  // namespace

BACKPLANE_PLUGIN("acme-blinker", "1.0", "Acme Ltd", kTypes)
