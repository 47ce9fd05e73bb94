#include "ps2_mouse.h"

#include <algorithm>

namespace backplane::i8042 {
namespace {

constexpr std::uint8_t kScaling1 = 0xe6;
constexpr std::uint8_t kScaling2 = 0xe7;
constexpr std::uint8_t kSetResolution = 0xe8;
constexpr std::uint8_t kStatus = 0xe9;
constexpr std::uint8_t kStream = 0xea;
constexpr std::uint8_t kReadData = 0xeb;
constexpr std::uint8_t kResetWrap = 0xec;
constexpr std::uint8_t kWrap = 0xee;
constexpr std::uint8_t kRemote = 0xf0;
constexpr std::uint8_t kReadId = 0xf2;
constexpr std::uint8_t kSetRate = 0xf3;
constexpr std::uint8_t kEnable = 0xf4;
constexpr std::uint8_t kDisable = 0xf5;
constexpr std::uint8_t kSetDefault = 0xf6;
constexpr std::uint8_t kResendLast = 0xfe;
constexpr std::uint8_t kReset = 0xff;

constexpr std::uint8_t kWheelMouse = 3;
constexpr std::uint8_t kFiveButtons = 4;

// Buttons, of which the first three are in the packet's first byte
constexpr std::uint8_t kLeft = 0x01, kRight = 0x02, kMiddle = 0x04, kSide = 0x08, kExtra = 0x10;

/// What is kept of a movement that nobody fetches.
constexpr std::int32_t kFarthest = 0x7fff;
constexpr std::int32_t kMostPerPacket = 255;  // nine bits
constexpr std::int32_t kMostWheel = 7;        // four bits

std::int32_t sum(std::int32_t kept, std::int32_t more) {
    return std::clamp(kept + std::clamp(more, -kFarthest, kFarthest), -kFarthest, kFarthest);
}

}  // namespace

Ps2Mouse::Ps2Mouse(Object& object) : context_(device_context(object)), output_(context_.add_outputs("", 1)) {
    StateTable& state = context_.state();
    output_.describe(state);
    describe(state, "dx", dx_);
    describe(state, "dy", dy_);
    describe(state, "dz", dz_);
    describe(state, "buttons", buttons_, {.reset = false, .maximum = 31});  // what fingers hold
    describe(state, "sent_buttons", sent_buttons_, {.maximum = 31});
    describe(state, "id", id_, {.maximum = kFiveButtons});
    describe(state, "rate", rate_, 100);
    describe(state, "resolution", resolution_, {.reset_value = 2, .maximum = 3});
    describe(state, "command", command_);
    describe(state, "rates", rates_);
    describe(state, "reporting", reporting_);
    describe(state, "remote", remote_);
    describe(state, "wrap", wrap_);
    describe(state, "scaling", scaling_);
}

void Ps2Mouse::reset(ResetPhase phase) {
    if (phase == ResetPhase::Hold) output_.clear();
}

void Ps2Mouse::input(Slice<const InputEvent> events) {
    for (const InputEvent& event : events) {
        if (event.kind == InputKind::Button) {
            if (event.value != 0) wake_machine(context_);
            button(InputButton(event.code), event.value != 0);
        }
        if (event.kind != InputKind::Relative) continue;
        if (InputAxis(event.code) == InputAxis::X) dx_ = sum(dx_, event.value);
        if (InputAxis(event.code) == InputAxis::Y)
            dy_ = sum(dy_, -std::clamp(event.value, -kFarthest, kFarthest));
    }
    if (reporting_ && !remote_ && !wrap_) report();
}

void Ps2Mouse::button(InputButton button, bool down) {
    std::uint8_t bit = 0;
    switch (button) {
    case InputButton::Left: bit = kLeft; break;
    case InputButton::Middle: bit = kMiddle; break;
    case InputButton::Right: bit = kRight; break;
    case InputButton::Side: bit = kSide; break;
    case InputButton::Extra: bit = kExtra; break;
    case InputButton::WheelUp: dz_ = sum(dz_, down ? -1 : 0); break;
    case InputButton::WheelDown: dz_ = sum(dz_, down ? 1 : 0); break;
    default: break;
    }
    buttons_ = std::uint8_t(down ? buttons_ | bit : buttons_ & ~bit);
}

void Ps2Mouse::report() {
    if (id_ == 0) dz_ = 0;
    while (moved() && output_.has_room(packet_size())) {
        std::vector<std::uint8_t> bytes;
        add_packet(bytes);
        output_.push(bytes);
    }
}

/// "Scaling 2:1" (table of the Technical Reference); in stream mode alone.
std::int32_t Ps2Mouse::scaled(std::int32_t counts) const {
    if (!scaling_ || remote_) return counts;
    constexpr std::int32_t kSmall[] = {0, 1, 1, 3, 6, 9};
    const std::int32_t size = std::abs(counts);
    const std::int32_t result = size < 6 ? kSmall[size] : 2 * size;
    return counts < 0 ? -result : result;
}

void Ps2Mouse::add_packet(std::vector<std::uint8_t>& bytes) {
    const std::int32_t most = scaling_ && !remote_ ? kMostPerPacket / 2 : kMostPerPacket;
    const std::int32_t taken_x = std::clamp(dx_, -most, most);
    const std::int32_t taken_y = std::clamp(dy_, -most, most);
    const std::int32_t taken_z = id_ == 0 ? 0 : std::clamp(dz_, -kMostWheel, kMostWheel);
    const std::int32_t x = scaled(taken_x);
    const std::int32_t y = scaled(taken_y);
    bytes.push_back(std::uint8_t(0x08 | (buttons_ & 7) | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
    bytes.push_back(std::uint8_t(x));
    bytes.push_back(std::uint8_t(y));
    if (id_ == kWheelMouse) bytes.push_back(std::uint8_t(taken_z));
    if (id_ == kFiveButtons)
        bytes.push_back(std::uint8_t((taken_z & 0x0f) | (buttons_ & (kSide | kExtra)) << 1));
    dx_ -= taken_x;
    dy_ -= taken_y;
    dz_ -= taken_z;
    sent_buttons_ = buttons_;
}

std::uint8_t Ps2Mouse::take_byte() {
    const std::uint8_t byte = output_.take();
    if (output_.empty() && reporting_ && !remote_ && !wrap_) report();
    return byte;
}

std::uint8_t Ps2Mouse::status() const {
    return std::uint8_t((remote_ ? 0x40 : 0) | (reporting_ ? 0x20 : 0) | (scaling_ ? 0x10 : 0) |
                        (buttons_ & kLeft ? 0x04 : 0) | (buttons_ & kMiddle ? 0x02 : 0) |
                        (buttons_ & kRight ? 0x01 : 0));
}

void Ps2Mouse::set_defaults() {
    rate_ = 100;
    resolution_ = 2;
    reporting_ = remote_ = scaling_ = false;
    dx_ = dy_ = dz_ = 0;
}

void Ps2Mouse::send(std::uint8_t byte) {
    if (wrap_ && byte != kResetWrap && byte != kReset) {
        output_.push({byte});
        return;
    }
    if (command_ != 0) argument(byte);
    else command(byte);
}

void Ps2Mouse::argument(std::uint8_t value) {
    const std::uint8_t command = command_;
    command_ = 0;
    if (command == kSetRate) set_rate(value);
    else if (value <= 3) resolution_ = value;
    output_.push({kAck});
}

void Ps2Mouse::set_rate(std::uint8_t rate) {
    rate_ = rate;
    if (rates_[0] == 200 && rates_[1] == 100 && rate == 80 && id_ == 0) id_ = kWheelMouse;
    if (rates_[0] == 200 && rates_[1] == 200 && rate == 80) id_ = kFiveButtons;
    rates_[0] = rates_[1];
    rates_[1] = rate;
}

void Ps2Mouse::command(std::uint8_t command) {
    if (command == kResendLast) return output_.again();
    switch (command) {
    case kScaling1: scaling_ = false; break;
    case kScaling2: scaling_ = true; break;
    case kSetResolution:
    case kSetRate: command_ = command; break;
    case kStream: remote_ = false; break;
    case kRemote: remote_ = true; break;
    case kWrap: wrap_ = true; break;
    case kResetWrap: wrap_ = false; break;
    case kEnable: reporting_ = true; break;
    case kDisable: reporting_ = false; break;
    case kSetDefault: set_defaults(); break;
    case kStatus:
    case kReadData:
    case kReadId: break;
    case kReset:
        set_defaults();
        id_ = 0;
        wrap_ = false;
        break;
    default: output_.push({kResend}); return;
    }
    std::vector<std::uint8_t> answer = {kAck};
    if (command == kStatus) answer.insert(answer.end(), {status(), resolution_, rate_});
    if (command == kReadId) answer.push_back(id_);
    if (command == kReadData) add_packet(answer);
    if (command == kReset) answer.insert(answer.end(), {kSelfTestPassed, id_});
    output_.push(answer);
}

}  // namespace backplane::i8042
