// The schedule: frame list, queue heads and transfer descriptors (UHCI Design Guide 1.1, chapter 3).
//
// They are the guest's, and may loop or lie: a frame ends after so many descriptors, or so many bytes as a full-speed
// bus moves in one.
#include "uhci.h"

#include <algorithm>

namespace backplane::usb {

using namespace uhci;

namespace {

constexpr std::uint64_t kFrameTime = 1'000'000;  // ns
constexpr unsigned kMostSteps = 256;
constexpr unsigned kMostBytes = 1280;  // 3.2.3: what MaxLen can be

// Links (3.1.1, 3.2.1)
constexpr std::uint32_t kTerminate = 1 << 0, kQueue = 1 << 1, kDepthFirst = 1 << 2, kLinkMask = ~0xfu;
// Control and status (3.2.2)
constexpr std::uint32_t kActualMask = 0x7ff;
constexpr std::uint32_t kTimeout = 1 << 18, kNak = 1 << 19, kBabble = 1 << 20, kStalled = 1 << 22,
                        kActive = 1 << 23, kComplete = 1 << 24, kIsochronous = 1 << 25,
                        kShortDetect = 1 << 29;
constexpr std::uint32_t kStatusMask = 0x00ff0000;
constexpr unsigned kErrorsShift = 27;
constexpr std::uint32_t kErrorsMask = 3u << kErrorsShift;
// Token (3.2.3)
constexpr std::uint8_t kIn = 0x69, kOut = 0xe1, kSetup = 0x2d;

std::uint32_t length_of(std::uint32_t field) { return (field + 1) & kActualMask; }

}  // namespace

void Uhci::frame() {
    run_frame();
    if (!(command_ & kRun)) return;
    frame_number_ = (frame_number_ + 1) & kFrameNumberMask;
    // Frames that the host had no time for are left out.
    next_frame_ns_ = std::max(next_frame_ns_, context_.clock().now_ns()) + kFrameTime;
    schedule();
}

void Uhci::halt(std::uint16_t why) {
    command_ &= std::uint16_t(~kRun);
    status_ |= std::uint16_t(kHalted | why);
    update_interrupt();
}

void Uhci::run_frame() {
    if (!pci_->bus_master_enabled()) return;
    std::uint8_t bytes[4] = {};
    if (!context_.dma().read(GuestAddress(frame_list_ + (frame_number_ % kFrames) * 4), bytes))
        return halt(kSystemError);
    std::uint32_t link = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | std::uint32_t{bytes[3]} << 24;
    Walk walk;
    while (!(link & kTerminate) && goes_on(walk)) {
        if (link & kQueue) {
            if (!walk_queue(link, walk)) break;
            continue;
        }
        std::optional<Transfer> transfer = load(link & kLinkMask);
        if (!transfer) return halt(kSystemError);
        if (execute(*transfer, walk) == Next::HaltController) return halt(kProcessError);
        link = transfer->link;
    }
    update_interrupt();
}

bool Uhci::goes_on(Walk& walk) const {
    return ++walk.steps < kMostSteps && walk.bytes < kMostBytes && command_ & kRun;
}

/// One queue, from its element on; `link` is then what stands beside it. False: the frame ends.
bool Uhci::walk_queue(std::uint32_t& link, Walk& walk) {
    const std::uint32_t queue = link & kLinkMask;
    // Round a ring of queues in which nothing happens there is no point in going.
    if (queue == walk.first_queue && !walk.moved) return false;
    if (walk.first_queue == 0 || walk.moved) walk.first_queue = queue;
    walk.moved = false;
    std::uint32_t element = 0;
    DmaPort& memory = context_.dma();
    std::uint8_t bytes[8] = {};
    if (!memory.read(GuestAddress(queue), bytes)) {
        halt(kSystemError);
        return false;
    }
    const auto word = [&](unsigned at) {
        return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | std::uint32_t{bytes[at + 3]} << 24;
    };
    link = word(0);
    element = word(4);
    while (!(element & kTerminate) && goes_on(walk)) {
        if (element & kQueue) {
            // A queue in place of an element: it is gone through, and what is beside it counts.
            if (!walk_queue(element, walk)) return false;
            continue;
        }
        std::optional<Transfer> transfer = load(element & kLinkMask);
        if (!transfer) {
            halt(kSystemError);
            return false;
        }
        const Next next = execute(*transfer, walk);
        if (next == Next::HaltController) {
            halt(kProcessError);
            return false;
        }
        if (next == Next::Stay) break;
        element = transfer->link;
        dma_store(memory, GuestAddress(queue + 4), element);
        if (!(element & kDepthFirst)) break;
    }
    return true;
}

std::optional<Uhci::Transfer> Uhci::load(std::uint32_t address) {
    std::uint8_t bytes[16] = {};
    if (!context_.dma().read(GuestAddress(address), bytes)) return std::nullopt;
    const auto word = [&](unsigned at) {
        return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | std::uint32_t{bytes[at + 3]} << 24;
    };
    return Transfer{address, word(0), word(4), word(8), word(12)};
}

UsbFunction* Uhci::find(std::uint8_t address) {
    for (Port& port : ports_)
        if (port.function && port.status & kEnabled && !(port.status & kPortSuspended))
            if (UsbFunction* found = port.function->find(address)) return found;
    return nullptr;
}

UsbReply Uhci::transact(const Transfer& transfer, std::uint8_t* data, std::uint32_t length) {
    UsbFunction* function = find(std::uint8_t(transfer.token >> 8 & 0x7f));
    const auto endpoint = std::uint8_t(transfer.token >> 15 & 0xf);
    if (!function) return {};
    switch (std::uint8_t(transfer.token)) {
    case kSetup: return function->setup(endpoint, {data, length});
    case kOut: return function->out(endpoint, {data, length});
    default: return function->in(endpoint, {data, length});
    }
}

Uhci::Next Uhci::execute(Transfer& transfer, Walk& walk) {
    if (!(transfer.control & kActive)) return Next::Stay;
    const std::uint32_t length = length_of(transfer.token >> 21);
    const auto token = std::uint8_t(transfer.token);
    if (length > kMostBytes || (token != kIn && token != kOut && token != kSetup))
        return Next::HaltController;
    std::uint8_t data[kMostBytes] = {};
    DmaPort& memory = context_.dma();
    if (token != kIn && length != 0 && !memory.read(GuestAddress(transfer.buffer), {data, length})) {
        halt(kSystemError);
        return Next::Stay;
    }
    const UsbReply reply = transact(transfer, data, length);
    if (reply.handshake == UsbHandshake::Ack && token == kIn && reply.length != 0)
        memory.write(GuestAddress(transfer.buffer), {data, std::min(reply.length, length)});
    const Next next = finish(transfer, reply, length);
    if (next != Next::Stay || !(transfer.control & kActive)) walk.moved = true;
    walk.bytes += std::max<std::uint32_t>(length, 8);
    dma_store(memory, GuestAddress(transfer.address + 4), transfer.control);
    return next;
}

/// 3.4: what the transfer's status says, and what follows for the queue.
Uhci::Next Uhci::finish(Transfer& transfer, const UsbReply& reply, std::uint32_t length) {
    const bool in = std::uint8_t(transfer.token) == kIn;
    transfer.control &= ~kStatusMask | kActive;
    switch (reply.handshake) {
    case UsbHandshake::Nak: transfer.control |= kNak; return Next::Stay;
    case UsbHandshake::Stall: retire(transfer, kStalled); return Next::Stay;
    case UsbHandshake::Ack: break;
    case UsbHandshake::Silence: {
        const std::uint32_t left = (transfer.control & kErrorsMask) >> kErrorsShift;
        transfer.control |= kTimeout;
        if (transfer.control & kIsochronous) {
            transfer.control &= ~kActive;
            return Next::Advance;
        }
        // 3.2.2: a count of 0 means that errors are not counted.
        if (left != 0) transfer.control = (transfer.control & ~kErrorsMask) | (left - 1) << kErrorsShift;
        if (left == 1) retire(transfer, kTimeout | kStalled);
        return Next::Stay;
    }
    }
    if (in && reply.length > length) {
        retire(transfer, kStalled | kBabble);
        return Next::Stay;
    }
    const std::uint32_t actual = in ? reply.length : length;
    transfer.control = (transfer.control & ~(kActualMask | kActive)) | ((actual - 1) & kActualMask);
    if (transfer.control & kComplete) {
        status_ |= kInterrupt;
        completed_ = true;
    }
    if (in && actual < length && transfer.control & kShortDetect) {
        status_ |= kInterrupt;
        short_packet_ = true;
        return Next::Stay;
    }
    return Next::Advance;
}

void Uhci::retire(Transfer& transfer, std::uint32_t errors) {
    transfer.control = (transfer.control & ~kActive) | errors;
    status_ |= kError;
    if (!(transfer.control & kComplete)) return;
    status_ |= kInterrupt;
    completed_ = true;
}

}  // namespace backplane::usb
