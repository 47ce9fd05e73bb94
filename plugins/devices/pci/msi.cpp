#include "msi.h"

#include <algorithm>
#include <bit>

namespace backplane::pci {
namespace {

constexpr unsigned kControlEnable = 1 << 0;
constexpr unsigned kControl64Bit = 1 << 7;
constexpr unsigned kControlMasks = 1 << 8;

}  // namespace

bool Msi::add(ConfigSpace& config, unsigned vectors, bool per_vector_mask, Errors& errors) {
    if (vectors_ != 0 || vectors == 0 || vectors > 32 || !std::has_single_bit(vectors)) {
        errors.fail("MSI: vectors must be 1, 2, 4, 8, 16 or 32, once");
        return false;
    }
    const unsigned offset = config.add_capability(kCapabilityMsi, per_vector_mask ? 24 : 14, 0, errors);
    if (offset == 0) return false;
    config_ = &config;
    offset_ = offset;
    vectors_ = vectors;
    masks_ = per_vector_mask;
    const unsigned capable = unsigned(std::countr_zero(vectors)) << 1;
    config.set(control(), 2, kControl64Bit | capable | (per_vector_mask ? kControlMasks : 0));
    config.set_writable(control(), 2, kControlEnable | 7u << 4);
    config.set_writable(offset + 4, 4, ~3u);
    config.set_writable(offset + 8, 4, ~0u);
    config.set_writable(offset + 12, 2, 0xffff);
    if (per_vector_mask) config.set_writable(mask_offset(), 4, vectors == 32 ? ~0u : (1u << vectors) - 1);
    return true;
}

bool Msi::enabled() const { return vectors_ && (config_->get(control(), 2) & kControlEnable); }

void Msi::send(unsigned vector) {
    const std::uint32_t low = config_->get(offset_ + 4, 4);
    const std::uint32_t high = config_->get(offset_ + 8, 4);
    // The function changes the low bits that the guest has allotted, and no more than it asked for.
    const unsigned allotted = std::min(1u << (config_->get(control(), 2) >> 4 & 7), vectors_);
    const std::uint32_t data = (config_->get(offset_ + 12, 2) & ~(allotted - 1)) | (vector & (allotted - 1));
    source_.send_message(std::uint64_t{high} << 32 | low, data);
}

void Msi::notify(unsigned vector) {
    if (!enabled() || vector >= vectors_) return;
    if (masks_ && (config_->get(mask_offset(), 4) >> vector & 1)) {
        config_->set(pending_offset(), 4, config_->get(pending_offset(), 4) | 1u << vector);
        return;
    }
    send(vector);
}

void Msi::config_written(unsigned offset, unsigned size) {
    if (!enabled() || !masks_ || offset + size <= offset_ || offset >= offset_ + 24) return;
    const std::uint32_t due = config_->get(pending_offset(), 4) & ~config_->get(mask_offset(), 4);
    config_->set(pending_offset(), 4, config_->get(pending_offset(), 4) & ~due);
    for (unsigned vector = 0; vector < vectors_; ++vector)
        if (due >> vector & 1) send(vector);
}

void Msi::reset() {
    if (masks_) config_->set(pending_offset(), 4, 0);
}

}  // namespace backplane::pci
