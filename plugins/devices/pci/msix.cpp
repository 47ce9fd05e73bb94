#include "msi.h"

namespace backplane::pci {
namespace {

constexpr unsigned kControlMask = 1 << 14;
constexpr unsigned kControlEnable = 1 << 15;
constexpr std::uint32_t kVectorMasked = 1;

}  // namespace

bool Msix::add(ConfigSpace& config, const PciMsixLayout& layout, MemoryRegion& container, Errors& errors) {
    if (vectors() != 0 || layout.vectors == 0 || layout.vectors > kMostVectors ||
        layout.table_offset % 8 != 0 || layout.pending_offset % 8 != 0 || layout.bar > 5) {
        errors.fail("MSI-X: 1 to 2048 vectors, once, with offsets that are multiples of 8");
        return false;
    }
    MemoryFactory& memory = context_.memory();
    const IoTraits traits{.minimum = 4, .maximum = 8, .implemented_min = 4, .implemented_max = 4};
    MemoryRegion& table = memory.io("msix-table", table_size(layout.vectors), table_handler_, traits);
    MemoryRegion& pending = memory.io("msix-pba", pending_size(layout.vectors), pending_handler_, traits);
    if (!container.add(table, Offset(layout.table_offset), 1, errors) ||
        !container.add(pending, Offset(layout.pending_offset), 1, errors))
        return false;
    const unsigned offset = config.add_capability(kCapabilityMsiX, 12, layout.capability_offset, errors);
    if (offset == 0) return false;
    config_ = &config;
    offset_ = offset;
    config.set(offset + 2, 2, layout.vectors - 1);
    config.set_writable(offset + 2, 2, kControlMask | kControlEnable);
    config.set(offset + 4, 4, layout.table_offset | layout.bar);
    config.set(offset + 8, 4, layout.pending_offset | layout.bar);
    table_.assign(std::size_t{layout.vectors} * 4, 0);
    pending_.assign(layout.vectors, 0);
    describe_array(state_, "msix_table", table_, {.reset = false});
    describe_array(state_, "msix_pending", pending_, {.maximum = 1});
    reset();
    return true;
}

bool Msix::enabled() const { return vectors() && (config_->get(offset_ + 2, 2) & kControlEnable); }

bool Msix::function_masked() const {
    return (config_->get(offset_ + 2, 2) & (kControlEnable | kControlMask)) != kControlEnable;
}

PciMessage Msix::message(unsigned vector) const {
    if (vector >= vectors()) return {};
    const std::uint32_t* entry = &table_[std::size_t{vector} * 4];
    return {std::uint64_t{entry[1]} << 32 | entry[0], entry[2],
            function_masked() || (entry[3] & kVectorMasked)};
}

void Msix::notify(unsigned vector) {
    if (!enabled() || vector >= vectors()) return;
    const PciMessage found = message(vector);
    if (found.masked) pending_[vector] = 1;
    else source_.send_message(found.address, found.data);
}

void Msix::deliver_pending() {
    if (!enabled() || function_masked()) return;
    for (unsigned vector = 0; vector < vectors(); ++vector) {
        if (!pending_[vector]) continue;
        const PciMessage found = message(vector);
        if (found.masked) continue;
        pending_[vector] = 0;
        source_.send_message(found.address, found.data);
    }
}

void Msix::config_written(unsigned offset, unsigned size) {
    if (!vectors() || offset >= offset_ + 4 || offset + size <= offset_ + 2) return;
    deliver_pending();
    source_.vectors_changed();
}

void Msix::reset() {
    for (unsigned vector = 0; vector < vectors(); ++vector) {
        std::uint32_t* entry = &table_[std::size_t{vector} * 4];
        entry[0] = entry[1] = entry[2] = 0;
        entry[3] = kVectorMasked;
        pending_[vector] = 0;
    }
}

std::uint64_t Msix::Table::read(Offset offset, unsigned, Access&) { return owner_.table_[offset.value / 4]; }

void Msix::Table::write(Offset offset, std::uint64_t value, unsigned, Access& access) {
    if (access.debug()) return;
    const std::size_t word = offset.value / 4;
    const bool control = word % 4 == 3;
    const std::uint32_t mask = control ? kVectorMasked : word % 4 == 0 ? ~3u : ~0u;
    owner_.table_[word] = std::uint32_t(value) & mask;
    if (control && owner_.pending_[word / 4]) owner_.deliver_pending();
    owner_.source_.vectors_changed();
}

std::uint64_t Msix::Pending::read(Offset offset, unsigned, Access&) {
    std::uint32_t bits = 0;
    for (unsigned i = 0; i < 32; ++i) {
        const std::size_t vector = offset.value * 8 + i;
        if (vector < owner_.pending_.size() && owner_.pending_[vector]) bits |= 1u << i;
    }
    return bits;
}

}  // namespace backplane::pci
