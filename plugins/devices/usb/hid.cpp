#include "hid.h"

#include <algorithm>

namespace backplane::usb {
namespace {

constexpr std::uint16_t kVendor = 0x0627;  // as drivers know these devices
constexpr std::uint8_t kHidClass = 3, kHidDescriptor = 0x21, kReportDescriptor = 0x22;
constexpr std::uint8_t kInterruptIn = 0x81, kInterrupt = 3, kPacket = 8, kInterval = 10;  // ms
constexpr std::uint64_t kIdleUnit = 4'000'000;                                            // ns

// 7.1 and 7.2, with bmRequestType ahead
constexpr std::uint16_t kGetInterfaceDescriptor = 0x8106, kGetReport = 0xa101, kGetIdle = 0xa102,
                        kGetProtocol = 0xa103, kSetReport = 0x2109, kSetIdle = 0x210a, kSetProtocol = 0x210b;

std::vector<std::uint8_t> hid_descriptor(std::size_t report_size) {
    std::vector<std::uint8_t> bytes{9, kHidDescriptor};
    put16(bytes, 0x0111);
    bytes.insert(bytes.end(), {0, 1, kReportDescriptor});
    put16(bytes, unsigned(report_size));
    return bytes;
}

std::vector<std::uint8_t> interface(Hid::Boot boot, std::size_t report_size) {
    constexpr std::uint8_t kInterfaceType = 4, kEndpointType = 5;
    std::vector<std::uint8_t> bytes{9,
                                    kInterfaceType,
                                    0,
                                    0,
                                    1,
                                    kHidClass,
                                    std::uint8_t(boot == Hid::Boot::None ? 0 : 1),
                                    std::uint8_t(boot),
                                    0};
    const std::vector<std::uint8_t> hid = hid_descriptor(report_size);
    bytes.insert(bytes.end(), hid.begin(), hid.end());
    bytes.insert(bytes.end(), {7, kEndpointType, kInterruptIn, kInterrupt, kPacket, 0, kInterval});
    return bytes;
}

}  // namespace

Hid::Hid(Object& object, const char* product, std::uint16_t number, Boot boot, Bytes report_descriptor)
    : Function(object), boot_(boot), report_descriptor_(report_descriptor) {
    descriptors_ = {device_descriptor(0, kPacket, kVendor, number, 2),
                    configuration_descriptor(interface(boot, report_descriptor.size), true),
                    {"QEMU", product}};
    StateTable& state = context_.state().group({.name = "hid"});
    describe(state, "idle", idle_);
    describe(state, "protocol", protocol_, {.reset_value = 1, .maximum = 1});
    describe(state, "reported", reported_ns_);
}

/// 7.2.6: the report protocol is what it begins with.
void Hid::start_over() {
    idle_ = 0;
    protocol_ = 1;
    reported_ns_ = 0;
}

bool Hid::answer(const Request& request, std::vector<std::uint8_t>& reply) {
    switch (request.id()) {
    case kGetInterfaceDescriptor:
        if (request.value >> 8 == kHidDescriptor) reply = hid_descriptor(report_descriptor_.size);
        else if (request.value >> 8 == kReportDescriptor)
            reply.assign(report_descriptor_.begin(), report_descriptor_.end());
        else return false;
        return true;
    case kGetReport: reply = report(); return true;
    case kGetIdle: reply.push_back(idle_); return true;
    case kGetProtocol: reply.push_back(protocol_); return boot_ != Boot::None;
    default: return false;
    }
}

bool Hid::take(const Request& request, Bytes data) {
    switch (request.id()) {
    case kSetReport: take_report(data); return true;
    case kSetIdle:
        idle_ = std::uint8_t(request.value >> 8);
        reported_ns_ = context_.clock().now_ns();
        return true;
    case kSetProtocol:
        if (boot_ == Boot::None) return false;
        protocol_ = request.value & 1;
        return true;
    default: return false;
    }
}

UsbReply Hid::data_in(std::uint8_t endpoint, MutableBytes room) {
    if (endpoint != (kInterruptIn & 0xf)) return {UsbHandshake::Stall, 0};
    const std::uint64_t now = context_.clock().now_ns();
    const bool due = idle_ != 0 && now - reported_ns_ >= idle_ * kIdleUnit;
    if (!advance() && !due) return {UsbHandshake::Nak, 0};
    const std::vector<std::uint8_t> bytes = report();
    const std::size_t size = std::min<std::size_t>(bytes.size(), room.size);
    std::copy_n(bytes.begin(), size, room.data);
    reported_ns_ = now;
    reported();
    return {UsbHandshake::Ack, std::uint32_t(size)};
}

}  // namespace backplane::usb
