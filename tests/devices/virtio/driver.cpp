#include "driver.h"

#include <stdexcept>

namespace backplane::testing {

namespace {

constexpr std::uint64_t kEcam = 0x30000000, kPio = 0x03000000, kPciMemory = 0x40000000, kBar0 = 0x1000;
constexpr unsigned kSlot = 1;

class Mmio final : public Registers {
  public:
    Mmio(DeviceBench& bench, bool legacy) : bench_(bench), legacy_(legacy) {}

    std::uint64_t features() override {
        put(0x14, 0);
        const std::uint64_t low = get(0x10);
        put(0x14, 1);
        return low | get(0x10) << 32;
    }
    void set_features(std::uint64_t features) override {
        for (std::uint32_t half : {0u, 1u}) {
            put(0x24, half);
            put(0x20, std::uint32_t(features >> 32 * half));
        }
    }
    std::uint8_t status() override { return std::uint8_t(get(0x70)); }
    void set_status(std::uint8_t status) override { put(0x70, status); }
    unsigned queue_size(unsigned queue) override {
        put(0x30, queue);
        return unsigned(get(0x34));
    }
    void set_queue(unsigned queue, unsigned size, std::uint64_t descriptors, std::uint64_t driver_area,
                   std::uint64_t device_area) override {
        put(0x30, queue);
        put(0x38, size);
        if (legacy_) {
            put(0x28, 4096);
            put(0x3c, 4096);
            put(0x40, std::uint32_t(descriptors / 4096));
            return;
        }
        const std::uint64_t areas[] = {descriptors, driver_area, device_area};
        for (unsigned i = 0; i < 3; ++i) {
            put(0x80 + 16 * i, std::uint32_t(areas[i]));
            put(0x84 + 16 * i, std::uint32_t(areas[i] >> 32));
        }
        put(0x44, 1);
    }
    void notify(unsigned queue) override { put(0x50, queue); }
    unsigned interrupts() override {
        const auto bits = unsigned(get(0x60));
        put(0x64, bits);
        return bits;
    }
    std::uint64_t config(unsigned offset, unsigned size) override {
        return bench_.load(GuestAddress(Driver::kMmio + 0x100 + offset), size);
    }
    void set_config(unsigned offset, std::uint64_t value, unsigned size) override {
        bench_.store(GuestAddress(Driver::kMmio + 0x100 + offset), value, size);
    }

  private:
    std::uint64_t get(unsigned offset) { return bench_.load(GuestAddress(Driver::kMmio + offset), 4); }
    void put(unsigned offset, std::uint32_t value) {
        bench_.store(GuestAddress(Driver::kMmio + offset), value, 4);
    }
    DeviceBench& bench_;
    bool legacy_;
};

class PciBase : public Registers {
  protected:
    explicit PciBase(DeviceBench& bench) : bench_(bench) {}
    std::uint64_t config_space(unsigned offset, unsigned size) {
        return bench_.load(GuestAddress(kEcam + (kSlot << 15) + offset), size);
    }
    void set_config_space(unsigned offset, std::uint64_t value, unsigned size) {
        bench_.store(GuestAddress(kEcam + (kSlot << 15) + offset), value, size);
    }
    DeviceBench& bench_;
};

class PciModern final : public PciBase {
  public:
    explicit PciModern(DeviceBench& bench) : PciBase(bench) {
        set_config_space(pci::kBar0 + 16, kPciMemory, 4);
        set_config_space(pci::kBar0 + 20, 0, 4);
        set_config_space(pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster, 2);
        for (auto at = unsigned(config_space(pci::kCapabilities, 1)); at;
             at = unsigned(config_space(at + 1, 1))) {
            if (config_space(at, 1) != pci::kCapabilityVendor) continue;
            const auto type = unsigned(config_space(at + 3, 1));
            if (type < 5) window_[type] = kPciMemory + config_space(at + 8, 4);
            if (type == 2) multiplier_ = unsigned(config_space(at + 16, 4));
        }
    }
    std::uint64_t features() override {
        put(0x00, 0, 4);
        const std::uint64_t low = get(0x04, 4);
        put(0x00, 1, 4);
        return low | get(0x04, 4) << 32;
    }
    void set_features(std::uint64_t features) override {
        for (std::uint32_t half : {0u, 1u}) {
            put(0x08, half, 4);
            put(0x0c, std::uint32_t(features >> 32 * half), 4);
        }
    }
    std::uint8_t status() override { return std::uint8_t(get(0x14, 1)); }
    void set_status(std::uint8_t status) override { put(0x14, status, 1); }
    unsigned queue_size(unsigned queue) override {
        put(0x16, queue, 2);
        return unsigned(get(0x18, 2));
    }
    void set_queue(unsigned queue, unsigned size, std::uint64_t descriptors, std::uint64_t driver_area,
                   std::uint64_t device_area) override {
        put(0x16, queue, 2);
        put(0x18, size, 2);
        const std::uint64_t areas[] = {descriptors, driver_area, device_area};
        for (unsigned i = 0; i < 3; ++i) {
            put(0x20 + 8 * i, std::uint32_t(areas[i]), 4);
            put(0x24 + 8 * i, std::uint32_t(areas[i] >> 32), 4);
        }
        put(0x1c, 1, 2);
        notify_[queue] = window_[2] + multiplier_ * get(0x1e, 2);
    }
    void notify(unsigned queue) override { bench_.store(GuestAddress(notify_[queue]), queue, 2); }
    unsigned interrupts() override { return unsigned(bench_.load(GuestAddress(window_[3]), 1)); }
    std::uint64_t config(unsigned offset, unsigned size) override {
        return bench_.load(GuestAddress(window_[4] + offset), size);
    }
    void set_config(unsigned offset, std::uint64_t value, unsigned size) override {
        bench_.store(GuestAddress(window_[4] + offset), value, size);
    }

  private:
    std::uint64_t get(unsigned offset, unsigned size) {
        return bench_.load(GuestAddress(window_[1] + offset), size);
    }
    void put(unsigned offset, std::uint64_t value, unsigned size) {
        bench_.store(GuestAddress(window_[1] + offset), value, size);
    }
    std::uint64_t window_[5] = {};
    unsigned multiplier_ = 0;
    std::map<unsigned, std::uint64_t> notify_;
};

class PciLegacy final : public PciBase {
  public:
    explicit PciLegacy(DeviceBench& bench) : PciBase(bench) {
        set_config_space(pci::kBar0, kBar0, 4);
        set_config_space(pci::kCommand, pci::kCommandIo | pci::kCommandBusMaster, 2);
    }
    std::uint64_t features() override { return get(0, 4); }
    void set_features(std::uint64_t features) override { put(4, std::uint32_t(features), 4); }
    std::uint8_t status() override { return std::uint8_t(get(18, 1)); }
    void set_status(std::uint8_t status) override { put(18, status, 1); }
    unsigned queue_size(unsigned queue) override {
        put(14, queue, 2);
        return unsigned(get(12, 2));
    }
    void set_queue(unsigned queue, unsigned, std::uint64_t descriptors, std::uint64_t,
                   std::uint64_t) override {
        put(14, queue, 2);
        put(8, descriptors / 4096, 4);
    }
    void notify(unsigned queue) override { put(16, queue, 2); }
    unsigned interrupts() override { return unsigned(get(19, 1)); }
    std::uint64_t config(unsigned offset, unsigned size) override { return get(20 + offset, size); }
    void set_config(unsigned offset, std::uint64_t value, unsigned size) override {
        put(20 + offset, value, size);
    }

  private:
    std::uint64_t get(unsigned offset, unsigned size) {
        return bench_.load(GuestAddress(kPio + kBar0 + offset), size);
    }
    void put(unsigned offset, std::uint64_t value, unsigned size) {
        bench_.store(GuestAddress(kPio + kBar0 + offset), value, size);
    }
};

}  // namespace

Ring::Ring(DeviceBench& bench, Registers& registers, unsigned index, unsigned size, std::uint64_t base)
    : bench_(bench),
      registers_(registers),
      index_(index),
      size_(size),
      base_(base),
      available_(base + 16 * size),
      used_((available_ + 6 + 2 * size + 4095) & ~std::uint64_t{4095}) {
    registers_.set_queue(index, size, base_, available_, used_);
}

void Ring::set_descriptor(unsigned index, std::uint64_t address, std::uint32_t size, std::uint16_t flags,
                          std::uint16_t next) {
    const std::uint64_t at = base_ + 16 * index;
    put(at, address);
    put(at + 8, size);
    put(at + 12, flags);
    put(at + 14, next);
}

void Ring::make_available(std::uint16_t head) {
    put<std::uint16_t>(available_ + 4 + 2 * (next_available_ % size_), head);
    set_available_index(std::uint16_t(next_available_ + 1));
}

void Ring::set_available_index(std::uint16_t index) {
    next_available_ = index;
    put<std::uint16_t>(available_ + 2, index);
}

unsigned Ring::add(const std::vector<Piece>& pieces) {
    const unsigned head = next_descriptor_ % size_;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const unsigned index = next_descriptor_++ % size_;
        const bool more = i + 1 < pieces.size();
        set_descriptor(index, pieces[i].address, pieces[i].size,
                       std::uint16_t((pieces[i].writable ? kWrite : 0) | (more ? kNext : 0)),
                       std::uint16_t(next_descriptor_ % size_));
    }
    make_available(std::uint16_t(head));
    return head;
}

unsigned Ring::add_indirect(std::uint64_t table, const std::vector<Piece>& pieces) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const std::uint64_t at = table + 16 * i;
        put(at, pieces[i].address);
        put(at + 8, pieces[i].size);
        put<std::uint16_t>(
            at + 12, std::uint16_t((pieces[i].writable ? kWrite : 0) | (i + 1 < pieces.size() ? kNext : 0)));
        put<std::uint16_t>(at + 14, std::uint16_t(i + 1));
    }
    const unsigned head = next_descriptor_++ % size_;
    set_descriptor(head, table, std::uint32_t(16 * pieces.size()), kIndirect, 0);
    make_available(std::uint16_t(head));
    return head;
}

std::vector<Ring::Used> Ring::take_used() {
    std::vector<Used> used;
    for (; seen_used_ != used_index(); ++seen_used_) {
        const std::uint64_t at = used_ + 4 + 8 * (seen_used_ % size_);
        used.push_back({get<std::uint32_t>(at), get<std::uint32_t>(at + 4)});
    }
    return used;
}

Driver::Driver(DeviceBench& bench, Kind kind, const std::string& family, const Properties& properties)
    : bench_(bench), kind_(kind) {
    if (is_pci(kind)) {
        Object& host = bench.add("gpex-pcihost", "pci");
        bench.map(host, "ecam", GuestAddress(kEcam));
        bench.map(host, "mmio32", GuestAddress(kPciMemory));
        bench.map(host, "pio", GuestAddress(kPio));
        transport_ = &bench.add("virtio-" + family + "-pci", family, properties, "pci");
        device_ = transport_;
        take_lock();
        if (kind == Kind::PciModern) registers_ = std::make_unique<PciModern>(bench);
        else registers_ = std::make_unique<PciLegacy>(bench);
        bench.focus(*device_);
        return;
    }
    const bool legacy = kind == Kind::MmioLegacy;
    transport_ = &bench.add("virtio-mmio", "slot0", {{"force-legacy", legacy ? "on" : "off"}});
    bench.map(*transport_, "mmio", GuestAddress(kMmio));
    device_ = &bench.add("virtio-" + family + "-device", family, properties, "slot0");
    registers_ = std::make_unique<Mmio>(bench, legacy);
    bench.focus(*device_);
    take_lock();
}

void Driver::take_lock() {
    void* lock = device_context(*device_).host_interface(MachineLock::kId);
    lock_ = std::unique_lock(*static_cast<MachineLock*>(lock));
}

Object& Driver::function() {
    return is_pci(kind_) ? *device_->child("virtio-bus")->child("virtio-backend") : *device_;
}
VirtioBackend& Driver::backend() { return *query<VirtioBackend>(function()); }

void Driver::negotiate(std::uint64_t wanted) {
    using namespace virtio_status;
    registers().set_status(0);
    registers().set_status(kAcknowledge);
    registers().set_status(kAcknowledge | kDriver);
    if (modern()) wanted |= virtio_feature::kVersion1;
    registers().set_features(registers().features() & wanted);
    if (!modern()) return;
    registers().set_status(kAcknowledge | kDriver | kFeaturesOk);
    if (!(registers().status() & kFeaturesOk)) throw std::runtime_error("the device refused the features");
}

void Driver::set_up_queues(unsigned count) {
    rings_.clear();
    for (unsigned i = 0; i < count; ++i) {
        const unsigned size = registers().queue_size(i);
        rings_.push_back(
            std::make_unique<Ring>(bench_, registers(), i, size, allocate(32 * size + 8192, 4096)));
    }
}

void Driver::set_driver_ok() { registers().set_status(registers().status() | virtio_status::kDriverOk); }

void Driver::start(std::uint64_t wanted, unsigned queues) {
    negotiate(wanted);
    set_up_queues(queues);
    set_driver_ok();
}

std::uint64_t Driver::allocate(std::size_t size, std::size_t alignment) {
    next_ = (next_ + alignment - 1) & ~std::uint64_t(alignment - 1);
    const std::uint64_t address = next_;
    next_ += size;
    if (next_ > DeviceBench::kRamBase.value + DeviceBench::kRamSize)
        throw std::runtime_error("out of guest memory");
    std::memset(at(address), 0, size);
    return address;
}

std::uint64_t Driver::place(const void* data, std::size_t size) {
    const std::uint64_t address = allocate(size);
    std::memcpy(at(address), data, size);
    return address;
}

}  // namespace backplane::testing
