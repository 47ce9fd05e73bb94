#include "virtio_guest.h"

#include <backplane/pci.h>
#include <backplane/virtio.h>

namespace backplane::testing {
namespace {

using namespace virtio_status;

// Where the board has them.
constexpr std::uint64_t kSlotSize = 0x1000, kMemory32 = 0x40000000;
// In the board's RAM.
constexpr std::uint64_t kRings = 0x200000, kRingsOfDevice = 0x10000, kRingsOfQueue = 0x2000;
constexpr std::uint64_t kBuffers = 0x400000, kBuffersSize = 0x100000;
// Registers of virtio-mmio (VIRTIO 1.2, §4.2.2, §4.2.4), and of the common configuration over PCI (§4.1.4.3).
enum : std::uint64_t {
    // over memory
    kVersion = 0x04,
    kDeviceId = 0x08,
    kDriverFeatures = 0x20,
    kDriverFeaturesSel = 0x24,
    kGuestPageSize = 0x28,
    kQueueSel = 0x30,
    kQueueNum = 0x38,
    kQueueAlign = 0x3c,
    kQueuePfn = 0x40,
    kQueueReady = 0x44,
    kQueueNotify = 0x50,
    kInterruptAck = 0x64,
    kStatus = 0x70,
    kQueueDesc = 0x80,
    kQueueDriver = 0x90,
    kQueueDevice = 0xa0,
    kConfig = 0x100,
    // over PCI
    kPciDriverFeatureSelect = 0x08,
    kPciDriverFeature = 0x0c,
    kPciStatus = 0x14,
    kPciQueueSelect = 0x16,
    kPciQueueSize = 0x18,
    kPciQueueEnable = 0x1c,
    kPciQueueDesc = 0x20,
    kPciQueueDriver = 0x28,
    kPciQueueDevice = 0x30,
    kPciIsr = 0x1000,
    kPciConfig = 0x2000,
    kPciNotify = 0x3000,
};
// §4.1.2: the device's id, or for transitional ones the subsystem's.
constexpr std::uint64_t kVendor = 0x1af4, kModernIds = 0x1040;
constexpr unsigned kQueuesOf[] = {0, 3, 1, 6, 1, 3};  // by the device's id

struct Piece {
    std::uint32_t size;
    bool writable;
};

std::vector<Piece> block_request(std::mt19937_64& random) {
    return {{16, false}, {std::uint32_t(512 * (1 + random() % 4)), random() % 2 == 0}, {1, true}};
}

/// What the device may want of that queue.
std::vector<Piece> fitting_request(unsigned device, unsigned queue, std::mt19937_64& random) {
    const auto bytes = std::uint32_t(1 + random() % 300);
    switch (device) {
    case virtio_id::kBlock: return block_request(random);
    case virtio_id::kNetwork:
        if (queue == 0) return {{1600, true}};
        if (queue == 1) return {{12, false}, {60 + bytes, false}};
        return {{2, false}, {6, false}, {1, true}};
    case virtio_id::kConsole:
        if (queue == 3) return {{8, false}};
        return {{bytes, queue % 2 == 0}};
    case virtio_id::kBalloon: return {{4 * (1 + bytes % 8), false}};
    default: return {{bytes, true}};
    }
}

std::vector<Piece> any_request(std::mt19937_64& random) {
    if (random() % 4 == 0) return block_request(random);
    if (random() % 3 == 0) return {{std::uint32_t(1 + random() % 300), random() % 2 == 0}};
    return fitting_request(unsigned(1 + random() % 5), unsigned(random() % 6), random);
}

}  // namespace

void VirtioGuest::find(SavedBoard& board) {
    const auto add = [&](Kind kind, std::uint64_t base, std::uint64_t id) {
        devices_.push_back(
            {kind, base, board.places().ram + kRings + devices_.size() * kRingsOfDevice, unsigned(id)});
    };
    if (const std::uint64_t slots = board.places().virtio_mmio)
        for (std::uint64_t slot = slots; slot < slots + 8 * kSlotSize; slot += kSlotSize)
            if (const std::uint64_t id = board.bench.load(slot + kDeviceId, 4))
                add(board.bench.load(slot + kVersion, 4) == 1 ? Kind::MmioLegacy : Kind::MmioModern, slot,
                    id);
    for (unsigned number = 0; number < 32; ++number) {
        const unsigned function = number << 3;
        if (board.config(function, pci::kVendorId, 2) != kVendor) continue;
        const std::uint64_t memory = kMemory32 + (std::uint64_t{number} << 20);
        board.set_config(function, pci::kBar0, board.places().io_bars + (number << 8), 4);
        board.set_config(function, pci::kBar0 + 4, memory + 0x80000, 4);
        board.set_config(function, pci::kBar0 + 16, memory, 4);
        board.set_config(function, pci::kBar0 + 20, 0, 4);
        board.set_config(function, pci::kCommand,
                         pci::kCommandIo | pci::kCommandMemory | pci::kCommandBusMaster, 2);
        const std::uint64_t id = board.config(function, pci::kDeviceId, 2);
        add(Kind::Pci, memory,
            id >= kModernIds ? id - kModernIds : board.config(function, pci::kSubsystemId, 2));
    }
}

void VirtioGuest::set_up_queue(SavedBoard& board, Device& device, unsigned index) {
    BoardBench& bench = board.bench;
    Queue& queue = device.queues[index];
    queue = {.base = device.memory + index * kRingsOfQueue};
    for (std::uint64_t at = 0; at < kRingsOfQueue; at += 8) bench.store(queue.base + at, 0, 8);
    const std::uint64_t areas[] = {queue.base, driver_area(queue.base), device_area(queue.base)};
    if (device.kind == Kind::Pci) {
        bench.store(device.base + kPciQueueSelect, index, 2);
        bench.store(device.base + kPciQueueSize, kSize, 2);
        for (unsigned i = 0; i < 3; ++i) {
            bench.store(device.base + kPciQueueDesc + 8 * i, areas[i] & 0xffffffff, 4);
            bench.store(device.base + kPciQueueDesc + 8 * i + 4, areas[i] >> 32, 4);
        }
        bench.store(device.base + kPciQueueEnable, 1, 2);
        return;
    }
    bench.store(device.base + kQueueSel, index, 4);
    bench.store(device.base + kQueueNum, kSize, 4);
    if (device.kind == Kind::MmioLegacy) {
        bench.store(device.base + kQueueAlign, 4096, 4);
        bench.store(device.base + kQueuePfn, queue.base / 4096, 4);
        return;
    }
    for (unsigned i = 0; i < 3; ++i) {
        bench.store(device.base + kQueueDesc + 0x10 * i, areas[i] & 0xffffffff, 4);
        bench.store(device.base + kQueueDesc + 0x10 * i + 4, areas[i] >> 32, 4);
    }
    bench.store(device.base + kQueueReady, 1, 4);
}

void VirtioGuest::set_up(SavedBoard& board, Device& device, std::mt19937_64& random) {
    BoardBench& bench = board.bench;
    const std::uint64_t features = random() % 3 ? ~std::uint64_t{0} : random();
    const auto set_status = [&](std::uint64_t status) {
        if (device.kind == Kind::Pci) bench.store(device.base + kPciStatus, status, 1);
        else bench.store(device.base + kStatus, status, 4);
    };
    set_status(0);
    set_status(kAcknowledge | kDriver);
    const bool pci = device.kind == Kind::Pci;
    for (unsigned half = 0; half < 2; ++half) {
        bench.store(device.base + (pci ? kPciDriverFeatureSelect : kDriverFeaturesSel), half, 4);
        bench.store(device.base + (pci ? kPciDriverFeature : kDriverFeatures),
                    features >> 32 * half & 0xffffffff, 4);
    }
    if (device.kind == Kind::MmioLegacy) bench.store(device.base + kGuestPageSize, 4096, 4);
    else set_status(kAcknowledge | kDriver | kFeaturesOk);
    device.queues = {};
    for (unsigned index = 0; index < device.queues.size(); ++index)
        if (random() % 8) set_up_queue(board, device, index);
    set_status(kAcknowledge | kDriver | (device.kind == Kind::MmioLegacy ? 0 : kFeaturesOk) | kDriverOk);
}

void VirtioGuest::notify(SavedBoard& board, const Device& device, unsigned index) {
    if (device.kind == Kind::Pci) board.bench.store(device.base + kPciNotify + 4 * index, index, 2);
    else board.bench.store(device.base + kQueueNotify, index, 4);
}

void VirtioGuest::offer(SavedBoard& board, Device& device, unsigned index, std::mt19937_64& random) {
    BoardBench& bench = board.bench;
    Queue& queue = device.queues[index];
    if (queue.base == 0) return;
    // Where the descriptors of three more requests are free; mostly.
    const auto out = std::uint16_t(queue.available - bench.load(device_area(queue.base) + 2, 2));
    if (out > 1 && random() % 64) return;
    const std::vector<Piece> shape =
        random() % 16 ? fitting_request(device.id, index, random) : any_request(random);
    const auto head = std::uint16_t(queue.next % kSize);
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const std::uint64_t buffer = board.places().ram + kBuffers + random() % kBuffersSize / 4096 * 4096;
        const std::uint64_t at = queue.base + 16 * (queue.next++ % kSize);
        bench.store(at, buffer, 8);
        bench.store(at + 8, shape[i].size, 4);
        bench.store(at + 12, (shape[i].writable ? 2u : 0u) | (i + 1 < shape.size() ? 1u : 0u), 2);
        bench.store(at + 14, queue.next % kSize, 2);
        if (shape[i].writable) continue;
        // A type or number of an event, and a sector; or nothing at all.
        const bool blank = random() % 2;
        bench.store(buffer, blank ? 0 : random() % 14, 4);
        bench.store(buffer + 4, blank ? 0 : random() % 8 | random() % 2 << 16, 4);
        bench.store(buffer + 8, blank ? 0 : random() % 130, 8);
    }
    const std::uint64_t available = driver_area(queue.base);
    bench.store(available + 4 + 2 * (queue.available++ % kSize), head, 2);
    bench.store(available + 2, queue.available, 2);
    if (random() % 8 == 0) bench.store(available, random() % 2, 2);
    if (random() % 8 == 0) bench.store(available + 4 + 2 * kSize, queue.available, 2);
}

void VirtioGuest::act(SavedBoard& board, std::mt19937_64& random, Observed& observed) {
    if (devices_.empty()) return;
    Device& device = devices_[random() % devices_.size()];
    const bool known = device.id < std::size(kQueuesOf) && random() % 16;
    const auto index = unsigned(random() % (known ? kQueuesOf[device.id] : device.queues.size()));
    const bool pci = device.kind == Kind::Pci;
    const std::uint64_t config = device.base + (pci ? kPciConfig : kConfig) + random() % 64;
    BoardBench& bench = board.bench;
    switch (random() % 16) {
    case 0: return set_up(board, device, random);
    case 1: return observed.push_back(bench.load(config, 1));
    case 2: return bench.store(config, random() % 256, 1);
    case 3:
        if (pci) return observed.push_back(bench.load(device.base + kPciIsr, 1));
        return bench.store(device.base + kInterruptAck, random() % 4, 4);
    case 4:
    case 5:
    case 6: return notify(board, device, index);
    default:
        offer(board, device, index, random);
        if (random() % 2) notify(board, device, index);
    }
}

}  // namespace backplane::testing
