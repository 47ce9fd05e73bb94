#include "function.h"

#include <algorithm>

namespace backplane::usb {
namespace {

// Tables 9-4 and 9-5, with bmRequestType ahead.
constexpr std::uint16_t kGetDeviceStatus = 0x8000, kGetInterfaceStatus = 0x8100, kGetEndpointStatus = 0x8200;
constexpr std::uint16_t kGetDescriptor = 0x8006, kGetConfiguration = 0x8008, kGetInterface = 0x810a;
constexpr std::uint16_t kClearDeviceFeature = 0x0001, kSetDeviceFeature = 0x0003;
constexpr std::uint16_t kClearEndpointFeature = 0x0201, kSetEndpointFeature = 0x0203;
constexpr std::uint16_t kSetAddress = 0x0005, kSetConfiguration = 0x0009, kSetInterface = 0x010b;
constexpr std::uint8_t kDevice = 1, kConfiguration = 2, kString = 3;
constexpr std::uint16_t kEnglish = 0x0409;
constexpr std::uint16_t kHalt = 0, kRemoteWakeup = 1;
constexpr std::uint8_t kWakes = 0x20;     // bmAttributes
constexpr std::size_t kAttributesAt = 7;  // in a configuration
constexpr std::uint8_t kLastAddress = 127;
constexpr std::size_t kSetupSize = 8;

std::uint16_t endpoint_bit(unsigned address) {
    return std::uint16_t(1u << ((address & 7) + (address & 0x80 ? 8 : 0)));
}

}  // namespace

Function::Function(Object& object) : object_(object), context_(device_context(object)) {
    StateTable& state = context_.state().group({.name = "control"});
    describe(state, "request_type", request_.type);
    describe(state, "request", request_.code);
    describe(state, "value", request_.value);
    describe(state, "index", request_.index);
    describe(state, "length", request_.length);
    describe(state, "stage", stage_, {.maximum = std::uint64_t(Stage::Stalled)});
    describe(state, "address", address_, {.maximum = kLastAddress});
    describe(state, "configuration", configuration_, {.maximum = 1});
    describe(state, "halted", halted_);
    describe(state, "may_wake", may_wake_);
    describe_bytes<kMostData>(state, "data", data_);
    describe(state, "position", position_, {.maximum = kMostData});
}

bool Function::after_load(Errors& errors) {
    if (position_ <= data_.size()) return true;
    errors.fail("position: behind the data");
    return false;
}

void Function::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) bus_reset();
}

/// 9.6.1: the index of the product's string stands in byte 15.
std::string Function::product() const {
    const Descriptors& all = descriptors();
    const std::size_t index = all.device.size() > 15 ? all.device[15] : 0;
    return index > 0 && index <= all.strings.size() ? all.strings[index - 1] : "";
}

void Function::bus_reset() {
    request_ = {};
    stage_ = Stage::Idle;
    address_ = configuration_ = 0;
    halted_ = 0;
    may_wake_ = false;
    data_.clear();
    position_ = 0;
    start_over();
}

void Function::wake() {
    if (may_wake_) static_cast<UsbBus*>(context_.bus(UsbBus::kId))->wake(object_);
}

UsbReply Function::setup(std::uint8_t endpoint, Bytes data) {
    if (endpoint != 0 || data.size != kSetupSize) return {};
    const auto word = [&](unsigned at) { return std::uint16_t(data[at] | data[at + 1] << 8); };
    request_ = {data[0], data[1], word(2), word(4), word(6)};
    data_.clear();
    position_ = 0;
    stage_ = request_.to_host() ? Stage::ToHost : Stage::FromHost;
    if (request_.to_host()) perform();
    return {UsbHandshake::Ack, 0};
}

/// What the request asks for is done: of one to the host its answer is there, one from the host has all of its data.
void Function::perform() {
    const bool is_standard = (request_.type & 0x60) == 0;
    bool done = false;
    if (request_.to_host()) {
        done = (is_standard && standard(data_)) || answer(request_, data_);
        data_.resize(std::min<std::size_t>({data_.size(), request_.length, kMostData}));
    } else {
        done = (is_standard && set_standard()) || take(request_, Bytes(data_));
    }
    if (!done) stage_ = Stage::Stalled;
}

UsbReply Function::out(std::uint8_t endpoint, Bytes data) {
    if (endpoint != 0) {
        if (!configured() || (halted_ & endpoint_bit(endpoint))) return {UsbHandshake::Stall, 0};
        return data_out(endpoint, data);
    }
    if (stage_ == Stage::Stalled || stage_ == Stage::Idle) return {UsbHandshake::Stall, 0};
    if (stage_ == Stage::ToHost) {
        stage_ = Stage::Idle;  // the status stage
        return {UsbHandshake::Ack, 0};
    }
    if (data_.size() + data.size > std::min<std::size_t>(request_.length, kMostData)) {
        stage_ = Stage::Stalled;
        return {UsbHandshake::Stall, 0};
    }
    data_.insert(data_.end(), data.begin(), data.end());
    return {UsbHandshake::Ack, 0};
}

UsbReply Function::in(std::uint8_t endpoint, MutableBytes room) {
    if (endpoint != 0) {
        if (!configured() || (halted_ & endpoint_bit(endpoint | 0x80))) return {UsbHandshake::Stall, 0};
        return data_in(endpoint, room);
    }
    if (stage_ == Stage::FromHost) {
        // The status stage. An address holds from the end of it on, which this is.
        perform();
        if (stage_ != Stage::Stalled) stage_ = Stage::Idle;
        return {stage_ == Stage::Stalled ? UsbHandshake::Stall : UsbHandshake::Ack, 0};
    }
    if (stage_ != Stage::ToHost) return {UsbHandshake::Stall, 0};
    const std::size_t size = std::min<std::size_t>(room.size, data_.size() - position_);
    std::copy_n(data_.begin() + std::ptrdiff_t(position_), size, room.data);
    position_ += std::uint32_t(size);
    return {UsbHandshake::Ack, std::uint32_t(size)};
}

bool Function::standard(std::vector<std::uint8_t>& reply) {
    const std::uint8_t attributes = descriptors().configuration[kAttributesAt];
    switch (request_.id()) {
    case kGetDeviceStatus: put16(reply, (attributes >> 6 & 1) | unsigned{may_wake_} << 1); return true;
    case kGetInterfaceStatus: put16(reply, 0); return true;
    case kGetEndpointStatus: put16(reply, (halted_ & endpoint_bit(request_.index)) != 0); return true;
    case kGetDescriptor: return get_descriptor(reply);
    case kGetConfiguration: reply.push_back(configuration_); return true;
    case kGetInterface: reply.push_back(0); return true;
    default: return false;
    }
}

bool Function::get_descriptor(std::vector<std::uint8_t>& reply) const {
    const Descriptors& own = descriptors();
    const unsigned index = request_.value & 0xff;
    switch (request_.value >> 8) {
    case kDevice: reply = own.device; return true;
    case kConfiguration: reply = own.configuration; return index == 0;
    case kString: break;
    default: return false;
    }
    if (index > own.strings.size()) return false;
    reply = {0, kString};
    if (index == 0) put16(reply, kEnglish);
    else
        for (const char letter : own.strings[index - 1]) put16(reply, std::uint8_t(letter));
    reply[0] = std::uint8_t(reply.size());
    return true;
}

bool Function::set_standard() {
    const bool can_wake = (descriptors().configuration[kAttributesAt] & kWakes) != 0;
    switch (request_.id()) {
    case kSetAddress:
        if (request_.value > kLastAddress) return false;
        address_ = std::uint8_t(request_.value);
        return true;
    case kSetConfiguration:
        if (request_.value > 1) return false;
        configuration_ = std::uint8_t(request_.value);
        halted_ = 0;
        start_over();
        return true;
    case kSetInterface: return request_.value == 0;
    case kSetDeviceFeature:
    case kClearDeviceFeature:
        if (request_.value != kRemoteWakeup || !can_wake) return false;
        may_wake_ = request_.id() == kSetDeviceFeature;
        return true;
    case kSetEndpointFeature:
    case kClearEndpointFeature:
        if (request_.value != kHalt) return false;
        if (request_.id() == kSetEndpointFeature) halted_ |= endpoint_bit(request_.index);
        else halted_ &= std::uint16_t(~endpoint_bit(request_.index));
        return true;
    default: return false;
    }
}

std::vector<std::uint8_t> device_descriptor(std::uint8_t device_class, std::uint8_t packet,
                                            std::uint16_t vendor, std::uint16_t product, unsigned strings) {
    std::vector<std::uint8_t> bytes{18, kDevice};
    put16(bytes, 0x0110);  // USB 1.1
    bytes.insert(bytes.end(), {device_class, 0, 0, packet});
    put16(bytes, vendor);
    put16(bytes, product);
    put16(bytes, 0);
    for (unsigned string = 1; string <= 3; ++string)
        bytes.push_back(
            std::uint8_t(string <= strings ? string : 0));  // manufacturer, product, serial number
    bytes.push_back(1);
    return bytes;
}

std::vector<std::uint8_t> configuration_descriptor(const std::vector<std::uint8_t>& interfaces, bool wakes) {
    constexpr std::uint8_t kAlwaysSet = 0x80, kMilliamperes = 100;
    std::vector<std::uint8_t> bytes{9, kConfiguration};
    put16(bytes, unsigned(9 + interfaces.size()));
    bytes.insert(bytes.end(), {1, 1, 0, std::uint8_t(kAlwaysSet | (wakes ? kWakes : 0)), kMilliamperes / 2});
    bytes.insert(bytes.end(), interfaces.begin(), interfaces.end());
    return bytes;
}

}  // namespace backplane::usb
