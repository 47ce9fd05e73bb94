#include <lib/vga/chip.h>

#include <algorithm>

namespace backplane::vga {
namespace {

using Bank = Extension::Bank;

// 3B4h and 3B5h, 3BAh are at 3D4h, 3D5h, 3DAh where bit 0 of the miscellaneous output says so.
enum RegisterPort : std::uint16_t {
    kAttribute = 0x3c0,
    kAttributeRead = 0x3c1,
    kMiscWrite = 0x3c2,
    kSequencerIndex = 0x3c4,
    kSequencerData = 0x3c5,
    kDacMask = 0x3c6,
    kDacReadIndex = 0x3c7,
    kDacWriteIndex = 0x3c8,
    kDacData = 0x3c9,
    kFeatureRead = 0x3ca,
    kMiscRead = 0x3cc,
    kGraphicsIndex = 0x3ce,
    kGraphicsData = 0x3cf,
    kCrtcIndex = 0x3d4,
    kCrtcData = 0x3d5,
    kStatus1 = 0x3da,
};

constexpr std::uint8_t kAtColour = 0x01;      // miscellaneous output: I/O address select
constexpr std::uint8_t kPaletteOpen = 0x20;   // 3C0h index: palette address source
constexpr std::uint8_t kMonitorThere = 0x10;  // input status 0: switch sense

// What of a register can be written.
constexpr std::uint8_t kSequencerMask[8] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff};
constexpr std::uint8_t kGraphicsMask[9] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};

constexpr std::uint8_t kProtect = 0x80;       // CR11: CR0 to CR7 are locked
constexpr std::uint8_t kLineCompare8 = 0x10;  // CR07: but for this

}  // namespace

void Chip::describe_state(StateTable& state) {
    describe(state, "misc", misc_);
    describe(state, "feature", feature_);
    describe(state, "sequencer_index", sequencer_index_);
    describe(state, "crtc_index", crtc_index_);
    describe(state, "graphics_index", graphics_index_);
    describe(state, "attribute_index", attribute_index_, {.maximum = 0x3f});
    describe(state, "attribute_data", attribute_data_);
    describe_array(state, "SR", sequencer_);
    describe_array(state, "CR", crtc_);
    describe_array(state, "GR", graphics_);
    describe_array(state, "AR", attribute_);
    describe_array(state, "DAC", dac_);
    describe_array(state, "dac_cache", dac_cache_);
    describe(state, "dac_mask", dac_mask_, 0xff);
    describe(state, "dac_state", dac_state_, {.maximum = 3});
    describe(state, "dac_read_index", dac_read_index_);
    describe(state, "dac_write_index", dac_write_index_);
    describe(state, "dac_primary", dac_primary_, {.maximum = 2});
    describe(state, "latch", latch_);
}

std::uint32_t Chip::colour(unsigned index) const {
    const std::uint8_t* entry = &dac_[3 * (index & 0xff)];
    if (extension_ && extension_->primary_bits() == 8)
        return std::uint32_t(entry[0]) << 16 | std::uint32_t(entry[1]) << 8 | entry[2];
    // Six bits become eight: the lowest is repeated, so that the greatest is all ones.
    const auto widened = [](std::uint8_t value) {
        return std::uint32_t(value & 0x3f) << 2 | (value & 1 ? 3u : 0u);
    };
    return widened(entry[0]) << 16 | widened(entry[1]) << 8 | widened(entry[2]);
}

/// Vertical retrace and display enable, by what the CRTC's registers make of the time.
std::uint8_t Chip::status(bool look) {
    const unsigned overflow = crtc_[0x07];
    const unsigned lines = (crtc_[0x06] | (overflow & 1) << 8 | (overflow & 0x20) << 4) + 2;
    const unsigned shown = shown_lines();
    const unsigned begin = crtc_[0x10] | (overflow & 4) << 6 | (overflow & 0x80) << 2;
    const unsigned end = begin + ((crtc_[0x11] - begin) & 0x0f);
    const std::uint64_t within = clock_.now_ns() % kPicture;
    const std::uint64_t line = within * lines / kPicture;
    const std::uint64_t along = within * lines % kPicture;  // of kPicture: where on the line
    const unsigned characters = crtc_[0x00] + 5u;
    const bool blank = line >= shown || along * characters / kPicture > crtc_[0x01];
    const bool retrace = line >= begin && line < std::max(end, begin + 1);
    if (!look) attribute_data_ = false;
    return std::uint8_t((blank || retrace ? 0x01 : 0) | (retrace ? 0x08 : 0));
}

std::uint8_t Chip::read_port(std::uint16_t port, bool look) {
    const bool moved = (port & ~0x0fu) == 0x3b0;
    if (moved || (port & ~0x0fu) == 0x3d0) {
        if (moved == ((misc_ & kAtColour) != 0)) return 0xff;
        if (moved) port ^= 0x3b0 ^ 0x3d0;
    }
    std::uint8_t value = 0xff;
    switch (port) {
    case kAttribute: return attribute_data_ ? 0 : attribute_index_;
    case kAttributeRead:
        return (attribute_index_ & 0x1f) < attribute_.size() ? attribute_[attribute_index_ & 0x1f] : 0;
    case kMiscWrite: return kMonitorThere;
    case kSequencerIndex: return sequencer_index_;
    case kSequencerData:
        if (extension_ && extension_->read_indexed(Bank::Sequencer, sequencer_index_, value)) return value;
        return sequencer_index_ < sequencer_.size() ? sequencer_[sequencer_index_] : 0;
    case kDacMask: return dac_mask_;
    case kDacReadIndex: return dac_state_;
    case kDacWriteIndex: return dac_write_index_;
    case kDacData: return read_dac(look);
    case kFeatureRead: return feature_;
    case kMiscRead: return misc_;
    case kGraphicsIndex: return graphics_index_;
    case kGraphicsData:
        if (extension_ && extension_->read_indexed(Bank::Graphics, graphics_index_, value)) return value;
        return graphics_index_ < graphics_.size() ? graphics_[graphics_index_] : 0;
    case kCrtcIndex: return crtc_index_;
    case kCrtcData:
        if (extension_ && extension_->read_indexed(Bank::Crtc, crtc_index_, value)) return value;
        return crtc_index_ < crtc_.size() ? crtc_[crtc_index_] : 0;
    case kStatus1: return status(look);
    default: return 0xff;
    }
}

void Chip::write_port(std::uint16_t port, std::uint8_t value) {
    const bool moved = (port & ~0x0fu) == 0x3b0;
    if (moved || (port & ~0x0fu) == 0x3d0) {
        if (moved == ((misc_ & kAtColour) != 0)) return;
        if (moved) port ^= 0x3b0 ^ 0x3d0;
    }
    switch (port) {
    case kAttribute: write_attribute(value); break;
    case kMiscWrite: misc_ = value; break;
    case kSequencerIndex: sequencer_index_ = value; return;
    case kSequencerData:
        if (extension_ && extension_->write_indexed(Bank::Sequencer, sequencer_index_, value)) break;
        if (sequencer_index_ < sequencer_.size())
            sequencer_[sequencer_index_] = value & kSequencerMask[sequencer_index_];
        break;
    case kDacMask: dac_mask_ = value; break;
    case kDacReadIndex:
        dac_read_index_ = value;
        dac_primary_ = 0;
        dac_state_ = 3;
        return;
    case kDacWriteIndex:
        dac_write_index_ = value;
        dac_primary_ = 0;
        dac_state_ = 0;
        return;
    case kDacData: write_dac(value); break;
    case kGraphicsIndex: graphics_index_ = value; return;
    case kGraphicsData:
        if (extension_ && extension_->write_indexed(Bank::Graphics, graphics_index_, value)) break;
        if (graphics_index_ < graphics_.size())
            graphics_[graphics_index_] = value & kGraphicsMask[graphics_index_];
        break;
    case kCrtcIndex: crtc_index_ = value; return;
    case kCrtcData: write_crtc(value); break;
    case kStatus1: feature_ = value & 0x10; return;
    default: return;
    }
    listener_.registers_changed();
}

void Chip::write_crtc(std::uint8_t value) {
    if ((crtc_[0x11] & kProtect) && crtc_index_ <= 0x07) {
        if (crtc_index_ == 0x07) crtc_[0x07] = (crtc_[0x07] & ~kLineCompare8) | (value & kLineCompare8);
        return;
    }
    if (extension_ && extension_->write_indexed(Bank::Crtc, crtc_index_, value)) return;
    if (crtc_index_ < crtc_.size()) crtc_[crtc_index_] = value;
}

void Chip::write_attribute(std::uint8_t value) {
    attribute_data_ = !attribute_data_;
    if (attribute_data_) {
        attribute_index_ = value & 0x3f;
        return;
    }
    const unsigned index = attribute_index_ & 0x1f;
    if (index < 0x10) {
        if (!(attribute_index_ & kPaletteOpen)) attribute_[index] = value & 0x3f;
        return;
    }
    constexpr std::uint8_t kMask[] = {0xef, 0xff, 0x3f, 0x0f, 0x0f};
    if (index < attribute_.size()) attribute_[index] = value & kMask[index - 0x10];
}

std::uint8_t Chip::read_dac(bool look) {
    const std::uint8_t value = dac_[3u * dac_read_index_ + dac_primary_];
    if (look) return value;
    if (++dac_primary_ == 3) {
        dac_primary_ = 0;
        ++dac_read_index_;
    }
    return value;
}

/// An entry changes when all three primaries are there.
void Chip::write_dac(std::uint8_t value) {
    dac_cache_[dac_primary_] = value;
    if (++dac_primary_ < 3) return;
    dac_primary_ = 0;
    std::ranges::copy(dac_cache_, dac_.begin() + 3 * dac_write_index_++);
}

}  // namespace backplane::vga
