// Parallel NOR flash with Intel's command set: one or more equal chips side by side on a bus.
//
// Follows Intel, "Common Flash Interface and Command Sets", application note 646, April 2000, and the command
// definitions of the StrataFlash memory (J3) datasheet. Programming clears bits; erasing sets them. Not modelled:
// the time that operations take, suspension, block locks that hold, protection registers.
#include "backing.h"
#include "cfi_table.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

#include <bit>

namespace backplane {
namespace {

constexpr std::uint8_t kReady = 1 << 7;
constexpr std::uint8_t kEraseError = 1 << 5;
constexpr std::uint8_t kProgramError = 1 << 4;
constexpr std::uint8_t kSequenceError = kEraseError | kProgramError;
constexpr std::uint8_t kLocked = 1 << 1;
constexpr unsigned kBufferLog2 = 11;  // of each chip

class Pflash01 final : public DeviceBase, public IoHandler {
  public:
    static const PropertyInfo kProperties[];

    explicit Pflash01(Object& object) : context_(device_context(object)), backing_(context_) {
        StateTable& state = context_.state();
        describe(state, "mode", mode_, {.maximum = std::uint64_t(Mode::Query)});
        describe(state, "step", step_, {.maximum = std::uint64_t(Step::Lock)});
        describe(state, "status", status_, kReady);
        describe(state, "address", address_);
        describe(state, "words_left", words_left_, {.maximum = 8u << kBufferLog2});
    }

    bool realize(Errors& errors) override;
    void unrealize() override { backing_.close(); }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Hold) memory_->set_rom_mode(true);
    }
    void before_save() override { backing_.drain(); }
    bool after_load(Errors&) override {
        memory_->set_rom_mode(mode_ == Mode::Array);
        return true;
    }
    /// The image may be of another time than what is in the flash now.
    void resume() override {
        if (!backing_.read_only()) backing_.changed(0, size());
    }

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    enum class Mode : std::uint8_t { Array, Status, Identifier, Query };
    enum class Step : std::uint8_t { Command, Program, BufferCount, BufferData, BufferConfirm, Erase, Lock };

    std::uint64_t size() const { return std::uint64_t{blocks_} * sector_; }
    std::uint64_t buffer_size() const { return std::uint64_t(width_ / device_width_) << kBufferLog2; }
    void describe_buffer();
    void set_mode(Mode mode);
    std::uint64_t word(std::uint64_t chip_address) const;

    void begin(Step step) {
        step_ = step;
        status_ |= kReady;
    }
    void command(std::uint8_t code);
    void continue_command(std::uint64_t offset, std::uint64_t value, unsigned size);
    void begin_buffer(std::uint64_t count);
    void fill_buffer(std::uint64_t offset, std::uint64_t value, unsigned size);
    void program(std::uint64_t offset, const std::uint8_t* data, std::uint64_t count);
    void erase(std::uint64_t offset);
    void fail(std::uint8_t bits) {
        status_ |= bits;
        step_ = Step::Command;
    }

    DeviceContext& context_;
    MemoryRegion* memory_ = nullptr;
    cfi::Backing backing_;
    cfi::Query query_{};
    std::vector<std::uint8_t> buffer_;

    BlockBackend* drive_ = nullptr;
    std::string name_;
    std::uint32_t blocks_ = 0;
    std::uint64_t sector_ = 0;
    std::uint8_t width_ = 0;
    std::uint8_t device_width_ = 0;
    std::uint16_t identifier_[2] = {};

    Mode mode_ = Mode::Array;
    Step step_ = Step::Command;
    std::uint8_t status_ = kReady;
    std::uint64_t address_ = 0;  ///< where the buffer begins; ~0 until its first word comes
    std::uint32_t words_left_ = 0;
};

bool Pflash01::realize(Errors& errors) {
    if (device_width_ == 0) device_width_ = width_;
    const auto fits = [](std::uint64_t value, std::uint64_t most) {
        return std::has_single_bit(value) && value <= most;
    };
    if (!fits(width_, 8) || !fits(device_width_, width_)) {
        errors.fail("width, device-width: must be 1, 2, 4 or 8 bytes, the device no wider than the bank");
        return false;
    }
    if (size() == 0 || !std::has_single_bit(sector_) || sector_ < buffer_size() ||
        size() > std::uint64_t{1} << 31 || sector_ / (width_ / device_width_) / 256 > 0xffff ||
        blocks_ > 0x10000) {
        errors.fail(
            "num-blocks, sector-length: at most 2 GiB together, a sector is a power of two and holds at least " +
            std::to_string(buffer_size()) + " bytes");
        return false;
    }
    const unsigned chips = width_ / device_width_;
    query_ = cfi::make_query({.chip_size = size() / chips,
                              .block_size = sector_ / chips,
                              .blocks = blocks_,
                              .buffer_log2 = kBufferLog2});
    memory_ =
        context_.memory().rom_device(name_.empty() ? Str("pflash") : Str(name_), size(), *this, {}, errors);
    if (!memory_ || !backing_.open(drive_, context_.object().name(), memory_->bytes(), errors)) return false;
    describe_buffer();
    context_.export_region("memory", *memory_);
    return true;
}

void Pflash01::describe_buffer() {
    buffer_.assign(buffer_size(), 0xff);
    context_.state().add({.name = "buffer",
                          .kind = StateKind::Bytes,
                          .data = buffer_.data(),
                          .count = std::uint32_t(buffer_.size()),
                          .reset_value = 0xff});
}

void Pflash01::set_mode(Mode mode) {
    if ((mode == Mode::Array) != (mode_ == Mode::Array)) memory_->set_rom_mode(mode == Mode::Array);
    mode_ = mode;
}

/// What each chip puts on its lanes for a word address, in the modes that do not show the array.
std::uint64_t Pflash01::word(std::uint64_t chip_address) const {
    switch (mode_) {
    case Mode::Status: return status_;
    case Mode::Identifier: {
        const std::uint64_t within = chip_address & (sector_ / width_ - 1);
        return within < 2 ? identifier_[within] : 0;  // 2: the block's lock, which is open
    }
    case Mode::Query: return chip_address < query_.size() ? query_[chip_address] : 0;
    case Mode::Array: break;
    }
    return 0;
}

std::uint64_t Pflash01::read(Offset offset, unsigned size, Access&) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) {
        const std::uint64_t at = offset.value + i;
        std::uint8_t byte = 0;
        if (mode_ == Mode::Array) byte = memory_->bytes()[at];
        else byte = std::uint8_t(word(at / width_) >> 8 * (at % device_width_));
        value |= std::uint64_t{byte} << 8 * i;
    }
    return value;
}

void Pflash01::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug()) return;
    if (step_ == Step::Command) command(std::uint8_t(value));
    else continue_command(offset.value, value, size);
}

void Pflash01::command(std::uint8_t code) {
    switch (code) {
    case 0x00:
    case 0xf0:
    case 0xff: set_mode(Mode::Array); return;
    case 0x10:
    case 0x40: begin(Step::Program); break;
    case 0x20: begin(Step::Erase); break;
    // Not even ready: firmware of PCs (OVMF) knows by that that it is no RAM. Each operation makes it ready.
    case 0x50: status_ = 0; return;
    case 0x60: begin(Step::Lock); break;
    case 0x70: break;
    case 0x90: set_mode(Mode::Identifier); return;
    case 0x98: set_mode(Mode::Query); return;
    case 0xd0: break;  // resume: nothing is suspended
    case 0xe8: begin(Step::BufferCount); break;
    default:
        context_.log().guest_error("command", "unknown command to a flash");
        set_mode(Mode::Array);
        return;
    }
    set_mode(Mode::Status);
}

void Pflash01::continue_command(std::uint64_t offset, std::uint64_t value, unsigned size) {
    const std::uint8_t code = std::uint8_t(value);
    switch (step_) {
    case Step::Program: {
        std::uint8_t data[8];
        for (unsigned i = 0; i < size; ++i) data[i] = std::uint8_t(value >> 8 * i);
        step_ = Step::Command;
        program(offset, data, size);
        break;
    }
    case Step::BufferCount: begin_buffer(value & (device_width_ == 1 ? 0xff : 0xffff)); break;
    case Step::BufferData: fill_buffer(offset, value, size); break;
    case Step::BufferConfirm:
        step_ = Step::Command;
        if (code == 0xd0) program(address_, buffer_.data(), buffer_.size());
        else fail(kSequenceError);
        break;
    case Step::Erase:
        step_ = Step::Command;
        if (code == 0xd0) erase(offset);
        else fail(kSequenceError);
        break;
    case Step::Lock:
        step_ = Step::Command;
        if (code != 0x01 && code != 0xd0) fail(kSequenceError);
        break;
    case Step::Command: break;
    }
}

/// `count` is one less than the number of words that follow.
void Pflash01::begin_buffer(std::uint64_t count) {
    if ((count + 1) * width_ > buffer_size()) {
        fail(kSequenceError);
        return;
    }
    words_left_ = std::uint32_t(count + 1);
    address_ = ~std::uint64_t{0};
    std::fill(buffer_.begin(), buffer_.end(), std::uint8_t{0xff});
    step_ = Step::BufferData;
}

void Pflash01::fill_buffer(std::uint64_t offset, std::uint64_t value, unsigned size) {
    if (address_ == ~std::uint64_t{0}) address_ = offset & ~(buffer_size() - 1);
    if (offset < address_ || offset + size > address_ + buffer_size()) {
        fail(kSequenceError);
        return;
    }
    for (unsigned i = 0; i < size; ++i) buffer_[offset - address_ + i] = std::uint8_t(value >> 8 * i);
    if (--words_left_ == 0) step_ = Step::BufferConfirm;
}

/// Bits can only become 0; bytes of ones change nothing.
void Pflash01::program(std::uint64_t offset, const std::uint8_t* data, std::uint64_t count) {
    if (backing_.read_only()) {
        fail(kProgramError | kLocked);
        return;
    }
    const MutableBytes bytes = memory_->bytes();
    if (offset > bytes.size || count > bytes.size - offset) {
        fail(kSequenceError);
        return;
    }
    for (std::uint64_t i = 0; i < count; ++i) bytes[offset + i] &= data[i];
    memory_->bytes_changed(Offset(offset), count);
    backing_.changed(offset, count);
}

void Pflash01::erase(std::uint64_t offset) {
    if (backing_.read_only()) {
        fail(kEraseError | kLocked);
        return;
    }
    const std::uint64_t start = offset & ~(sector_ - 1);
    const MutableBytes bytes = memory_->bytes();
    std::fill_n(bytes.data + start, sector_, std::uint8_t{0xff});
    memory_->bytes_changed(Offset(start), sector_);
    backing_.changed(start, sector_);
}

constexpr PropertyInfo Pflash01::kProperties[] = {
    property<&Pflash01::drive_>(
        {.name = "drive", .summary = "the image; none: contents are lost at the end"}),
    property<&Pflash01::name_>({.name = "name", .summary = "of its memory region"}),
    property<&Pflash01::blocks_>({.name = "num-blocks", .summary = "erase blocks", .required = true}),
    property<&Pflash01::sector_>(
        {.name = "sector-length", .summary = "bytes of an erase block", .required = true}),
    property<&Pflash01::width_>({.name = "width", .summary = "bytes of the bank", .required = true}),
    property<&Pflash01::device_width_>(
        {.name = "device-width", .summary = "bytes of one chip; 0: as the bank", .default_text = "0"}),
    {.name = "id0",
     .kind = PropertyKind::UInt,
     .summary = "manufacturer",
     .default_text = "137",
     .maximum = 0xffff,
     .set =
         [](void* part, const PropertyValue& v, Errors&) {
             static_cast<Pflash01*>(part)->identifier_[0] = std::uint16_t(v.number);
             return true;
         },
     .get = [](const void* part,
               PropertyValue& v) { v.number = static_cast<const Pflash01*>(part)->identifier_[0]; }},
    {.name = "id1",
     .kind = PropertyKind::UInt,
     .summary = "device",
     .default_text = "24",
     .maximum = 0xffff,
     .set =
         [](void* part, const PropertyValue& v, Errors&) {
             static_cast<Pflash01*>(part)->identifier_[1] = std::uint16_t(v.number);
             return true;
         },
     .get = [](const void* part,
               PropertyValue& v) { v.number = static_cast<const Pflash01*>(part)->identifier_[1]; }},
};

constexpr RegionInfo kRegions[] = {{.name = "memory", .summary = "the array, or what a command shows"}};

constexpr TypeInfo kTypes[] = {
    device_type<Pflash01>({
        .name = "cfi.pflash01",
        .summary = "parallel NOR flash, Intel command set",
        .category = "Storage",
        .interfaces = kDeviceInterfaces<Pflash01>,
        .properties = Pflash01::kProperties,
        .regions = kRegions,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("cfi-flash", "1.0", "Backplane", backplane::kTypes)
