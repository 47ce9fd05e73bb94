// Virtio: what stands between a transport (mmio, PCI), the framework and a device.
// Source: OASIS "Virtual I/O Device (VIRTIO) Version 1.2", committee specification 01; § numbers below are its.
//
//   guest ──registers──▶ transport ──VirtioBackend──▶ framework ◀──VirtioDevice── device (a VirtioFunction)
//         ◀─interrupts──           ◀─VirtioTransport─ (queues)   ──VirtioFunction─▶
//
// The framework is the part that the abstract type "virtio-device" (parent "device", bus "virtio") contributes: it
// owns status, features and queues, reads descriptor rings, and validates all that the driver wrote. A device
// derives its type from "virtio-device", takes VirtioDevice from its own object, and is a VirtioFunction. A bus of
// kind "virtio" joins both sides: its Bus::attach() hands the transport to VirtioBackend::set_transport().
//
// What the driver got wrong in a ring (a loop, a bad index, a chain that is too long or out of order) makes the
// device DEVICE_NEEDS_RESET (§2.1.2): its queues give nothing more until the driver resets it. Multi-byte fields
// are little-endian; the big-endian guests of the legacy interface (§2.2.3) are not served.
//
// Thread: all calls hold the machine lock. Owner: the framework owns queues and chains.
#pragma once

#include <backplane/block.h>
#include <backplane/memory.h>

namespace backplane {

/// Device types (§5).
namespace virtio_id {
inline constexpr std::uint16_t kNetwork = 1, kBlock = 2, kConsole = 3, kEntropy = 4, kBalloon = 5;
}

/// Device status bits (§2.1).
namespace virtio_status {
inline constexpr std::uint8_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8, kNeedsReset = 64,
                              kFailed = 128;
}

/// Feature bits that are not a device's own (§6, §6.3), as masks.
namespace virtio_feature {
inline constexpr std::uint64_t kNotifyOnEmpty = 1ull << 24, kAnyLayout = 1ull << 27, kIndirect = 1ull << 28,
                               kEventIndex = 1ull << 29, kVersion1 = 1ull << 32, kAccessPlatform = 1ull << 33,
                               kRingPacked = 1ull << 34, kRingReset = 1ull << 40;
}

/// One request that the driver made available: a part that the device reads, then a part that it writes.
/// Lives from VirtioQueue::take() to complete() or give_back(); a device reset withdraws those still out, after
/// VirtioFunction::device_reset().
class VirtioChain {
  public:
    /// In bytes.
    virtual std::uint64_t readable_size() const = 0;
    virtual std::uint64_t writable_size() const = 0;
    /// Copies from the readable part at `offset`; says how many bytes there were.
    virtual std::size_t read(std::uint64_t offset, MutableBytes to) = 0;
    /// Copies into the writable part at `offset`; says how many bytes had room.
    virtual std::size_t write(std::uint64_t offset, Bytes from) = 0;
    /// Host memory that stands for `size` bytes of the readable (writable) part from `offset`, valid until the
    /// chain goes: the guest's own memory where it can be reached, else a copy, which complete() writes back.
    /// Once per part. Empty (the device then needs a reset) when some of it is no memory; `size` is not 0.
    virtual Slice<const IoVector> map_readable(std::uint64_t offset, std::uint64_t size) = 0;
    virtual Slice<const IoVector> map_writable(std::uint64_t offset, std::uint64_t size) = 0;
    /// Returns the request to the driver; `written` bytes of the writable part, from its start, are new (§2.7.8).
    /// The driver is told by VirtioQueue::interrupt().
    virtual void complete(std::uint64_t written) = 0;
    /// Puts the request back as if it had not been taken. Only for the one that was taken last.
    virtual void give_back() = 0;

  protected:
    ~VirtioChain() = default;
};

class VirtioQueue {
  public:
    virtual unsigned index() const = 0;
    /// Entries, as the driver chose; 0 while it is not set up.
    virtual unsigned size() const = 0;
    virtual bool ready() const = 0;
    /// The next request, or null: none is there, the queue is not ready, DRIVER_OK is not set, or the device
    /// needs a reset.
    virtual VirtioChain* take() = 0;
    /// Would take() have something?
    virtual bool empty() = 0;
    /// Bytes that the driver made available to write (read) in requests not yet taken; counts up to `enough`.
    virtual std::uint64_t writable_bytes(std::uint64_t enough) = 0;
    virtual std::uint64_t readable_bytes(std::uint64_t enough) = 0;
    /// Tells the driver of the requests completed since the last call, unless it asked not to be told (§2.7.7).
    virtual void interrupt() = 0;
    /// Asks the driver (not) to notify of further requests (§2.7.10). A device that turns it on again looks at
    /// empty() once more afterwards.
    virtual void want_notifications(bool wanted) = 0;

  protected:
    ~VirtioQueue() = default;
};

/// Implemented by a device's part and given to VirtioDevice::set_function().
class VirtioFunction {
  public:
    /// The driver made requests available in `queue`.
    virtual void queue_notified(VirtioQueue& queue) = 0;
    /// `config` is about to be read by the driver: bring what changes by itself up to date.
    virtual void config_reading(MutableBytes config) = 0;
    /// The driver wrote `size` bytes at `offset`; they are in `config` now. Put back what it may not change.
    virtual void config_written(MutableBytes config, std::uint64_t offset, std::uint64_t size) = 0;
    /// Features that the device accepts of those that the driver chose; FEATURES_OK falls when they differ (§3.1.1).
    virtual std::uint64_t accept_features(std::uint64_t chosen) = 0;
    /// The driver set status bits (it is not 0; a reset has its own call).
    virtual void status_changed(std::uint8_t status) = 0;
    /// The driver or the machine resets the device: no request is in the works and no chain in use afterwards.
    virtual void device_reset() = 0;
    /// The driver resets one queue (§2.6.1): the same for that queue's chains.
    virtual void queue_reset(VirtioQueue& queue) = 0;

  protected:
    ~VirtioFunction() = default;
};

/// A function that implements only what it needs.
class VirtioFunctionBase : public VirtioFunction {
  public:
    void queue_notified(VirtioQueue&) override {}
    void config_reading(MutableBytes) override {}
    void config_written(MutableBytes, std::uint64_t, std::uint64_t) override {}
    std::uint64_t accept_features(std::uint64_t chosen) override { return chosen; }
    void status_changed(std::uint8_t) override {}
    void device_reset() override {}
    void queue_reset(VirtioQueue&) override {}

  protected:
    ~VirtioFunctionBase() = default;
};

/// What the framework gives to a device.
class VirtioDevice {
  public:
    static constexpr const char* kId = "backplane.virtio-device/1";
    /// In the part's constructor.
    virtual void set_function(VirtioFunction& function, std::uint16_t device_id) = 0;
    /// The device's own feature bits. The framework adds those of rings and transports. While realizing.
    virtual void offer_features(std::uint64_t features) = 0;
    /// Makes all queues, by the size that they have until the driver chooses one (a power of two, 2 to 1024 entries
    /// each; at most 1024 queues). Once, while realizing. Destroyed with the device.
    virtual bool create_queues(Slice<const std::uint16_t> sizes, Errors& errors) = 0;
    virtual std::size_t queue_count() const = 0;
    virtual VirtioQueue& queue(std::size_t index) = 0;
    /// The configuration space, made (zeroed) with the first call, while realizing.
    virtual MutableBytes create_config(std::size_t size) = 0;
    /// Configuration changed: counts its generation up and tells the driver (§2.5, §2.3).
    virtual void config_changed() = 0;
    /// The features in force. Before FEATURES_OK (or, for a legacy driver, DRIVER_OK) what was chosen so far.
    virtual std::uint64_t features() const = 0;
    virtual std::uint8_t status() const = 0;
    bool driver_ok() const { return (status() & virtio_status::kDriverOk) != 0; }
    bool has(std::uint64_t feature) const { return (features() & feature) == feature; }
    /// The driver broke the rules: DEVICE_NEEDS_RESET, a configuration interrupt, and the reason in the log.
    virtual void need_reset(Str reason) = 0;
    /// The port that reaches what descriptors point to.
    virtual DmaPort& dma() = 0;

  protected:
    ~VirtioDevice() = default;
};

/// How a device reaches its driver. Implemented by a transport.
class VirtioTransport {
  public:
    virtual void queue_interrupt(unsigned queue) = 0;
    virtual void config_interrupt() = 0;
    /// The port that the transport masters the memory with.
    virtual DmaPort& dma() = 0;
    /// Does the driver use the legacy interface only (§2.2.3)? Then VERSION_1 is not offered.
    virtual bool legacy_only() const = 0;

  protected:
    ~VirtioTransport() = default;
};

/// Where a queue's three areas lie (§2.6). Fixed.
struct VirtioQueueLayout {
    GuestAddress descriptors;
    GuestAddress driver_area;  ///< split: the available ring
    GuestAddress device_area;  ///< split: the used ring
};

/// What the framework gives to a transport. Queue numbers that do not exist give 0 and take nothing.
class VirtioBackend {
  public:
    static constexpr const char* kId = "backplane.virtio-backend/1";
    /// By the bus, before the device is realized. Null takes it away.
    virtual void set_transport(VirtioTransport* transport) = 0;
    virtual std::uint16_t device_id() const = 0;
    virtual std::size_t queue_count() const = 0;

    virtual std::uint8_t status() const = 0;
    /// The driver wrote the status register; 0 resets the device (§2.4). FEATURES_OK is refused by staying clear.
    virtual void set_status(std::uint8_t status) = 0;
    /// Modern drivers see all bits; a legacy one the low 32, without VERSION_1.
    virtual std::uint64_t offered_features() const = 0;
    virtual std::uint64_t driver_features() const = 0;
    virtual void set_driver_features(std::uint64_t features) = 0;

    /// What a driver may choose up to; 0: there is no such queue.
    virtual std::uint16_t queue_max_size(unsigned queue) const = 0;
    virtual std::uint16_t queue_size(unsigned queue) const = 0;
    /// A power of two up to the maximum; anything else is ignored and logged.
    virtual void set_queue_size(unsigned queue, std::uint16_t size) = 0;
    virtual VirtioQueueLayout queue_layout(unsigned queue) const = 0;
    virtual void set_queue_layout(unsigned queue, const VirtioQueueLayout& layout) = 0;
    /// The legacy layout (§2.7.2): all in one piece at `base`, the used ring at the next multiple of `alignment`.
    /// Base 0 takes the queue down; anything else makes it ready.
    virtual void set_legacy_queue(unsigned queue, GuestAddress base, std::uint32_t alignment) = 0;
    virtual bool queue_ready(unsigned queue) const = 0;
    virtual void set_queue_ready(unsigned queue, bool ready) = 0;
    /// §2.6.1; the queue is not ready afterwards.
    virtual void reset_queue(unsigned queue) = 0;
    virtual void notify(unsigned queue) = 0;

    virtual std::uint32_t config_size() const = 0;
    /// Bytes past the end read as 0.
    virtual void read_config(std::uint64_t offset, MutableBytes to) = 0;
    virtual void write_config(std::uint64_t offset, Bytes from) = 0;
    virtual std::uint32_t config_generation() const = 0;

  protected:
    ~VirtioBackend() = default;
};

/// Offered by a bus object of kind "virtio" ("virtio-mmio-bus", "virtio-pci-bus"), for the transport that made it.
class VirtioTransportBus {
  public:
    static constexpr const char* kId = "backplane.virtio-transport-bus/1";
    /// Once, before a device is plugged in.
    virtual void set_transport(VirtioTransport& transport) = 0;
    /// The device on the bus; null while there is none.
    virtual VirtioBackend* backend() = 0;

  protected:
    ~VirtioTransportBus() = default;
};

/// Default: AsProperties.
enum class VirtioPciInterface : std::uint8_t { AsProperties, Transitional, ModernOnly };

/// The class data of a type derived from "virtio-pci": the device that it puts on PCI. Such a type needs no part of
/// its own. It is a proxy: its backend is a child "virtio-backend", whose properties it has as well (TypeInfo::forwards
/// names the same type). Sized.
struct VirtioPciClass {
    std::uint32_t struct_size = sizeof(VirtioPciClass);
    const char* backend;       ///< the type derived from "virtio-device"
    std::uint32_t class_code;  ///< of a transitional or modern function (base << 16 | sub << 8 | interface)
    static constexpr std::uint16_t kNoVectors = 0xffff;
    /// MSI-X vectors when the property `vectors` leaves it open; 0: one per queue and one for the configuration;
    /// kNoVectors: it has no MSI-X then.
    std::uint16_t vectors = 0;
    VirtioPciInterface interface = VirtioPciInterface::AsProperties;
};

}  // namespace backplane
