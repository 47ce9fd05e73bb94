#include "ps2_keyboard.h"

#include "scan_codes.h"

namespace backplane::i8042 {
namespace {

constexpr std::uint8_t kSetLeds = 0xed;
constexpr std::uint8_t kEcho = 0xee;
constexpr std::uint8_t kSelectSet = 0xf0;
constexpr std::uint8_t kReadId = 0xf2;
constexpr std::uint8_t kSetTypematic = 0xf3;
constexpr std::uint8_t kEnable = 0xf4;
constexpr std::uint8_t kDefaultDisable = 0xf5;
constexpr std::uint8_t kSetDefault = 0xf6;
constexpr std::uint8_t kResendLast = 0xfe;
constexpr std::uint8_t kReset = 0xff;

constexpr std::uint8_t kDefaultTypematic = 0x2b;  // 500 ms, then 10.9 a second

// Keys by number
constexpr std::uint16_t kLeftCtrl = 29, kRightCtrl = 97, kLeftShift = 42, kRightShift = 54, kLeftAlt = 56,
                        kRightAlt = 100;

/// The delay before a key repeats, and the time between repeats, in ns.
std::uint64_t typematic_delay(std::uint8_t value) { return (1 + (value >> 5 & 3)) * 250'000'000ull; }
std::uint64_t typematic_period(std::uint8_t value) {
    // (8 + A) * 2^B * 4.17 ms
    return (8 + (value & 7)) * (1ull << (value >> 3 & 3)) * 4'170'000ull;
}

}  // namespace

Ps2Keyboard::Ps2Keyboard(Object& object)
    : context_(device_context(object)), output_(context_.add_outputs("", 1)) {
    StateTable& state = context_.state();
    output_.describe(state);
    describe(state, "scan_code_set", set_, {.reset_value = 2, .maximum = 3});
    describe(state, "leds", leds_, {.maximum = 7});
    describe(state, "typematic", typematic_, {.reset_value = kDefaultTypematic, .maximum = 0x7f});
    describe(state, "command", command_);
    describe(state, "scanning", scanning_, 1);
    describe(state, "repeating", repeating_, {.maximum = kKeyNumbers - 1});
    describe(state, "down", down_, 0, false);  // what fingers hold
    repeat_timer_.create(context_.clock());
    describe_timer(state, "repeat", repeat_timer_);
}

void Ps2Keyboard::reset(ResetPhase phase) {
    if (phase == ResetPhase::Hold) output_.clear();
}

bool Ps2Keyboard::after_load(Errors& errors) {
    if (set_ != 0) return true;
    errors.fail("there is no scan code set 0");
    return false;
}

void Ps2Keyboard::input(Slice<const InputEvent> events) {
    for (const InputEvent& event : events)
        if (event.kind == InputKind::Key && event.code < kKeyNumbers) key(event.code, event.value != 0);
}

void Ps2Keyboard::key(std::uint16_t number, bool down) {
    if (held(number) == down) return;
    if (scanning_) send_key(number, down);
    down_[number] = down;
    if (down) {
        wake_machine(context_);
        repeating_ = number;
        repeat_timer_.arm(context_.clock().now_ns() + typematic_delay(typematic_));
    } else if (repeating_ == number) {
        repeating_ = 0;
        repeat_timer_.cancel();
    }
}

void Ps2Keyboard::send_key(std::uint16_t number, bool down) {
    const bool control = held(kLeftCtrl) || held(kRightCtrl);
    const Held modifiers{.shift_or_control = control || held(kLeftShift) || held(kRightShift),
                         .alt = held(kLeftAlt) || held(kRightAlt),
                         .control = control};
    const auto codes = scan_codes(number, down, set_, modifiers);
    if (!output_.has_room(codes.size() + 1)) {
        overrun();
        return;
    }
    output_.push(codes);
}

/// The last place is for saying that keys were lost.
void Ps2Keyboard::overrun() {
    if (output_.has_room(1)) output_.push({std::uint8_t(set_ == 1 ? 0xff : 0x00)});
}

void Ps2Keyboard::repeat() {
    if (repeating_ == 0) return;
    if (scanning_) send_key(repeating_, true);
    repeat_timer_.arm(context_.clock().now_ns() + typematic_period(typematic_));
}

void Ps2Keyboard::set_defaults() {
    set_ = 2;
    typematic_ = kDefaultTypematic;
    leds_ = 0;
}

void Ps2Keyboard::send(std::uint8_t byte) {
    // Whatever else was to be said is dropped for the answer.
    if (byte != kResendLast) output_.clear();
    const bool is_argument = command_ != 0 && byte < kSetLeds;
    if (is_argument) argument(byte);
    else command(byte);
}

void Ps2Keyboard::argument(std::uint8_t value) {
    const std::uint8_t command = command_;
    command_ = 0;
    if (command == kSelectSet && value > 3) {
        output_.push({kResend});
        return;
    }
    switch (command) {
    case kSetLeds: leds_ = value & 7; break;
    case kSetTypematic: typematic_ = value & 0x7f; break;
    default:
        if (value == 0) {
            output_.push({kAck, set_});
            return;
        }
        set_ = value;
        break;
    }
    output_.push({kAck});
}

void Ps2Keyboard::command(std::uint8_t command) {
    command_ = 0;
    switch (command) {
    case kEcho: output_.push({kEcho}); return;
    case kResendLast: output_.again(); return;
    case kSetLeds:
    case kSelectSet:
    case kSetTypematic: command_ = command; break;
    case kReadId: output_.push({kAck, 0xab, 0x83}); return;
    case kEnable: scanning_ = true; break;
    case kDefaultDisable:
        scanning_ = false;
        set_defaults();
        break;
    case kSetDefault: set_defaults(); break;
    case kReset:
        set_defaults();
        scanning_ = true;
        output_.push({kAck, kSelfTestPassed});
        return;
    default: output_.push({kResend}); return;
    }
    output_.push({kAck});
}

}  // namespace backplane::i8042
