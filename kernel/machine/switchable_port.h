// A port to memory that a bus may exchange.
#pragma once

#include "kernel/memory/memory_map.h"

#include <memory>

namespace backplane::kernel {

/// A bus master's way to memory whose holder may be given another one by its bus.
class SwitchablePort final : public DmaPort {
  public:
    explicit SwitchablePort(std::unique_ptr<MemoryPort> own) : own_(std::move(own)) {}
    void redirect(DmaPort* port) { other_ = port; }
    bool read(GuestAddress address, MutableBytes to) override { return target().read(address, to); }
    bool write(GuestAddress address, Bytes from) override { return target().write(address, from); }
    DmaWindow map(GuestAddress address, std::uint64_t size, bool writable) override {
        return target().map(address, size, writable);
    }
    void unmap(const DmaWindow& window, std::uint64_t written) override { target().unmap(window, written); }

  private:
    DmaPort& target() { return other_ ? *other_ : *own_; }
    std::unique_ptr<MemoryPort> own_;
    DmaPort* other_ = nullptr;
};

}  // namespace backplane::kernel
