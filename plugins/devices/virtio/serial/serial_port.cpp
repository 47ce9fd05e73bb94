#include "serial_port.h"

#include "serial.h"

#include <algorithm>

namespace backplane::virtio {

namespace {
/// Bytes that one notification moves, so that a chain of gigabytes does not keep the machine.
constexpr std::size_t kMostAtOnce = 1u << 20;
}  // namespace

SerialPort::SerialPort(Object& object, const PortClass& row)
    : context_(device_context(object)), console_(row.console) {
    describe(context_.state(), "guest_open", guest_open_, 0, false);
    describe(context_.state(), "sent", sent_, 0, false);
    describe(context_.state(), "host_open", told_open_, 0, false);
}

bool SerialPort::realize(Errors& errors) {
    if (!device_) {
        errors.fail("'" + std::string(context_.object().type_name().view()) +
                    "' is on no virtio-serial bus; add a virtio-serial device ahead of it");
        return false;
    }
    later_.create(context_.clock());
    gate_.create(context_);
    if (chardev_ && !chardev_->connect(this)) {
        errors.fail("property 'chardev' names a chardev that another device uses");
        return false;
    }
    return true;
}

void SerialPort::unrealize() {
    later_.cancel();
    if (chardev_) chardev_->disconnect(*this);
}

void SerialPort::forget_driver() {
    later_.cancel();
    guest_open_ = false;
    sent_ = 0;
}

void SerialPort::guest_opened(bool open) {
    guest_open_ = open;
    if (open) room_to_receive();
}

/// Somebody may have come to the host's end, or gone, since the machine was saved.
void SerialPort::resume() {
    if (device_ && host_open() != told_open_) device_->tell_open(*this);
}

// To the host.

void SerialPort::transmit(VirtioQueue& queue) {
    if (gate_.shut()) return;
    std::size_t moved = 0;
    while (VirtioChain* chain = queue.take()) {
        while (sent_ < chain->readable_size()) {
            if (moved >= kMostAtOnce) {
                chain->give_back();
                queue.interrupt();
                later_.arm(context_.clock().now_ns());
                return;
            }
            std::uint8_t bytes[4096];
            const std::size_t size = chain->read(sent_, bytes);
            // With nobody at the other end, bytes are lost as on a wire.
            const std::size_t taken = chardev_ ? std::min(chardev_->write({bytes, size}), size) : size;
            sent_ += taken;
            moved += taken;
            if (taken == size) continue;
            chain->give_back();
            queue.interrupt();
            return;  // can_send() goes on
        }
        sent_ = 0;
        chain->complete(0);
    }
    queue.interrupt();
}

void SerialPort::can_send() {
    if (VirtioQueue* queue = device_ ? device_->transmit_queue(number_) : nullptr) transmit(*queue);
}

void SerialPort::emergency_write(std::uint8_t byte) {
    if (chardev_) chardev_->write({&byte, 1});
}

// From the host.

void SerialPort::room_to_receive() {
    if (chardev_) chardev_->accept_input();
}

std::size_t SerialPort::can_receive() {
    constexpr std::size_t kEnough = 4096;
    VirtioQueue* queue = device_ ? device_->receive_queue(number_) : nullptr;
    if (!queue || gate_.shut() || (device_->multiport() && !console_ && !guest_open_)) return 0;
    return std::size_t(queue->writable_bytes(kEnough));
}

void SerialPort::receive(Bytes bytes) {
    VirtioQueue* queue = device_ ? device_->receive_queue(number_) : nullptr;
    if (!queue) return;
    std::size_t done = 0;
    while (done < bytes.size) {
        VirtioChain* chain = queue->take();
        if (!chain) break;
        const std::size_t wrote = chain->write(0, {bytes.data + done, bytes.size - done});
        chain->complete(wrote);
        done += wrote;
    }
    queue->interrupt();
}

void SerialPort::char_event(CharEvent event) {
    if (event != CharEvent::Opened && event != CharEvent::Closed) return;  // §5.3 has no message for others
    host_open_ = event == CharEvent::Opened;
    if (device_ && !console_) device_->tell_open(*this);
}

}  // namespace backplane::virtio
