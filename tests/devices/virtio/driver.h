// The guest's side of a virtio device: finds it behind a transport, negotiates, builds split rings in RAM as Linux
// does, and looks at what comes back.
#pragma once

#include <backplane/draft/address_space.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>
#include <backplane/virtio.h>

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace backplane::testing {

enum class Kind { MmioLegacy, MmioModern, PciLegacy, PciModern };
inline bool is_legacy(Kind kind) { return kind == Kind::MmioLegacy || kind == Kind::PciLegacy; }
inline bool is_pci(Kind kind) { return kind == Kind::PciLegacy || kind == Kind::PciModern; }

/// The registers of one transport, as a driver uses them.
class Registers {
  public:
    virtual ~Registers() = default;
    virtual std::uint64_t features() = 0;
    virtual void set_features(std::uint64_t features) = 0;
    virtual std::uint8_t status() = 0;
    virtual void set_status(std::uint8_t status) = 0;
    virtual unsigned queue_size(unsigned queue) = 0;
    virtual void set_queue(unsigned queue, unsigned size, std::uint64_t descriptors,
                           std::uint64_t driver_area, std::uint64_t device_area) = 0;
    virtual void notify(unsigned queue) = 0;
    /// Bits since the last call: 1 for a queue, 2 for the configuration.
    virtual unsigned interrupts() = 0;
    virtual std::uint64_t config(unsigned offset, unsigned size) = 0;
    virtual void set_config(unsigned offset, std::uint64_t value, unsigned size) = 0;
};

struct Piece {
    std::uint64_t address;
    std::uint32_t size;
    bool writable = false;
};

/// A split queue in the guest's RAM, in the legacy layout, which suits modern drivers as well.
class Ring {
  public:
    static constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;

    Ring(DeviceBench& bench, Registers& registers, unsigned index, unsigned size, std::uint64_t base);

    /// Makes a chain available; does not notify.
    unsigned add(const std::vector<Piece>& pieces);
    unsigned add_indirect(std::uint64_t table, const std::vector<Piece>& pieces);
    void notify() { registers_.notify(index_); }
    /// What add() would do, bit by bit, for rings that are wrong.
    void set_descriptor(unsigned index, std::uint64_t address, std::uint32_t size, std::uint16_t flags,
                        std::uint16_t next);
    void make_available(std::uint16_t head);
    void set_available_index(std::uint16_t index);
    void set_available_flags(std::uint16_t flags) { put<std::uint16_t>(available_, flags); }
    void set_used_event(std::uint16_t index) { put<std::uint16_t>(available_ + 4 + 2 * size_, index); }
    std::uint16_t available_event() const { return get<std::uint16_t>(used_ + 4 + 8 * size_); }
    std::uint16_t used_flags() const { return get<std::uint16_t>(used_); }

    struct Used {
        std::uint32_t id;
        std::uint32_t length;
    };
    /// Requests that came back since the last call.
    std::vector<Used> take_used();
    std::uint16_t used_index() const { return get<std::uint16_t>(used_ + 2); }
    unsigned size() const { return size_; }
    std::uint64_t descriptors() const { return base_; }

  private:
    template <class T>
    T get(std::uint64_t address) const {
        T value;
        std::memcpy(&value, bench_.ram().data + (address - DeviceBench::kRamBase.value), sizeof value);
        return value;
    }
    template <class T>
    void put(std::uint64_t address, T value) {
        std::memcpy(bench_.ram().data + (address - DeviceBench::kRamBase.value), &value, sizeof value);
    }
    DeviceBench& bench_;
    Registers& registers_;
    unsigned index_, size_;
    std::uint64_t base_, available_, used_;
    unsigned next_descriptor_ = 0;
    std::uint16_t next_available_ = 0, seen_used_ = 0;
};

/// A device on a bench behind a transport, with its driver. Holds the machine lock, as those who call a device do.
class Driver {
  public:
    /// `family` is "blk", "net", "rng", "serial" or "balloon".
    Driver(DeviceBench& bench, Kind kind, const std::string& family, const Properties& properties = {});

    /// Resets, negotiates `wanted` (and VERSION_1 where the driver is modern), sets up all queues, sets DRIVER_OK.
    void start(std::uint64_t wanted, unsigned queues);
    /// The steps of it.
    void negotiate(std::uint64_t wanted);
    void set_up_queues(unsigned count);
    void set_driver_ok();

    Registers& registers() { return *registers_; }
    Ring& ring(unsigned index) { return *rings_.at(index); }
    Object& device() { return *device_; }
    Object& transport() { return *transport_; }
    /// What is behind the transport: over PCI a device of its own.
    Object& function();
    /// The device as its transport sees it, past the registers.
    VirtioBackend& backend();
    bool modern() const { return !is_legacy(kind_); }
    bool needs_reset() { return (registers().status() & virtio_status::kNeedsReset) != 0; }

    /// Fresh guest memory.
    std::uint64_t allocate(std::size_t size, std::size_t alignment = 16);
    std::uint64_t place(const void* data, std::size_t size);
    template <class T>
    std::uint64_t place(const T& value) {
        return place(&value, sizeof value);
    }
    std::uint8_t* at(std::uint64_t address) {
        return bench_.ram().data + (address - DeviceBench::kRamBase.value);
    }

    static constexpr std::uint64_t kMmio = 0x10001000;

  private:
    void take_lock();

    DeviceBench& bench_;
    Kind kind_;
    Object* transport_ = nullptr;
    Object* device_ = nullptr;
    std::unique_lock<MachineLock> lock_;
    std::unique_ptr<Registers> registers_;
    std::vector<std::unique_ptr<Ring>> rings_;
    std::uint64_t next_ = DeviceBench::kRamBase.value + 0x10000;
};

/// The part of a fake host end.
template <class T>
T& fake(Object& object) {
    return *static_cast<T*>(object.part(object.type_name()));
}

}  // namespace backplane::testing
