#include "piix3_ide.h"

#include "bus.h"

namespace backplane::ide {
namespace {

constexpr unsigned kTimings = 0x40;  // IDETIM, two channels of 16 bits; SIDETIM at 44h
constexpr std::uint64_t kMasterSize = 16;
constexpr std::uint64_t kCommandPorts = 8;

}  // namespace

Piix3Ide::Piix3Ide(Object& object)
    : object_(object),
      context_(device_context(object)),
      first_wire_(context_.add_outputs("irq", 2)),
      first_(*this, first_wire_),
      second_(*this, *context_.wire_at("irq", 1)) {
    const IoTraits command{.maximum = 4, .implemented_max = 4, .unaligned = true};
    const IoTraits control{.maximum = 1, .implemented_max = 1};
    MemoryFactory& memory = context_.memory();
    context_.export_region("ide0-command", memory.io("ide", kCommandPorts, command0_, command));
    context_.export_region("ide0-control", memory.io("ide", 1, control0_, control));
    context_.export_region("ide1-command", memory.io("ide", kCommandPorts, command1_, command));
    context_.export_region("ide1-control", memory.io("ide", 1, control1_, control));
    registers_ = &memory.io("piix-bmdma-container", kMasterSize, master_,
                            {.maximum = 4, .implemented_max = 4, .unaligned = true});
    const char* names[] = {"ide0", "ide1"};
    for (unsigned i = 0; i < 2; ++i) {
        StateTable& state = context_.state().group({.name = names[i]});
        half(i).channel.describe(state);
        half(i).master.describe(state.group({.name = "master"}));
    }
}

bool Piix3Ide::realize(Errors& errors) {
    PciDevice& pci = require<PciDevice>(object_, "PCI device");
    pci.set_identity({.vendor = 0x8086, .device = 0x7010, .class_code = 0x010180});
    pci.set_config(pci::kStatus, 2, 0x0280);  // fast back-to-back, medium DEVSEL
    pci.set_config_writable(kTimings, 4, 0xffffffff);
    if (!pci.add_bar(4, *registers_, PciBarKind::Io, PciPrefetch::No, errors)) return false;
    const char* names[] = {"ide.0", "ide.1"};
    for (unsigned i = 0; i < 2; ++i) {
        Object* bus = context_.create_bus("IDE", names[i], errors);
        if (!bus) return false;
        query<IdeBus>(*bus)->set_channel(&half(i).channel, i);
    }
    return true;
}

AtaGeometry Piix3Ide::disk_geometry(unsigned index) const {
    Object* bus = context_.object().child("ide." + std::to_string(index / 2));
    return bus ? query<IdeBus>(*bus)->geometry(index % 2) : AtaGeometry{};
}

void Piix3Ide::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter)
        for (unsigned i = 0; i < 2; ++i) half(i).master.reset();
    if (phase == ResetPhase::Hold)
        for (unsigned i = 0; i < 2; ++i) half(i).channel.reset();
}

void Piix3Ide::MasterPorts::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug()) return;
    Half& half = owner_.half(offset.value / BusMaster::kSize);
    switch (half.master.write(offset.value % BusMaster::kSize, std::uint32_t(value), size)) {
    case BusMaster::Effect::Started: half.channel.master_started(); break;
    case BusMaster::Effect::Stopped: half.channel.master_stopped(); break;
    case BusMaster::Effect::None: break;
    }
}

}  // namespace backplane::ide
