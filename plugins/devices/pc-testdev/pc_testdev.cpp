// "pc-testdev": storage behind ports and memory that are accessed as a device's are, and interrupt lines that a program
// drives itself.
//
// Follows what the x86 tests of kvm-unit-tests count on; where the parts are and how large, QEMU's `info mtree` shows.
#include <backplane/device.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/state.h>

#include <cstring>

namespace backplane {
namespace {

/// Keeps what is written.
template <std::size_t Size>
class Storage final : public IoHandler {
  public:
    std::uint64_t read(Offset offset, unsigned size, Access&) override {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes + offset.value, size);
        return value;
    }
    void write(Offset offset, std::uint64_t value, unsigned size, Access&) override {
        std::memcpy(bytes + offset.value, &value, size);
    }
    std::uint8_t bytes[Size] = {};
};

class Nothing final : public IoHandler {
  public:
    std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
    void write(Offset, std::uint64_t, unsigned, Access&) override {}
};

constexpr std::uint64_t kLines = 24;  ///< an I/O APIC's
constexpr std::uint64_t kMemorySize = 0x10000;

class PcTestdev final : public DeviceBase, public IoHandler {
  public:
    explicit PcTestdev(Object& object) : context_(device_context(object)) {
        context_.add_outputs("irq", kIsaInterrupts);
        StateTable& state = context_.state();
        describe(state, "ports", ports_.bytes);
        describe(state, "byte_ports", byte_ports_.bytes);
        describe(state, "memory", memory_.bytes);
        describe(state, "lines", levels_, {.maximum = 1});
    }

    bool realize(Errors& errors) override {
        auto* const isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        MemoryRegion& memory = context_.memory().io("pc-testdev-iomem", kMemorySize, memory_, kAsTheyCome);
        context_.export_region("memory", memory);
        const bool placed =
            add_ports(isa, {"ports", 4, 0xe0}, ports_, kAsTheyCome, errors) &&
            add_ports(isa, {"nothing", 4, 0xe4}, nothing_, kAsTheyCome, errors) &&
            add_ports(isa, {"byte-ports", 4, 0xe8}, byte_ports_, kIsaByteRegisters, errors) &&
            add_ports(isa, {"lines", kLines, 0x2000}, *this, kIsaByteRegisters, errors) &&
            (!isa || isa->add_memory(context_.object(), memory, GuestAddress{0xff000000}, errors));
        if (!placed) return false;
        for (unsigned n = 0; isa && n < kIsaInterrupts; ++n)
            if (!isa->join(context_.object(), n, n, errors)) return false;
        return true;
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Exit) drive();
    }
    bool after_load(Errors&) override {
        drive();
        return true;
    }

    // The interrupt lines.
    std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug() || offset.value >= kIsaInterrupts) return;
        levels_[offset.value] = value != 0;
        drive();
    }

  private:
    static constexpr IoTraits kAsTheyCome{.unaligned = true};
    struct Place {
        const char* name;
        std::uint64_t size;
        std::uint16_t port;
    };

    bool add_ports(IsaBus* isa, const Place& place, IoHandler& handler, const IoTraits& traits,
                   Errors& errors) {
        MemoryRegion& region = context_.memory().io(place.name, place.size, handler, traits);
        context_.export_region(place.name, region);
        return !isa || isa->add_ports(context_.object(), region, Port(place.port), errors);
    }
    void drive() {
        for (unsigned n = 0; n < kIsaInterrupts; ++n) context_.wire_at("irq", n)->set(levels_[n]);
    }

    DeviceContext& context_;
    Storage<4> ports_, byte_ports_;
    Storage<kMemorySize> memory_;
    Nothing nothing_;
    std::uint8_t levels_[kIsaInterrupts] = {};
};

constexpr RegionInfo kRegions[] = {
    {.name = "ports", .summary = "E0h: storage", .size = 4},
    {.name = "nothing", .summary = "E4h: takes what is written", .size = 4},
    {.name = "byte-ports", .summary = "E8h: storage, a byte at a time", .size = 4},
    {.name = "lines", .summary = "2000h: a port for each interrupt line", .size = kLines},
    {.name = "memory", .summary = "FF000000h: storage", .size = kMemorySize}};

constexpr WireInfo kWires[] = {{.name = "irq", .summary = "lines 0 to 15", .count = kIsaInterrupts}};

constexpr TypeInfo kTypes[] = {
    device_type<PcTestdev>({.name = "pc-testdev",
                            .summary = "storage and interrupt lines for programs that try a PC",
                            .user_creatable = true,
                            .bus = "isa",
                            .category = "Misc",
                            .interfaces = kDeviceInterfaces<PcTestdev>,
                            .regions = kRegions,
                            .wires = kWires,
                            .architecture = "x86_64"}),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("pc-testdev", "1.0", "Backplane", backplane::kTypes)
