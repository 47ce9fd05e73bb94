// The ISA bus: who has which ports, memory and interrupt lines. Interfaces: <backplane/isa.h>.
//
// Follows IBM, "Personal Computer AT Technical Reference", 6280070, 1984, "I/O channel". Bus timing, masters other than
// the DMA controller, and plug-and-play isolation are not modelled.
#include <backplane/boot.h>
#include <backplane/bus.h>
#include <backplane/device.h>
#include <backplane/isa.h>
#include <backplane/plugin.h>
#include <backplane/text.h>

#include <vector>

namespace backplane {
namespace {

std::string describe(const Object& device) {
    const std::string_view id = device.id().view();
    return "'" + std::string(id.empty() ? device.name().view() : id) + "' (" +
           std::string(device.type_name().view()) + ")";
}

class IsaBusPart final : public BusBase, public IsaBus, public FirmwarePlace {
  public:
    explicit IsaBusPart(Object& object) : object_(object) {}

    // Bus
    Str kind() const override { return "isa"; }
    bool has_room() const override { return true; }
    bool attach(Object& device, Errors& errors) override {
        if (bridge_) return true;
        errors.fail("bus '" + std::string(object_.name().view()) + "' has no bridge above it for " +
                    describe(device));
        return false;
    }
    void detach(Object& device) override {
        std::erase_if(windows_, [&](const Window& window) {
            if (window.device != &device) return false;
            window.space->remove(*window.region);
            return true;
        });
    }

    // IsaBus
    void set_bridge(IsaBridge& bridge) override { bridge_ = &bridge; }
    void set_dma(IsaDma* dma) override { dma_ = dma; }
    IsaDma* dma() override { return dma_; }
    bool add_ports(Object& device, MemoryRegion& region, Port port, Errors& errors) override {
        return add({&device, &region, &bridge_->isa_io(), port.value}, "ports", errors);
    }
    bool add_memory(Object& device, MemoryRegion& region, GuestAddress address, Errors& errors) override {
        return add({&device, &region, &bridge_->isa_memory(), address.value}, "memory", errors);
    }
    bool join(Object& device, std::size_t output, unsigned irq, Errors& errors) override {
        if (irq < kIsaInterrupts) return bridge_->join_interrupt(device, output, irq, errors);
        errors.fail(describe(device) + ": irq " + std::to_string(irq) + " is none of the ISA bus's, 0 to 15");
        return false;
    }

    bool firmware_path(TextSink& out) const override {
        return object_.parent() && firmware_path_of(*object_.parent(), out);
    }

  private:
    struct Window {
        Object* device;
        MemoryRegion* region;
        MemoryRegion* space;
        std::uint64_t base;
        std::uint64_t last() const { return base + (region->size() - 1); }
        std::string text() const { return "0x" + hex(base) + "-0x" + hex(last()); }
    };

    bool add(const Window& wanted, const char* what, Errors& errors) {
        const std::uint64_t room = wanted.space->size();
        if (room != 0 && (wanted.base >= room || wanted.region->size() > room - wanted.base)) {
            errors.fail(describe(*wanted.device) + ": the ISA bus has no " + what + " " + wanted.text());
            return false;
        }
        for (const Window& other : windows_)
            if (other.space == wanted.space && wanted.base <= other.last() && other.base <= wanted.last()) {
                errors.fail(describe(*wanted.device) + ": " + what + " " + wanted.text() +
                            " are taken: " + describe(*other.device) + " has " + other.text());
                return false;
            }
        if (!wanted.space->add(*wanted.region, Offset(wanted.base), 0, errors)) return false;
        windows_.push_back(wanted);
        return true;
    }

    Object& object_;
    IsaBridge* bridge_ = nullptr;
    IsaDma* dma_ = nullptr;
    std::vector<Window> windows_;
};

constexpr InterfaceInfo kInterfaces[] = {offers<IsaBusPart, Bus>(), offers<IsaBusPart, IsaBus>(),
                                         offers<IsaBusPart, FirmwarePlace>()};

constexpr TypeInfo kTypes[] = {
    {
        .name = "isa-bus",
        .parent = "bus",
        .summary = "ISA bus",
        .interfaces = kInterfaces,
        .instance_init = make_part<IsaBusPart>,
        .instance_finalize = free_part<IsaBusPart>,
    },
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("isa-bus", "1.0", "Backplane", backplane::kTypes)
