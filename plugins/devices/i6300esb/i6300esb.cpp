// The watchdog timer of the 6300ESB I/O controller hub.
//
// Follows Intel, "6300ESB I/O Controller Hub" (300641-002), section 16, "Watchdog timer": device 29, function 4. The
// first stage's interrupt (WDT_INT_TYPE) reaches nobody, as its pin of the second I/O APIC is on no board here.
#include <backplane/device.h>
#include <backplane/guest_health.h>
#include <backplane/pci.h>
#include <backplane/plugin.h>

#include <algorithm>

namespace backplane {
namespace {

// Configuration registers (16.4)
constexpr unsigned kConfiguration = 0x60, kLock = 0x68;
constexpr std::uint32_t kInterruptType = 0x03, kFast = 0x04, kOutputOff = 0x20;  // of the first
constexpr std::uint32_t kLocked = 0x01, kEnabled = 0x02, kFreeRunning = 0x04;    // of the second

// Memory-mapped registers (16.5)
constexpr std::uint64_t kSize = 16;
constexpr std::uint64_t kPreload1 = 0x00, kPreload2 = 0x04, kInterruptStatus = 0x08, kReload = 0x0c;
constexpr std::uint32_t kPreloadBits = 0xfffff;
constexpr std::uint32_t kInterruptActive = 0x01;
constexpr std::uint32_t kReloadNow = 0x100, kTimedOut = 0x200;
constexpr std::uint8_t kKey1 = 0x80, kKey2 = 0x86;

constexpr std::uint64_t kClockHz = 33'000'000;
constexpr std::uint64_t kSecond = 1'000'000'000;

class I6300esb final : public DeviceBase, public IoHandler, public PciConfigObserver {
  public:
    explicit I6300esb(Object& object) : object_(object), context_(device_context(object)) {
        StateTable& state = context_.state();
        for (unsigned i = 0; i < 2; ++i)
            describe(state, i == 0 ? "PV1" : "PV2", preload_[i],
                     {.reset_value = kPreloadBits, .maximum = kPreloadBits});
        describe(state, "stage", stage_, {.maximum = 1});
        describe(state, "key", key_, {.maximum = 2});
        describe(state, "interrupt_active", interrupt_active_);
        describe(state, "timed_out", timed_out_, 0, false);
        timer_.create(context_.clock());
        describe_timer(state, "timer", timer_);
    }

    bool realize(Errors& errors) override {
        pci_ = &require<PciDevice>(object_, "PCI device");
        pci_->set_identity({.vendor = 0x8086, .device = 0x25ab, .class_code = 0x088000});
        pci_->set_config_writable(kConfiguration, 2, kInterruptType | kFast | kOutputOff);
        pci_->set_config_writable(kLock, 1, kLocked | kEnabled | kFreeRunning);
        pci_->observe_config(this);
        MemoryRegion& registers = context_.memory().io("i6300esb", kSize, *this, {.maximum = 4});
        context_.export_region("registers", registers);
        return pci_->add_bar(0, registers, PciBarKind::Memory32, PciPrefetch::No, errors);
    }
    void unrealize() override { timer_.cancel(); }
    void reset(ResetPhase phase) override {
        if (phase != ResetPhase::Enter) return;
        pci_->set_config(kLock, 1, 0);
        protect();
    }
    bool after_load(Errors&) override {
        protect();
        return true;
    }

    void config_reading(unsigned, unsigned, const Access&) override {}
    void config_written(unsigned offset, unsigned size, const Access&) override {
        if (offset > kLock || offset + size <= kLock) return;
        protect();
        if (!enabled()) timer_.cancel();
        else if (!timer_.armed()) begin(0);
    }

    std::uint64_t read(Offset offset, unsigned, Access&) override {
        switch (offset.value) {
        case kInterruptStatus: return interrupt_active_ ? kInterruptActive : 0;
        case kReload: return timed_out_ ? kTimedOut : 0;
        default: return 0;  // the preloads can only be written
        }
    }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
        if (access.debug()) return;
        if (offset.value == kInterruptStatus && value & kInterruptActive) interrupt_active_ = false;
        if (offset.value == kReload && unlocking(value)) return;
        const bool unlocked = key_ == 2;
        key_ = 0;
        if (!unlocked) return;
        if (offset.value == kReload && size >= 2) reload(value);
        if (size != 4) return;
        if (offset.value == kPreload1) preload_[0] = std::uint32_t(value) & kPreloadBits;
        if (offset.value == kPreload2) preload_[1] = std::uint32_t(value) & kPreloadBits;
    }

  private:
    /// 16.5.4: 80h, then 86h, open the registers for the next write.
    bool unlocking(std::uint64_t value) {
        if (value == kKey1) key_ = 1;
        else if (value == kKey2 && key_ == 1) key_ = 2;
        else return false;
        return true;
    }
    void reload(std::uint64_t value) {
        if (value & kTimedOut) timed_out_ = false;
        if (value & kReloadNow && enabled()) begin(0);
    }

    std::uint32_t lock_register() const { return pci_->config(kLock, 1); }
    bool enabled() const { return lock_register() & kEnabled; }
    void protect() {
        pci_->set_config_writable(kLock, 1,
                                  lock_register() & kLocked ? 0 : kLocked | kEnabled | kFreeRunning);
    }

    /// A preload counts periods of 2^15 or 2^5 PCI clocks.
    void begin(std::uint8_t stage) {
        stage_ = stage;
        const unsigned shift = pci_->config(kConfiguration, 2) & kFast ? 5 : 15;
        const std::uint64_t clocks = std::max<std::uint64_t>(preload_[stage], 1) << shift;
        timer_.arm(context_.clock().now_ns() + clocks * kSecond / kClockHz);
    }
    void expired() {
        if (stage_ == 0) {
            interrupt_active_ = true;
            return begin(lock_register() & kFreeRunning ? 0 : 1);
        }
        timed_out_ = true;
        stage_ = 0;
        if (pci_->config(kConfiguration, 2) & kOutputOff) return;
        static_cast<GuestHealth*>(context_.host_interface(GuestHealth::kId))->report_watchdog();
    }

    Object& object_;
    DeviceContext& context_;
    PciDevice* pci_ = nullptr;
    OwnedTimer<&I6300esb::expired> timer_{*this};
    std::uint32_t preload_[2] = {kPreloadBits, kPreloadBits};
    std::uint8_t stage_ = 0;
    std::uint8_t key_ = 0;  ///< how much of it was written
    bool interrupt_active_ = false;
    bool timed_out_ = false;
};

constexpr RegionInfo kRegions[] = {{.name = "registers", .summary = "BAR 0", .size = kSize}};

constexpr TypeInfo kTypes[] = {
    device_type<I6300esb>({.name = "i6300esb",
                           .parent = "pci-device",
                           .summary = "Intel 6300ESB",
                           .user_creatable = true,
                           .category = "Watchdog",
                           .interfaces = kDeviceInterfaces<I6300esb>,
                           .regions = kRegions}),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("i6300esb", "1.0", "Backplane", backplane::kTypes)
