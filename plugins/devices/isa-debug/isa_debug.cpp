// Two ports that no PC has, for firmware and tests under emulators: "isa-debugcon" writes characters to the host,
// "isa-debug-exit" ends the program.
//
// They follow what such guests count on: SeaBIOS's debug output (docs/Debugging.md, CONFIG_DEBUG_IO), and the exit status
// (value << 1) | 1 of kvm-unit-tests and of kernels' own tests.
#include <backplane/char.h>
#include <backplane/device.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/standstill_gate.h>

#include <deque>
#include <vector>

namespace backplane {
namespace {

class IsaDebugcon final : public DeviceBase, public IoHandler, public CharFront {
  public:
    static const PropertyInfo kProperties[];
    /// What is kept for a chardev that does not take it yet; more is lost.
    static constexpr std::size_t kMost = 65536;

    explicit IsaDebugcon(Object& object) : context_(device_context(object)) {
        describe_bytes<kMost>(context_.state(), "waiting", waiting_, false);
        gate_.create(context_);
    }

    bool realize(Errors& errors) override {
        MemoryRegion& region = context_.memory().io("isa-debugcon", 1, *this, kIsaByteRegisters);
        context_.export_region("registers", region);
        if (!chardev_->connect(this)) {
            errors.fail(
                "chardev: another device uses it; give this one a chardev of its own, or make that one mux=on");
            return false;
        }
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        if (!isa || isa->add_ports(context_.object(), region, Port(iobase_), errors)) return true;
        chardev_->disconnect(*this);
        return false;
    }
    void unrealize() override { chardev_->disconnect(*this); }
    void resume() override { can_send(); }

    /// What tells a guest that the port is there.
    std::uint64_t read(Offset, unsigned, Access&) override { return readback_; }
    void write(Offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug()) return;
        if (waiting_.size() < kMost) waiting_.push_back(std::uint8_t(value));
        can_send();
    }

    std::size_t can_receive() override { return 0; }
    void receive(Bytes) override {}
    void char_event(CharEvent) override {}
    void can_send() override {
        while (!waiting_.empty() && !gate_.shut()) {
            const std::vector<std::uint8_t> bytes(waiting_.begin(), waiting_.end());
            const std::size_t taken = chardev_->write(bytes);
            waiting_.erase(waiting_.begin(), waiting_.begin() + std::ptrdiff_t(taken));
            if (taken < bytes.size()) return;
        }
    }

    DeviceContext& context_;
    CharBackend* chardev_ = nullptr;
    std::uint32_t iobase_ = 0xe9;
    std::uint32_t readback_ = 0xe9;
    std::deque<std::uint8_t> waiting_;
    StandstillGate<&IsaDebugcon::can_send> gate_{*this};
};

constexpr PropertyInfo IsaDebugcon::kProperties[] = {
    property<&IsaDebugcon::chardev_>({.name = "chardev", .summary = "where characters go", .required = true}),
    property<&IsaDebugcon::iobase_>(
        {.name = "iobase", .summary = "its port", .default_text = "0xe9", .maximum = 0xffff}),
    property<&IsaDebugcon::readback_>(
        {.name = "readback", .summary = "what the port reads as", .default_text = "0xe9"}),
};

class IsaDebugExit final : public DeviceBase, public IoHandler {
  public:
    static const PropertyInfo kProperties[];

    explicit IsaDebugExit(Object& object) : context_(device_context(object)) {}

    bool realize(Errors& errors) override {
        MemoryRegion& region = context_.memory().io("isa-debug-exit", iosize_, *this, {.unaligned = true});
        context_.export_region("registers", region);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || isa->add_ports(context_.object(), region, Port(iobase_), errors);
    }

    std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
    void write(Offset, std::uint64_t value, unsigned, Access& access) override {
        if (!access.debug()) context_.request_failure(int(std::uint32_t(value) << 1 | 1));
    }

    DeviceContext& context_;
    std::uint32_t iobase_ = 0x501;
    std::uint32_t iosize_ = 2;
};

constexpr PropertyInfo IsaDebugExit::kProperties[] = {
    property<&IsaDebugExit::iobase_>(
        {.name = "iobase", .summary = "its first port", .default_text = "0x501", .maximum = 0xffff}),
    property<&IsaDebugExit::iosize_>({.name = "iosize",
                                      .summary = "how many ports it has",
                                      .default_text = "2",
                                      .maximum = 0x10000,
                                      .minimum = 1}),
};

constexpr RegionInfo kConsoleRegions[] = {{.name = "registers", .summary = "the port", .size = 1}};
constexpr RegionInfo kExitRegions[] = {{.name = "registers", .summary = "the status"}};

constexpr TypeInfo kTypes[] = {
    device_type<IsaDebugcon>({.name = "isa-debugcon",
                              .summary = "port that writes characters to the host",
                              .user_creatable = true,
                              .bus = "isa",
                              .category = "Misc",
                              .interfaces = kDeviceInterfaces<IsaDebugcon>,
                              .properties = IsaDebugcon::kProperties,
                              .regions = kConsoleRegions,
                              .architecture = "x86_64"}),
    device_type<IsaDebugExit>({.name = "isa-debug-exit",
                               .summary = "port that ends the program with a status of the guest's",
                               .user_creatable = true,
                               .bus = "isa",
                               .category = "Misc",
                               .interfaces = kDeviceInterfaces<IsaDebugExit>,
                               .properties = IsaDebugExit::kProperties,
                               .regions = kExitRegions,
                               .architecture = "x86_64"}),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("isa-debug", "1.0", "Backplane", backplane::kTypes)
