// Acme Card: a bell on PCI. Data sheet: ACME-PC-1. What is written to RING is counted and asks for INTA#; CLEAR takes it back.
//
// Users place it: -device acme-card,addr=05.0 on any board with PCI.
#include <backplane/device.h>
#include <backplane/pci.h>
#include <backplane/plugin.h>
#include <backplane/register_table.h>

using namespace backplane;

namespace {

class Card final : public DeviceBase, public RegisterDevice<Card> {
  public:
    static const Register<Card> kRegisters[3];

    explicit Card(Object& object) : object_(object), context_(device_context(object)) {
        set_register_log(context_.log());
        describe_registers(context_.state());
    }
    // The part of "pci-device" is realized already.
    bool realize(Errors& errors) override {
        pci_ = query<PciDevice>(object_);
        pci_->set_identity({.vendor = 0x1ace, .device = 0x0001, .class_code = 0xff0000, .interrupt_pin = 1});
        MemoryRegion& bar = context_.memory().io("acme-card", 4096, *this, {.minimum = 4, .maximum = 4});
        return pci_->add_bar(0, bar, PciBarKind::Memory32, PciPrefetch::No, errors);
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) drive();
    }

  private:
    void ring(std::uint64_t) {
        ++count_;
        pending_ = 1;
        drive();
    }
    void drive() { pci_->set_interrupt(int(pending_)); }

    Object& object_;
    DeviceContext& context_;
    PciDevice* pci_ = nullptr;
    std::uint32_t count_ = 0;
    std::uint32_t pending_ = 0;
};

constexpr Register<Card> Card::kRegisters[3] = {
    {.name = "RING", .offset = 0x0, .access = RegisterAccess::WriteOnly, .write = &Card::ring},
    {.name = "COUNT", .offset = 0x4, .access = RegisterAccess::ReadOnly, .storage = &Card::count_},
    {.name = "CLEAR",
     .offset = 0x8,
     .access = RegisterAccess::WriteOneClear,
     .storage = &Card::pending_,
     .write_mask = 1,
     .written = &Card::drive},
};

constexpr TypeInfo kTypes[] = {device_type<Card>({.name = "acme-card",
                                                  .parent = "pci-device",
                                                  .summary = "Acme Card",
                                                  .user_creatable = true,
                                                  .category = "Misc",
                                                  .interfaces = kDeviceInterfaces<Card>})};

}  // namespace

BACKPLANE_PLUGIN("acme-card", "1.0", "Acme Ltd", kTypes)
