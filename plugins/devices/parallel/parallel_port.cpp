#include "parallel_port.h"

namespace backplane::parallel {
namespace {

enum Register : unsigned { Data = 0, Status = 1, Control = 2 };

// A ready printer: selected, with paper, no error; bit 0 is what ports without EPP show.
constexpr std::uint8_t kReady = 0x59;
constexpr std::uint8_t kNotBusy = 1 << 7;

constexpr std::uint8_t kStrobe = 1 << 0;
constexpr std::uint8_t kNotInit = 1 << 2;
constexpr std::uint8_t kSelect = 1 << 3;
constexpr std::uint8_t kInterruptEnable = 1 << 4;
constexpr std::uint8_t kInput = 1 << 5;
constexpr std::uint8_t kControlOnes = 0xc0;
constexpr std::uint8_t kControlReset = kNotInit | kSelect;
constexpr std::uint8_t kNothing = 0xff;

}  // namespace

ParallelPort::ParallelPort(DeviceContext& context, Wire& interrupt) : interrupt_(interrupt) {
    StateTable& state = context.state().group({.name = "port"});
    describe(state, "data", data_, 0xff);
    describe(state, "control", control_, kControlReset);
    describe(state, "printing", printing_);
    describe(state, "busy", busy_);
    gate_.create(context);
}

bool ParallelPort::start(CharBackend* backend, Errors& errors) {
    if (backend && !backend->connect(this)) {
        errors.fail("chardev: is already used by another device");
        return false;
    }
    backend_ = backend;
    return true;
}

void ParallelPort::stop() {
    if (backend_) backend_->disconnect(*this);
    backend_ = nullptr;
}

std::uint8_t ParallelPort::status() const { return std::uint8_t(kReady | (busy_ ? 0 : kNotBusy)); }

std::uint8_t ParallelPort::read(unsigned index, const Access& access) {
    switch (index) {
    case Data: return control_ & kInput ? kNothing : data_;
    case Status:
        if (!access.debug()) interrupt_.set(0);
        return status();
    case Control: return control_ | kControlOnes;
    default: return kNothing;
    }
}

void ParallelPort::write(unsigned index, std::uint8_t value) {
    if (index == Data) data_ = value;
    if (index == Control) write_control(value);
}

/// The printer takes the data when /STROBE falls, that is when its bit becomes 1.
void ParallelPort::write_control(std::uint8_t value) {
    const bool strobed = (value & ~control_ & kStrobe) != 0;
    control_ = value & std::uint8_t(~kControlOnes);
    if (!(control_ & kInterruptEnable)) interrupt_.set(0);
    if (!strobed || busy_ || !(control_ & kNotInit) || !(control_ & kSelect)) return;
    printing_ = data_;
    busy_ = true;
    print();
}

/// /ACK comes when the host has the character.
void ParallelPort::print() {
    if (!busy_ || (backend_ && backend_->write({&printing_, 1}) == 0)) return;
    busy_ = false;
    if (control_ & kInterruptEnable) interrupt_.set(1);
}

}  // namespace backplane::parallel
