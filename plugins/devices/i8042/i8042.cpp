#include "i8042.h"

#include "scan_codes.h"

namespace backplane::i8042 {
namespace {

// Commands
constexpr std::uint8_t kReadMode = 0x20;
constexpr std::uint8_t kWriteMode = 0x60;
constexpr std::uint8_t kDisableMouse = 0xa7;
constexpr std::uint8_t kEnableMouse = 0xa8;
constexpr std::uint8_t kTestMouse = 0xa9;
constexpr std::uint8_t kSelfTest = 0xaa;
constexpr std::uint8_t kTestKeyboard = 0xab;
constexpr std::uint8_t kDisableKeyboard = 0xad;
constexpr std::uint8_t kEnableKeyboard = 0xae;
constexpr std::uint8_t kReadInputPort = 0xc0;
constexpr std::uint8_t kReadOutputPort = 0xd0;
constexpr std::uint8_t kWriteOutputPort = 0xd1;
constexpr std::uint8_t kWriteKeyboardBuffer = 0xd2;
constexpr std::uint8_t kWriteMouseBuffer = 0xd3;
constexpr std::uint8_t kWriteMouse = 0xd4;
constexpr std::uint8_t kDisableA20 = 0xdd;
constexpr std::uint8_t kEnableA20 = 0xdf;
constexpr std::uint8_t kTestInputs = 0xe0;
constexpr std::uint8_t kPulse = 0xf0;  // and above: bits 0-3 that are 0 go low

// The command byte
constexpr std::uint8_t kKeyboardInterrupt = 0x01;
constexpr std::uint8_t kMouseInterrupt = 0x02;
constexpr std::uint8_t kSystemFlag = 0x04;
constexpr std::uint8_t kKeyboardDisabled = 0x10;
constexpr std::uint8_t kMouseDisabled = 0x20;
constexpr std::uint8_t kTranslate = 0x40;

// Status
constexpr std::uint8_t kOutputFull = 0x01;
constexpr std::uint8_t kSystem = 0x04;
constexpr std::uint8_t kCommandWritten = 0x08;
constexpr std::uint8_t kUnlocked = 0x10;
constexpr std::uint8_t kMouseOutputFull = 0x20;

// The output port
constexpr std::uint8_t kNoReset = 0x01;
constexpr std::uint8_t kA20 = 0x02;
constexpr std::uint8_t kKeyboardOutput = 0x10;
constexpr std::uint8_t kMouseOutput = 0x20;
constexpr std::uint8_t kOutputAtReset = 0xcf;

constexpr std::uint8_t kInputPort = 0x80;  // the keyboard is not locked
constexpr std::uint8_t kControllerPassed = 0x55;
constexpr std::uint8_t kBreakPrefix = 0xf0;

}  // namespace

Controller::Controller(Object& object)
    : context_(device_context(object)),
      interrupts_(context_.add_outputs("", 2)),
      a20_(context_.add_outputs("a20", 1)) {
    context_.add_inputs("ps2-kbd-input-irq", 1, inputs_);
    context_.add_inputs("ps2-mouse-input-irq", 1, inputs_);
    StateTable& state = context_.state();
    describe(state, "command_byte", mode_, kKeyboardInterrupt | kMouseInterrupt);
    describe(state, "output_port", output_port_, kOutputAtReset);
    describe(state, "command", command_);
    describe(state, "to_command_port", to_command_port_, 1);
    describe(state, "self_tested", self_tested_);
    describe(state, "release", release_);
    describe(state, "byte", byte_);
    describe(state, "source", source_, {.maximum = std::uint64_t(Source::Mouse)});
    describe(state, "answer", answer_);
    describe(state, "answer_source", answer_source_, {.maximum = std::uint64_t(Source::Mouse)});
}

Ps2Device* Controller::make_device(const char* type, const char* name, const char* input, Errors& errors) {
    Object& self = context_.object();
    Object* device = self.create_child(type, name, errors);
    if (!device || !self.realize_child(*device, errors) || !context_.join(*device, 0, input, 0, errors))
        return nullptr;
    return query<Ps2Device>(*device);
}

bool Controller::realize(Errors& errors) {
    MemoryRegion& data = context_.memory().io("i8042-data", 1, data_port_, kIsaByteRegisters);
    MemoryRegion& command = context_.memory().io("i8042-cmd", 1, command_port_, kIsaByteRegisters);
    context_.export_region("data", data);
    context_.export_region("command", command);
    keyboard_ = make_device("ps2-kbd", "ps2kbd", "ps2-kbd-input-irq", errors);
    mouse_ = make_device("ps2-mouse", "ps2mouse", "ps2-mouse-input-irq", errors);
    if (!keyboard_ || !mouse_) return false;
    auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
    Object& self = context_.object();
    return !isa || (isa->add_ports(self, data, Port(0x60), errors) &&
                    isa->add_ports(self, command, Port(0x64), errors) &&
                    isa->join(self, 0, keyboard_irq_, errors) && isa->join(self, 1, mouse_irq_, errors));
}

void Controller::reset(ResetPhase phase) {
    if (phase != ResetPhase::Hold) return;
    drive_interrupts();
    a20_.set(1);
}

std::uint8_t Controller::status() const {
    std::uint8_t status = kUnlocked;
    if (source_ != Source::None) status |= kOutputFull;
    if (source_ == Source::Mouse) status |= kMouseOutputFull;
    if (self_tested_ || mode_ & kSystemFlag) status |= kSystem;
    if (to_command_port_) status |= kCommandWritten;
    return status;
}

std::uint8_t Controller::output_port() const {
    std::uint8_t value = output_port_ & std::uint8_t(~(kKeyboardOutput | kMouseOutput));
    if (source_ == Source::Mouse) value |= kMouseOutput;
    else if (source_ != Source::None) value |= kKeyboardOutput;
    return value;
}

void Controller::drive_interrupts() {
    const bool mouse = source_ == Source::Mouse;
    const bool keyboard = source_ != Source::None && !mouse;
    interrupts_.set(keyboard && mode_ & kKeyboardInterrupt);
    context_.wire_at("", 1)->set(mouse && mode_ & kMouseInterrupt);
}

std::uint8_t Controller::read_data() {
    source_ = Source::None;
    // The lines fall between two bytes: their controller sees edges.
    drive_interrupts();
    const std::uint8_t byte = byte_;
    fill();
    return byte;
}

/// A byte of the controller's own, ahead of those of the devices.
void Controller::answer(std::uint8_t byte, Source source) {
    answer_ = byte;
    answer_source_ = source;
    fill();
}

void Controller::fill() {
    if (source_ != Source::None) return;
    while (source_ == Source::None) {
        if (answer_source_ != Source::None) {
            byte_ = answer_;
            source_ = answer_source_;
            answer_source_ = Source::None;
        } else if (!(mode_ & kKeyboardDisabled) && keyboard_->has_byte()) {
            // The buffer is taken from here on, as taking a byte moves the device's line.
            source_ = Source::Keyboard;
            byte_ = from_keyboard(keyboard_->take_byte());
            if (release_) source_ = Source::None;
        } else if (!(mode_ & kMouseDisabled) && mouse_->has_byte()) {
            source_ = Source::Mouse;
            byte_ = mouse_->take_byte();
        } else {
            return;
        }
    }
    drive_interrupts();
}

/// With translation, set 1 of set 2: the prefix of a break is left out, and its code gets a bit.
std::uint8_t Controller::from_keyboard(std::uint8_t byte) {
    const bool was_released = release_;
    release_ = mode_ & kTranslate && byte == kBreakPrefix;
    if (!(mode_ & kTranslate)) return byte;
    const std::uint8_t code = translate(byte);
    return was_released && code < 0x80 ? std::uint8_t(code | 0x80) : code;
}

void Controller::write_data(std::uint8_t value) {
    to_command_port_ = false;
    const std::uint8_t command = command_;
    command_ = 0;
    switch (command) {
    case kWriteMode:
        mode_ = value;
        drive_interrupts();
        fill();
        break;
    case kWriteOutputPort: write_output_port(value); break;
    case kWriteKeyboardBuffer: answer(value, Source::Keyboard); break;
    case kWriteMouseBuffer: answer(value, Source::Mouse); break;
    case kWriteMouse:
        mode_ &= std::uint8_t(~kMouseDisabled);
        mouse_->send(value);
        fill();
        break;
    default:
        // Data for the keyboard switches its clock on.
        mode_ &= std::uint8_t(~kKeyboardDisabled);
        keyboard_->send(value);
        fill();
        break;
    }
}

void Controller::write_output_port(std::uint8_t value) {
    output_port_ = value;
    a20_.set(value & kA20 ? 1 : 0);
    if (!(value & kNoReset)) context_.request_reset("guest-reset");
}

void Controller::write_command(std::uint8_t command) {
    to_command_port_ = true;
    command_ = 0;
    if (command >= kPulse) {
        if (!(command & kNoReset)) context_.request_reset("guest-reset");
        return;
    }
    switch (command) {
    case kReadMode: answer(mode_); break;
    case kWriteMode:
    case kWriteOutputPort:
    case kWriteKeyboardBuffer:
    case kWriteMouseBuffer:
    case kWriteMouse: command_ = command; break;
    case kDisableMouse: mode_ |= kMouseDisabled; break;
    case kEnableMouse:
        mode_ &= std::uint8_t(~kMouseDisabled);
        fill();
        break;
    case kTestMouse:
    case kTestKeyboard:
    case kTestInputs: answer(0); break;
    case kSelfTest:
        self_tested_ = true;
        answer(kControllerPassed);
        break;
    case kDisableKeyboard: mode_ |= kKeyboardDisabled; break;
    case kEnableKeyboard:
        mode_ &= std::uint8_t(~kKeyboardDisabled);
        fill();
        break;
    case kReadInputPort: answer(kInputPort); break;
    case kReadOutputPort: answer(output_port()); break;
    case kDisableA20: write_output_port(output_port_ & std::uint8_t(~kA20)); break;
    case kEnableA20: write_output_port(output_port_ | kA20); break;
    default:
        context_.log().guest_error("command", "command that the keyboard controller does not know");
        break;
    }
}

}  // namespace backplane::i8042
