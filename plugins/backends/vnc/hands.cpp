#include "hands.h"

#include "keys.h"

#include <backplane/input_keys.h>

#include <algorithm>
#include <iterator>

namespace backplane::vnc {

void KeyQueue::begin(InputHub* hub, Clock& clock, std::uint32_t delay_ms) {
    hub_ = hub;
    clock_ = &clock;
    delay_ns_ = std::uint64_t{delay_ms} * 1'000'000;
    timer_.create(clock);
}

bool KeyQueue::send(std::uint16_t key, bool down) {
    if (down && waiting_.size() >= kMost) return false;
    waiting_.push_back({InputKind::Key, key, down});
    if (!timer_.armed()) step();
    return true;
}

/// One now, the next when it is time.
void KeyQueue::step() {
    do {
        if (waiting_.empty()) return;
        const InputEvent event = waiting_.front();
        waiting_.pop_front();
        if (hub_) hub_->send({&event, 1});
    } while (delay_ns_ == 0);
    timer_.arm(clock_->now_ns() + delay_ns_);
}

void KeyQueue::end() {
    timer_.cancel();
    waiting_.clear();
}

namespace {

constexpr std::uint16_t kShift = 42, kRightShift = 54;  // <backplane/input_keys.h>

/// By the bits of RFC 6143, 7.5.5; those of sideways wheels are by custom.
constexpr InputButton kButtons[] = {InputButton::Left,      InputButton::Middle,    InputButton::Right,
                                    InputButton::WheelUp,   InputButton::WheelDown, InputButton::WheelLeft,
                                    InputButton::WheelRight};

/// A place on a line of `size` pixels.
std::int32_t scaled(std::uint32_t at, std::uint32_t size) {
    if (size < 2) return 0;
    return std::int32_t(std::uint64_t{std::min(at, size - 1)} * kInputAbsoluteMaximum / (size - 1));
}

}  // namespace

void Hands::press(std::uint16_t key, bool down) {
    if (!keys_.send(key, down)) return;
    if (down) held_.insert(key);
    else held_.erase(key);
}

/// Programs that type send symbols alone: what is a shifted one gets a shift around it. Viewers say what caps lock makes of
/// letters, and so does the guest.
void Hands::key(bool down, std::uint32_t symbol, std::uint32_t scan_code, bool capitals) {
    if (scan_code) {
        if (const KeyInfo* key = key_of_scan_code(scan_code)) press(key->number, down);
        return;
    }
    const SymbolKey key = key_of_symbol(symbol);
    if (!key.number) return;
    const bool letter = (symbol | 0x20) >= 'a' && (symbol | 0x20) <= 'z';
    const bool shifted = key.shifted != (letter && capitals);
    const bool shift = down && shifted && !held_.contains(kShift) && !held_.contains(kRightShift);
    if (shift) press(kShift, true);
    press(key.number, down);
    if (shift) press(kShift, false);
}

bool Hands::takes_places() const { return keys_.hub() && keys_.hub()->taken(input_takes::kAbsolute); }

void Hands::pointer_at(unsigned buttons, std::uint16_t x, std::uint16_t y, std::uint32_t width,
                       std::uint32_t height) {
    if (takes_places()) point(InputKind::Absolute, scaled(x, width), scaled(y, height), buttons);
    else point(InputKind::Relative, x_ < 0 ? 0 : x - x_, y_ < 0 ? 0 : y - y_, buttons);
    x_ = x;
    y_ = y;
}

void Hands::pointer_by(unsigned buttons, std::int32_t x, std::int32_t y) {
    point(InputKind::Relative, x, y, buttons);
    x_ = y_ = -1;
}

void Hands::point(InputKind kind, std::int32_t x, std::int32_t y, unsigned buttons) {
    if (!keys_.hub()) return;
    InputEvent events[2 + std::size(kButtons)];
    std::size_t count = 0;
    const bool moves = kind == InputKind::Absolute || x || y || buttons == buttons_;
    if (moves) {
        events[count++] = {kind, std::uint16_t(InputAxis::X), x};
        events[count++] = {kind, std::uint16_t(InputAxis::Y), y};
    }
    for (unsigned i = 0; i < std::size(kButtons); ++i)
        if ((buttons ^ buttons_) >> i & 1)
            events[count++] = {InputKind::Button, std::uint16_t(kButtons[i]), std::int32_t(buttons >> i & 1)};
    buttons_ = buttons;
    keys_.hub()->send({events, count});
}

void Hands::let_go() {
    while (!held_.empty()) press(*held_.begin(), false);
    if (buttons_) pointer_by(0, 0, 0);
}

}  // namespace backplane::vnc
