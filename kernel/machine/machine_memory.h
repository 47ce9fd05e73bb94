// A machine's memory: the map, its two roots, the spaces that show them, and the `-m` RAM.
#pragma once

#include "kernel/memory/memory_map.h"

#include <backplane/log.h>

#include <memory>
#include <vector>

namespace backplane::kernel {

class MachineMemory {
  public:
    MachineMemory(MachineLock& lock, Log& log) : map_(lock, log), owner_(map_.create_owner("/machine")) {
        system_root_ = &owner_->container("system", 0);
        io_root_ = &owner_->container("io", 0x10000);
        system_ = &map_.create_address_space("memory", *system_root_);
        io_ports_ = &map_.create_address_space("I/O", *io_root_);
    }

    MemoryMap& map() { return map_; }
    /// What CPUs and bus masters see, and the region at its root; the same of I/O ports.
    AddressSpace& system() { return *system_; }
    MemoryRegion& system_root() { return *system_root_; }
    AddressSpace& io_ports() { return *io_ports_; }
    MemoryRegion& io_root() { return *io_root_; }

    bool make_ram(std::uint64_t size, Errors& errors) {
        ram_ = owner_->ram("ram", size, errors);
        return ram_ != nullptr;
    }
    /// The RAM is that of these memory backends, one after another.
    bool take_ram(const std::vector<Object*>& backends, Errors& errors) {
        std::vector<MemoryRegion*> parts;
        std::uint64_t size = 0;
        for (Object* backend : backends) {
            parts.push_back(owner_->ram_of(backend->id(), *backend, errors));
            if (!parts.back()) return false;
            size += parts.back()->size();
        }
        ram_ = parts.size() == 1 ? parts.front() : &owner_->container("ram", size);
        std::uint64_t at = 0;
        for (MemoryRegion* part : parts) {
            if (part != ram_ && !ram_->add(*part, Offset(at), 0, errors)) return false;
            at += part->size();
        }
        return true;
    }
    /// Ahead of the backends' end; what it gave stays mapped.
    void release_backends() { owner_->release_backends(); }
    /// After one of the two.
    MemoryRegion& ram() { return *ram_; }

  private:
    MemoryMap map_;
    std::unique_ptr<MemoryOwner> owner_;  ///< of the roots and the RAM
    MemoryRegion* system_root_ = nullptr;
    MemoryRegion* io_root_ = nullptr;
    MemoryRegion* ram_ = nullptr;
    AddressSpace* system_ = nullptr;
    AddressSpace* io_ports_ = nullptr;
};

}  // namespace backplane::kernel
