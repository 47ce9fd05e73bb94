#include "shadow_memory.h"

namespace backplane::i440fx {
namespace {

constexpr std::uint64_t kVideoBase = 0xa0000;
constexpr std::uint64_t kVideoSize = 0x20000;
constexpr std::uint64_t kFirstBase = 0xc0000;
constexpr std::uint64_t kSmallSize = 0x4000;
constexpr std::uint64_t kBiosBase = 0xf0000;
constexpr std::uint64_t kBiosSize = 0x10000;
constexpr int kOverRam = 1;

}  // namespace

std::uint64_t ShadowMemory::WritesToRam::read(Offset offset, unsigned size, Access&) {
    std::uint64_t value = 0;
    std::uint8_t bytes[8];
    pci->read(base + offset.value, {bytes, size});
    for (unsigned i = 0; i < size; ++i) value |= std::uint64_t{bytes[i]} << 8 * i;
    return value;
}

void ShadowMemory::WritesToRam::write(Offset offset, std::uint64_t value, unsigned size, Access&) {
    const std::uint64_t at = base.value + offset.value;
    for (unsigned i = 0; i < size; ++i) ram->bytes()[at + i] = std::uint8_t(value >> 8 * i);
    ram->bytes_changed(Offset(at), size);
}

bool ShadowMemory::add_segment(Segment& segment, std::uint64_t base, std::uint64_t size, Errors& errors) {
    segment.handler.base = GuestAddress(base);
    segment.handler.ram = ram_;
    MemoryFactory& factory = context_->memory();
    segment.pci = &factory.alias("pam-pci", *pci_, Offset(base), size);
    segment.rom = &factory.alias("pam-rom", *ram_, Offset(base), size);
    segment.rom->set_read_only(true);
    segment.ram = &factory.alias("pam-ram", *ram_, Offset(base), size);
    segment.write = &factory.io("pam-write", size, segment.handler, {});
    for (MemoryRegion* region : {segment.pci, segment.rom, segment.ram, segment.write}) {
        region->set_enabled(region == segment.pci);
        if (!system_->add(*region, Offset(base), kOverRam, errors)) return false;
    }
    return true;
}

bool ShadowMemory::connect(DeviceContext& context, MemoryRegion& system, MemoryRegion& pci, MemoryRegion& ram,
                           Errors& errors) {
    context_ = &context;
    system_ = &system;
    pci_ = &pci;
    ram_ = &ram;
    for (unsigned i = 0; i < kSegments; ++i) {
        const bool bios = i == 0;
        if (!add_segment(segments_[i], bios ? kBiosBase : kFirstBase + (i - 1) * kSmallSize,
                         bios ? kBiosSize : kSmallSize, errors))
            return false;
    }
    MemoryFactory& factory = context.memory();
    smram_pci_ = &factory.alias("smram-region", pci, Offset(kVideoBase), kVideoSize);
    smram_ram_ = &factory.alias("smram-low", ram, Offset(kVideoBase), kVideoSize);
    smram_ram_->set_enabled(false);
    MemoryRegion& smram = factory.container("smram", std::uint64_t{1} << 32);
    if (!system.add(*smram_pci_, Offset(kVideoBase), kOverRam, errors) ||
        !smram.add(*smram_ram_, Offset(kVideoBase), 0, errors))
        return false;
    smram_ = &smram;
    return true;
}

void ShadowMemory::set_segment(unsigned index, bool reads, bool writes) {
    Segment& segment = segments_[index];
    if (!segment.pci) return;
    MemoryRegion* shown = reads ? (writes ? segment.ram : segment.rom) : writes ? segment.write : segment.pci;
    if (shown == segment.write && !segment.handler.pci) segment.handler.pci = &pci_port();
    // The new one before the old: there is no moment in which it is the RAM below that is seen.
    for (const bool enable : {true, false})
        for (MemoryRegion* region : {segment.pci, segment.rom, segment.ram, segment.write})
            if ((region == shown) == enable) region->set_enabled(enable);
}

/// Made when it is first needed, as few ever do.
DmaPort& ShadowMemory::pci_port() {
    if (!pci_port_) pci_port_ = &context_->create_dma_port("pam-read", *pci_);
    return *pci_port_;
}

void ShadowMemory::set_smram(bool open, bool enabled) {
    if (!connected()) return;
    smram_pci_->set_enabled(!open);
    smram_ram_->set_enabled(enabled);
}

}  // namespace backplane::i440fx
