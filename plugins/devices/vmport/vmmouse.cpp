#include "vmmouse.h"

#include <algorithm>

namespace backplane::vmport {
namespace {

constexpr std::uint32_t kEnable = 0x45414552, kDisable = 0xf5, kRelative = 0x4c455252, kAbsolute = 0x53424152;
constexpr std::uint32_t kIdentity = 0x3442554a;  ///< what stands first in the queue
constexpr std::uint32_t kLeft = 0x20, kRight = 0x10, kMiddle = 0x08, kMoved = 0x10000;
constexpr std::size_t kEventWords = 4, kMostRegisters = 6;

}  // namespace

VmMouse::VmMouse(Object& object) : context_(device_context(object)) {
    StateTable& state = context_.state();
    describe_bytes<kMostWords>(state, "words", words_);
    describe(state, "on", on_);
    describe(state, "absolute", absolute_);
    describe(state, "buttons", buttons_);
    describe(state, "x", x_);
    describe(state, "y", y_);
}

bool VmMouse::realize(Errors&) {
    if (port_) port_->set_pointer(this);
    return true;
}

void VmMouse::unrealize() {
    if (port_) port_->set_pointer(nullptr);
}

void VmMouse::reset(ResetPhase phase) {
    if (phase != ResetPhase::Enter) return;
    switch_off();
    absolute_ = false;
    buttons_ = 0;
    x_ = y_ = 0;
}

void VmMouse::switch_off() {
    words_.clear();
    on_ = false;
}

std::uint32_t VmMouse::execute(unsigned what, std::uint64_t* registers) {
    if (what == kPointerStatus) return status();
    if (what == kPointerData) return give(registers);
    command(std::uint32_t(registers[kRbx]));
    return std::uint32_t(registers[kRax]);
}

/// As many words as EBX says, in EAX and the registers behind it. One that asks for more than there are has lost its place.
std::uint32_t VmMouse::give(std::uint64_t* registers) {
    constexpr unsigned kOrder[kMostRegisters] = {kRax, kRbx, kRcx, kRdx, kRsi, kRdi};
    const auto count = std::uint32_t(registers[kRbx]);
    if (count > kMostRegisters || count > words_.size()) {
        context_.log().guest_error("data", "the guest reads more of its pointer than there is");
        switch_off();
        return std::uint32_t(registers[kRax]);
    }
    for (unsigned i = 0; i < count; ++i) {
        registers[kOrder[i]] = words_.front();
        words_.pop_front();
    }
    return std::uint32_t(registers[kRax]);
}

void VmMouse::command(std::uint32_t what) {
    switch (what) {
    case kEnable:
        on_ = true;
        if (words_.size() < kMostWords) words_.push_back(kIdentity);
        return;
    case kDisable: return switch_off();
    case kRelative: absolute_ = false; return;
    case kAbsolute: absolute_ = true; return;
    default: context_.log().guest_error("command", "the pointer was given a command that is none");
    }
}

bool VmMouse::take_button(const InputEvent& event) {
    const auto bit = InputButton(event.code) == InputButton::Left     ? kLeft
                     : InputButton(event.code) == InputButton::Right  ? kRight
                     : InputButton(event.code) == InputButton::Middle ? kMiddle
                                                                      : 0u;
    buttons_ = std::uint8_t(event.value ? buttons_ | bit : buttons_ & ~bit);
    return bit != 0;
}

void VmMouse::input(Slice<const InputEvent> events) {
    if (!on_) return;
    std::int32_t wheel = 0;
    if (!absolute_) x_ = y_ = 0;
    for (const InputEvent& event : events) {
        std::int32_t& axis = InputAxis(event.code) == InputAxis::X ? x_ : y_;
        if (event.kind == InputKind::Absolute)
            axis = std::int32_t(std::int64_t{event.value} * 0xffff / kInputAbsoluteMaximum);
        else if (event.kind == InputKind::Relative) axis = event.value;
        else if (event.kind == InputKind::Button && !take_button(event) && event.value)
            wheel += InputButton(event.code) == InputButton::WheelUp     ? -1
                     : InputButton(event.code) == InputButton::WheelDown ? 1
                                                                         : 0;
    }
    push_state(wheel);
}

void VmMouse::push_state(std::int32_t wheel) {
    if (words_.size() + kEventWords > kMostWords) return;
    words_.push_back(buttons_ | (absolute_ ? 0 : kMoved));
    words_.push_back(std::uint32_t(x_));
    words_.push_back(std::uint32_t(y_));
    words_.push_back(std::uint32_t(wheel));
    alarm();
}

/// The mouse on the PS/2 port moves by a little, which its driver does not look at.
void VmMouse::alarm() {
    if (!i8042_) return;
    constexpr InputEvent kStep[] = {{InputKind::Relative, std::uint16_t(InputAxis::X), 1}};
    for (std::size_t i = 0; i < i8042_->child_count(); ++i) {
        auto* mouse = query<InputDevice>(*i8042_->child_at(i));
        if (mouse && mouse->takes() & input_takes::kRelative) return mouse->input(kStep);
    }
}

}  // namespace backplane::vmport
