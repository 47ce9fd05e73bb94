// The mouse and the tablet: five buttons, two axes and a wheel.
#include "hid.h"

#include <algorithm>

namespace backplane::usb {
namespace {

constexpr std::uint8_t kMouseReport[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00,  // generic desktop, mouse, pointer
    0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01,  // buttons: a bit each
    0x75, 0x01, 0x95, 0x05, 0x81, 0x02, 0x75, 0x03, 0x95, 0x01,  //
    0x81, 0x01, 0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x09, 0x38,  // X, Y, wheel: -127 to 127, relative
    0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03, 0x81, 0x06,  //
    0xc0, 0xc0};
constexpr std::uint8_t kTabletReport[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00,  // generic desktop, mouse, pointer
    0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01,  // buttons: a bit each
    0x75, 0x01, 0x95, 0x05, 0x81, 0x02, 0x75, 0x03, 0x95, 0x01,  //
    0x81, 0x01, 0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x15, 0x00,  // X, Y: 0 to 32767, absolute
    0x26, 0xff, 0x7f, 0x35, 0x00, 0x46, 0xff, 0x7f, 0x75, 0x10,  //
    0x95, 0x02, 0x81, 0x02, 0x09, 0x38, 0x15, 0x81, 0x25, 0x7f,  // wheel: -127 to 127, relative
    0x35, 0x00, 0x45, 0x00, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06,  //
    0xc0, 0xc0};

constexpr std::int32_t kMost = 127, kFarthest = 0x7fff;
constexpr std::size_t kBootReport = 3;

std::int32_t sum(std::int32_t kept, std::int32_t more) {
    return std::clamp(kept + std::clamp(more, -kFarthest, kFarthest), -kFarthest, kFarthest);
}

/// What one report tells of a movement, of which the rest is left.
std::int32_t take_part(std::int32_t& left) {
    const std::int32_t part = std::clamp(left, -kMost, kMost);
    left -= part;
    return part;
}

}  // namespace

Pointer::Pointer(Object& object, bool absolute)
    : Hid(object, absolute ? "QEMU USB Tablet" : "QEMU USB Mouse", 1, absolute ? Boot::None : Boot::Mouse,
          absolute ? Bytes(kTabletReport) : Bytes(kMouseReport)),
      absolute_(absolute) {
    StateTable& state = context_.state();
    describe_bytes<kMostWaiting * sizeof(Step)>(state, "waiting", waiting_);
    describe(state, "x", current_.x);
    describe(state, "y", current_.y);
    describe(state, "wheel", current_.wheel);
    describe(state, "buttons", current_.buttons);
}

bool Pointer::after_load(Errors& errors) {
    const auto near = [](std::int32_t value) { return value >= -kFarthest && value <= kFarthest; };
    const auto fits = [&](const Step& step) { return near(step.x) && near(step.y) && near(step.wheel); };
    if (fits(current_) && std::ranges::all_of(waiting_, fits)) return Hid::after_load(errors);
    errors.fail("waiting, x, y, wheel: nobody moves a pointer so far");
    return false;
}

void Pointer::start_over() {
    Hid::start_over();
    waiting_.clear();
    current_ = {};
}

void Pointer::button(const InputEvent& event, Step& step) {
    const auto set = [&](unsigned bit) {
        step.buttons = event.value ? step.buttons | 1u << bit : step.buttons & ~(1u << bit);
    };
    switch (InputButton(event.code)) {
    case InputButton::Left: return set(0);
    case InputButton::Right: return set(1);
    case InputButton::Middle: return set(2);
    case InputButton::Side: return set(3);
    case InputButton::Extra: return set(4);
    case InputButton::WheelUp: step.wheel = sum(step.wheel, event.value ? 1 : 0); return;
    case InputButton::WheelDown: step.wheel = sum(step.wheel, event.value ? -1 : 0); return;
    default: return;
    }
}

void Pointer::move(const InputEvent& event, Step& step) const {
    if (event.kind != (absolute_ ? InputKind::Absolute : InputKind::Relative)) return;
    std::int32_t* axis = InputAxis(event.code) == InputAxis::X   ? &step.x
                         : InputAxis(event.code) == InputAxis::Y ? &step.y
                                                                 : nullptr;
    if (axis) *axis = absolute_ ? std::clamp(event.value, 0, kInputAbsoluteMaximum) : sum(*axis, event.value);
}

void Pointer::input(Slice<const InputEvent> events) {
    const Step& last = waiting_.empty() ? current_ : waiting_.back();
    Step step{absolute_ ? last.x : 0, absolute_ ? last.y : 0, 0, last.buttons};
    for (const InputEvent& event : events) {
        if (event.kind == InputKind::Button) button(event, step);
        else move(event, step);
    }
    push(step);
    wake();
}

/// Movements become one until a button changes, or where no more can wait.
void Pointer::push(const Step& step) {
    if (waiting_.empty() || (waiting_.back().buttons != step.buttons && waiting_.size() < kMostWaiting)) {
        waiting_.push_back(step);
        return;
    }
    Step& back = waiting_.back();
    back.x = absolute_ ? step.x : sum(back.x, step.x);
    back.y = absolute_ ? step.y : sum(back.y, step.y);
    back.wheel = sum(back.wheel, step.wheel);
    back.buttons = step.buttons;
}

bool Pointer::advance() {
    if (waiting_.empty()) return false;
    Step& next = waiting_.front();
    current_.buttons = next.buttons;
    current_.x = absolute_ ? next.x : take_part(next.x);
    current_.y = absolute_ ? next.y : take_part(next.y);
    current_.wheel = take_part(next.wheel);
    if (next.wheel == 0 && (absolute_ || (next.x == 0 && next.y == 0))) waiting_.pop_front();
    return true;
}

void Pointer::reported() {
    current_.wheel = 0;
    if (!absolute_) current_.x = current_.y = 0;
}

std::vector<std::uint8_t> Pointer::report() const {
    std::vector<std::uint8_t> bytes{std::uint8_t(current_.buttons)};
    for (const std::int32_t axis : {current_.x, current_.y}) {
        bytes.push_back(std::uint8_t(axis));
        if (absolute_) bytes.push_back(std::uint8_t(axis >> 8));
    }
    bytes.push_back(std::uint8_t(current_.wheel));
    if (boot_protocol()) bytes.resize(kBootReport);
    return bytes;
}

}  // namespace backplane::usb
