#include "hub.h"

#include <algorithm>

namespace backplane::usb {
namespace {

constexpr std::uint8_t kHubClass = 9, kHubDescriptor = 0x29, kPacket = 8;
constexpr std::uint8_t kChangesIn = 0x81;

// Table 11-10 and 11-11, with bmRequestType ahead
constexpr std::uint16_t kGetHubStatus = 0xa000, kGetPortStatus = 0xa300, kGetHubDescriptor = 0xa006;
constexpr std::uint16_t kClearHubFeature = 0x2001, kSetHubFeature = 0x2003, kClearPortFeature = 0x2301,
                        kSetPortFeature = 0x2303;
// Table 11-12
enum Feature : unsigned {
    PORT_ENABLE = 1,
    PORT_SUSPEND = 2,
    PORT_RESET = 4,
    PORT_POWER = 8,
    C_PORT_CONNECTION = 16,
    C_PORT_RESET = 20
};
// 11.16.2.6: wPortStatus, and the first five as wPortChange
constexpr std::uint16_t kConnection = 1 << 0, kEnable = 1 << 1, kSuspend = 1 << 2, kReset = 1 << 4,
                        kPower = 1 << 8, kLowSpeed = 1 << 9;

std::vector<std::uint8_t> interface() {
    constexpr std::uint8_t kInterfaceType = 4, kEndpointType = 5, kInterrupt = 3, kChangeBytes = 2,
                           kInterval = 255;
    return {9,          kInterfaceType, 0, 0,        1, kHubClass, 0, 0, 0, 7, kEndpointType, kChangesIn,
            kInterrupt, kChangeBytes,   0, kInterval};
}

}  // namespace

Hub::Hub(Object& object)
    : Function(object),
      descriptors_{device_descriptor(kHubClass, kPacket, 0x0409, 0x55aa, 2),
                   configuration_descriptor(interface(), true),
                   {"QEMU", "QEMU USB Hub"}} {
    StateTable& state = context_.state().group(
        {.name = "ports", .first = &ports_[0], .count = kPortCount, .stride = sizeof(Port)});
    describe(state, "status", ports_[0].status);
    describe(state, "change", ports_[0].change);
}

bool Hub::realize(Errors&) {
    static_cast<UsbBus*>(context_.bus(UsbBus::kId))->add_ports(*this, &object_, kPortCount);
    return true;
}

void Hub::unrealize() { static_cast<UsbBus*>(context_.bus(UsbBus::kId))->remove_ports(*this); }

void Hub::bus_reset() {
    Function::bus_reset();
    for (Port& port : ports_) {
        port.status = kPower;
        port.change = port.function ? kConnection : 0;
    }
}

UsbFunction* Hub::find(std::uint8_t address) {
    if (UsbFunction* self = Function::find(address)) return self;
    for (Port& port : ports_)
        if (port.function && port.status & kEnable && !(port.status & kSuspend))
            if (UsbFunction* found = port.function->find(address)) return found;
    return nullptr;
}

void Hub::plugged(unsigned number, UsbFunction& function) {
    ports_[number].function = &function;
    ports_[number].change |= kConnection;
    wake();
}

void Hub::unplugged(unsigned number) {
    Port& port = ports_[number];
    port.function = nullptr;
    if (port.status & kEnable) port.change |= kEnable;
    port.status &= std::uint16_t(~(kEnable | kSuspend | kReset));
    port.change |= kConnection;
    wake();
}

/// 11.4.4: the port goes on, and says so.
void Hub::woken(unsigned number) {
    Port& port = ports_[number];
    if (port.status & kSuspend) {
        port.status &= std::uint16_t(~kSuspend);
        port.change |= kSuspend;
    }
    wake();
}

std::uint16_t Hub::status_of(const Port& port) const {
    std::uint16_t status = port.status;
    if (port.function) status |= kConnection;
    if (port.function && port.function->speed() == UsbSpeed::Low) status |= kLowSpeed;
    return status;
}

bool Hub::answer(const Request& request, std::vector<std::uint8_t>& reply) {
    switch (request.id()) {
    case kGetHubDescriptor: {
        if (request.value >> 8 != kHubDescriptor && request.value != 0) return false;
        // 11.15.2.1: no power switching, no over-current protection; every device can be taken off.
        constexpr std::uint8_t kCharacteristics = 0x12, kPowerOn = 1;
        reply = {11, kHubDescriptor, kPortCount, kCharacteristics, 0, kPowerOn, 0, 0, 0, 0xff, 0xff};
        return true;
    }
    case kGetHubStatus: reply.resize(4); return true;
    case kGetPortStatus: {
        if (request.index < 1 || request.index > kPortCount) return false;
        const Port& port = ports_[request.index - 1];
        put16(reply, status_of(port));
        put16(reply, port.change);
        return true;
    }
    default: return false;
    }
}

bool Hub::take(const Request& request, Bytes) {
    switch (request.id()) {
    case kSetHubFeature:
    case kClearHubFeature: return request.value <= 1;
    case kSetPortFeature:
    case kClearPortFeature: {
        const unsigned number = request.index & 0xff;
        if (number < 1 || number > kPortCount) return false;
        Port& port = ports_[number - 1];
        return request.id() == kSetPortFeature ? set_feature(port, request.value)
                                               : clear_feature(port, request.value);
    }
    default: return false;
    }
}

bool Hub::set_feature(Port& port, unsigned feature) {
    switch (feature) {
    case PORT_SUSPEND: port.status |= kSuspend; return true;
    case PORT_RESET:
        port.change |= kReset;
        if (!port.function) return true;
        port.function->bus_reset();
        port.status = std::uint16_t((port.status & ~kSuspend) | kEnable);
        return true;
    case PORT_POWER: return true;
    default: return false;
    }
}

bool Hub::clear_feature(Port& port, unsigned feature) {
    if (feature >= C_PORT_CONNECTION && feature <= C_PORT_RESET) {
        port.change &= std::uint16_t(~(1u << (feature - C_PORT_CONNECTION)));
        return true;
    }
    switch (feature) {
    case PORT_ENABLE: port.status &= std::uint16_t(~kEnable); return true;
    case PORT_SUSPEND:
        if (port.status & kSuspend) port.change |= kSuspend;
        port.status &= std::uint16_t(~kSuspend);
        return true;
    case PORT_POWER: return true;
    default: return false;
    }
}

/// 11.12.4: a bit for each port that changed, and bit 0 for the hub.
UsbReply Hub::data_in(std::uint8_t endpoint, MutableBytes room) {
    if (endpoint != (kChangesIn & 0xf)) return {UsbHandshake::Stall, 0};
    std::uint16_t changed = 0;
    for (unsigned number = 0; number < kPortCount; ++number)
        if (ports_[number].change) changed |= std::uint16_t(2u << number);
    if (changed == 0) return {UsbHandshake::Nak, 0};
    const std::uint8_t bytes[] = {std::uint8_t(changed), std::uint8_t(changed >> 8)};
    const std::size_t size = std::min<std::size_t>(sizeof bytes, room.size);
    std::copy_n(bytes, size, room.data);
    return {UsbHandshake::Ack, std::uint32_t(size)};
}

}  // namespace backplane::usb
