#include "memory_slots.h"

#include <backplane/text.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace backplane::kvm {

namespace {

constexpr std::uint32_t kFewSlots = 32;  ///< what kernels without KVM_CAP_NR_MEMSLOTS have

}  // namespace

MemorySlots::MemorySlots(Vm& vm, AddressSpace& memory, std::uint32_t space)
    : vm_(vm),
      memory_(memory),
      space_(space),
      read_only_(vm.capability(KVM_CAP_READONLY_MEM) > 0),
      most_(std::max(std::uint32_t(vm.capability(KVM_CAP_NR_MEMSLOTS)), kFewSlots)) {
    memory_.add_listener(*this);
}

MemorySlots::~MemorySlots() { memory_.remove_listener(*this); }

/// What goes and what comes is one change for the guest.
void MemorySlots::map_changed(const MapChange& change) {
    changed_ = true;
    if (!running_) return;
    vm_.with_guests_out([&] {
        for (const FlatRange& range : change.removed) remove(range.start);
        for (const FlatRange& range : change.added) add(range);
    });
    told();
}

void MemorySlots::told() {
    view_ = memory_.view();
    changed_ = false;
}

void MemorySlots::start() {
    running_ = true;
    if (!changed_) return;
    const auto view = memory_.view();
    std::set<std::uint64_t> stay;
    for (const FlatRange& range : view->ranges) {
        const auto found = slots_.find(range.start);
        const auto wanted = slot_of(range);
        if (wanted && found != slots_.end() && same(*wanted, found->second)) stay.insert(range.start);
    }
    std::vector<std::uint64_t> go;
    for (const auto& [start, slot] : slots_)
        if (!stay.contains(start)) go.push_back(start);
    for (const std::uint64_t start : go) remove(start);
    for (const FlatRange& range : view->ranges)
        if (!stay.contains(range.start)) add(range);
    told();
}

bool MemorySlots::same(const Slot& a, const Slot& b) {
    return a.start == b.start && a.size == b.size && a.block == b.block && a.block_offset == b.block_offset &&
           ((a.flags ^ b.flags) & KVM_MEM_READONLY) == 0;
}

std::uint32_t MemorySlots::free_number() const {
    std::set<std::uint32_t> used;
    for (const auto& [start, slot] : slots_) used.insert(slot.number);
    std::uint32_t number = 0;
    for (const std::uint32_t taken : used) {
        if (taken != number) break;
        ++number;
    }
    return number;
}

/// Whole pages of it; what lies on a page together with something else is reached by exits.
std::optional<MemorySlots::Slot> MemorySlots::slot_of(const FlatRange& range) {
    if (!range.block) return {};
    if (!range.writable && !read_only_) {
        vm_.refusals().say("read-only memory", 0);
        return {};
    }
    const std::uint64_t skip = (kPageSize - range.start % kPageSize) % kPageSize;
    if (range.size <= skip) return {};
    Slot slot;
    slot.start = range.start + skip;
    slot.size = (range.size - skip) / kPageSize * kPageSize;
    slot.block = range.block;
    slot.block_offset = range.block_offset + skip;
    slot.flags = (range.writable ? 0 : KVM_MEM_READONLY) |
                 (logged_.contains(range.block) ? KVM_MEM_LOG_DIRTY_PAGES : 0);
    if (slot.size == 0 || reinterpret_cast<std::uintptr_t>(slot.block->host + slot.block_offset) % kPageSize)
        return {};
    return slot;
}

void MemorySlots::add(const FlatRange& range) {
    auto slot = slot_of(range);
    if (!slot) return;
    slot->number = free_number();
    if (slot->number >= most_)
        return vm_.context().internal_error("KVM has no more than " + std::to_string(most_) +
                                            " pieces of memory, and the machine's map has more");
    if (tell(*slot, slot->size)) slots_[range.start] = *slot;
}

void MemorySlots::remove(std::uint64_t range_start) {
    const auto found = slots_.find(range_start);
    if (found == slots_.end()) return;
    if (found->second.flags & KVM_MEM_LOG_DIRTY_PAGES) collect_dirty(*found->second.block);
    tell(found->second, 0);
    slots_.erase(found);
}

bool MemorySlots::tell(const Slot& slot, std::uint64_t size) {
    kvm_userspace_memory_region region{};
    region.slot = kernel_number(slot);
    region.flags = slot.flags;
    region.guest_phys_addr = slot.start;
    region.memory_size = size;
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(slot.block->host + slot.block_offset);
    const int result = request(vm_.fd(), KVM_SET_USER_MEMORY_REGION, &region);
    if (result < 0)
        vm_.context().internal_error("KVM does not take memory '" + slot.block->name + "' (" +
                                     std::to_string(size) + " bytes) at 0x" + hex(slot.start) + ": " +
                                     std::strerror(-result));
    return result >= 0;
}

void MemorySlots::dirty_log_changed(RamBlock& block, bool on) {
    if (on) logged_.insert(&block);
    else logged_.erase(&block);
    for (auto& [start, slot] : slots_) {
        if (slot.block != &block) continue;
        slot.flags =
            on ? slot.flags | KVM_MEM_LOG_DIRTY_PAGES : slot.flags & ~std::uint32_t{KVM_MEM_LOG_DIRTY_PAGES};
        tell(slot, slot.size);
    }
}

void MemorySlots::page_changed(std::uint32_t number, std::uint64_t page) {
    for (const auto& [start, slot] : slots_)
        if (kernel_number(slot) == number && page < slot.size / kPageSize)
            memory_.mark_dirty(*slot.block, slot.block_offset + page * kPageSize, kPageSize);
}

/// The kernel's bits are cleared by reading them, and the pages are watched again.
void MemorySlots::collect_dirty(RamBlock& block) {
    constexpr unsigned kBits = 64;
    if (vm_.dirty_rings().used()) {
        if (const int result = vm_.collect_rings(); result < 0)
            vm_.refusals().say("to use rings of changed pages again", -result);
        return;
    }
    for (const auto& [start, slot] : slots_) {
        if (slot.block != &block || !(slot.flags & KVM_MEM_LOG_DIRTY_PAGES)) continue;
        bitmap_.assign((slot.size / kPageSize + kBits - 1) / kBits, 0);
        kvm_dirty_log log{};
        log.slot = kernel_number(slot);
        log.dirty_bitmap = bitmap_.data();
        if (const int result = request(vm_.fd(), KVM_GET_DIRTY_LOG, &log); result < 0) {
            vm_.refusals().say("its log of changed pages", -result);
            memory_.mark_dirty(block, slot.block_offset, slot.size);
            continue;
        }
        for (std::size_t word = 0; word < bitmap_.size(); ++word)
            for (std::uint64_t bits = bitmap_[word]; bits != 0; bits &= bits - 1) {
                const std::uint64_t page = word * kBits + unsigned(std::countr_zero(bits));
                memory_.mark_dirty(block, slot.block_offset + page * kPageSize, kPageSize);
            }
    }
}

}  // namespace backplane::kvm
