#include "queue.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <string>

namespace backplane::virtio {

namespace {

// Descriptor flags (§2.7.5), ring flags (§2.7.6, §2.7.8).
constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirectTable = 4;
constexpr std::uint16_t kNoInterrupt = 1, kNoNotify = 1;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;  // §2.7.5

/// §2.7.7.1: did the index pass `event` on its way from `old_index` to `new_index`?
bool passed(std::uint16_t event, std::uint16_t new_index, std::uint16_t old_index) {
    return std::uint16_t(new_index - event - 1) < std::uint16_t(new_index - old_index);
}

}  // namespace

struct Queue::Descriptor {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;
    std::uint16_t next;
};

void QueueState::describe(StateTable& table, std::vector<QueueState>& all) {
    QueueState& first = all.front();
    StateTable& queue = table.group(
        {.name = "queue", .first = &first, .count = std::uint32_t(all.size()), .stride = sizeof first});
    const StateOptions kept{.reset = false};  // the device's reset is more than a table's
    backplane::describe(queue, "size", first.size, kept);
    backplane::describe(queue, "next_available", first.next_available, kept);
    backplane::describe(queue, "next_used", first.next_used, kept);
    backplane::describe(queue, "told_used", first.told_used, kept);
    backplane::describe(queue, "desc", first.descriptors, kept);
    backplane::describe(queue, "driver", first.driver_area, kept);
    backplane::describe(queue, "device", first.device_area, kept);
    backplane::describe(queue, "ready", first.ready, kept);
    backplane::describe(queue, "wanted", first.wanted, kept);
    describe_bytes<2 * kMostEntries>(queue, "in_flight", first.in_flight, false);
}

void QueueState::reset(std::uint16_t default_size) {
    *this = {};
    size = default_size;
}

Queue::Queue(QueueHost& host, QueueState& state, unsigned index, std::uint16_t size)
    : host_(host), state_(state), index_(index), default_size_(size) {
    state_.reset(default_size_);
}

VirtioQueueLayout Queue::layout() const {
    return {GuestAddress(state_.descriptors), GuestAddress(state_.driver_area),
            GuestAddress(state_.device_area)};
}

void Queue::set_layout(const VirtioQueueLayout& layout) {
    state_.descriptors = layout.descriptors.value;
    state_.driver_area = layout.driver_area.value;
    state_.device_area = layout.device_area.value;
}

void Queue::set_ready(bool ready) { state_.ready = ready && size() != 0; }

void Queue::reset() {
    for (const auto& chain : chains_)
        if (chain->out()) chain->withdraw();
    again_.clear();
    available_ = 0;
    state_.reset(default_size_);
}

GuestAddress Queue::driver_area(std::uint64_t offset) const {
    return GuestAddress(state_.driver_area + offset);
}
GuestAddress Queue::device_area(std::uint64_t offset) const {
    return GuestAddress(state_.device_area + offset);
}

bool Queue::load(GuestAddress address, std::uint16_t& value) {
    if (host_.dma().read(address, {reinterpret_cast<std::uint8_t*>(&value), sizeof value})) return true;
    host_.need_reset("a ring lies where no memory is");
    return false;
}

bool Queue::store(GuestAddress address, std::uint16_t value) {
    if (dma_store(host_.dma(), address, value)) return true;
    host_.need_reset("a ring lies where no memory is");
    return false;
}

bool Queue::more(std::uint16_t from) {
    if (!ready() || !host_.running()) return false;
    if (from != available_) return true;
    std::uint16_t index = 0;
    if (!load(driver_area(2), index)) return false;
    if (std::uint16_t(index - next_available()) > size()) {
        host_.need_reset("the available ring's index is further ahead than the ring is long");
        return false;
    }
    available_ = index;
    // The ring's entries are read after the index that covers them (§2.7.13.4.1).
    std::atomic_thread_fence(std::memory_order_acquire);
    return from != available_;
}

/// The queue ran dry: with the event index, says where the driver is to notify next (§2.7.10). True when more came
/// in between.
bool Queue::arm_notification() {
    if (!state_.wanted || !ready() || !host_.running() || !host_.has(virtio_feature::kEventIndex))
        return false;
    if (!store(device_area(4 + 8 * std::uint64_t(size())), next_available())) return false;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return more(next_available());
}

bool Queue::head_at(std::uint16_t position, std::uint16_t& head) {
    if (!load(driver_area(4 + 2 * std::uint64_t(position & (size() - 1))), head)) return false;
    if (head < size()) return true;
    host_.need_reset("the available ring names a descriptor that does not exist");
    return false;
}

/// Reads descriptors of the queue's table or of an indirect one, some at a time where they stand in a row.
class Queue::Walk {
  public:
    Walk(DmaPort& dma, GuestAddress table, std::uint32_t count) : dma_(dma), table_(table), count_(count) {}
    std::uint32_t count() const { return count_; }
    void enter(GuestAddress table, std::uint32_t count) {
        table_ = table;
        count_ = count;
        held_ = 0;
        batch_ = kBatch;
    }
    bool load(std::uint32_t index, Descriptor& descriptor) {
        if (index - first_ >= held_) {
            held_ = std::min(batch_, count_ - index);
            first_ = index;
            if (!dma_.read(table_ + 16 * std::uint64_t(index),
                           {reinterpret_cast<std::uint8_t*>(cache_), 16 * held_}))
                return false;
        }
        descriptor = cache_[index - first_];
        return true;
    }

  private:
    static constexpr std::uint32_t kBatch = 16;
    DmaPort& dma_;
    GuestAddress table_;
    std::uint32_t count_;
    std::uint32_t first_ = 0;
    std::uint32_t held_ = 0;
    std::uint32_t batch_ = 4;
    Descriptor cache_[kBatch];
};

/// Runs `visit(segment, writable)` over the chain; false when the driver built it wrongly, which is reported.
template <class Visit>
bool Queue::walk_chain(std::uint16_t head, Visit&& visit) {
    const auto wrong = [this](const char* reason) {
        host_.need_reset(reason);
        return false;
    };
    Walk walk(host_.dma(), GuestAddress(state_.descriptors), size());
    Descriptor descriptor;
    std::uint64_t bytes = 0;
    bool indirect = false;
    bool in_writable = false;
    for (unsigned seen = 0, limit = size(), index = head; seen < limit; ++seen) {
        if (!walk.load(index, descriptor)) return wrong("a descriptor table lies where no memory is");
        if (descriptor.flags & kIndirectTable) {
            if (!host_.has(virtio_feature::kIndirect))
                return wrong("an indirect descriptor, which was not negotiated");
            if (indirect) return wrong("an indirect descriptor inside of an indirect table");
            if (descriptor.flags & kNext) return wrong("an indirect descriptor that has a successor");
            if (descriptor.length == 0 || descriptor.length % 16)
                return wrong("an indirect table of a wrong length");
            walk.enter(GuestAddress(descriptor.address), descriptor.length / 16);
            indirect = true;
            // A chain has at most as many descriptors as the queue has entries (§2.7.5.3.1). Linux exceeds that with indirect
            // tables on small queues, so there the greatest queue counts.
            limit = kMostEntries;
            index = 0;
            continue;
        }
        const bool writable = (descriptor.flags & kWrite) != 0;
        if (in_writable && !writable) return wrong("a readable descriptor after a writable one");
        in_writable = writable;
        bytes += descriptor.length;
        if (bytes > kMostBytes) return wrong("a descriptor chain of more than 4 GiB");
        if (descriptor.address + descriptor.length < descriptor.address)
            return wrong("a descriptor that wraps around");
        visit(Segment{GuestAddress(descriptor.address), descriptor.length}, writable);
        if (!(descriptor.flags & kNext)) return true;
        index = descriptor.next;
        if (index >= walk.count()) return wrong("a descriptor whose successor does not exist");
    }
    return wrong("a descriptor chain that loops or is too long");
}

Chain& Queue::fresh_chain() {
    if (free_.empty()) {
        free_.reserve(chains_.size() + 1);
        chains_.push_back(std::make_unique<Chain>(*this));
        return *chains_.back();
    }
    Chain& chain = *free_.back();
    free_.pop_back();
    return chain;
}

bool Queue::fill(Chain& chain, std::uint16_t head) {
    chain.start(head, taken_++);
    if (walk_chain(head, [&](const Segment& segment, bool writable) { chain.add(segment, writable); }))
        return true;
    chain.withdraw();
    return false;
}

VirtioChain* Queue::take() {
    Guard guard(host_);
    if (!again_.empty()) return take_again();
    if (!more(next_available()) && !arm_notification()) return nullptr;
    if (chains_.size() - free_.size() >= size()) {
        host_.need_reset("more requests than the queue has entries");
        return nullptr;
    }
    std::uint16_t head = 0;
    if (!host_.spend(index_) || !head_at(next_available(), head)) return nullptr;
    Chain& chain = fresh_chain();
    if (!fill(chain, head)) return nullptr;
    ++next_available();
    return &chain;
}

/// One that was out when the machine was saved.
VirtioChain* Queue::take_again() {
    if (!ready() || !host_.running() || !host_.spend(index_)) return nullptr;
    const std::uint16_t head = again_.front();
    again_.pop_front();
    Chain& chain = fresh_chain();
    if (!fill(chain, head)) return nullptr;
    chain.set_again();
    return &chain;
}

void Queue::untake(Chain& chain) {
    if (chain.again()) again_.push_front(chain.head());
    else --next_available();
}

bool Queue::empty() {
    Guard guard(host_);
    return again_.empty() && !more(next_available());
}

void Queue::before_save() {
    std::vector<const Chain*> out;
    for (const auto& chain : chains_)
        if (chain->out()) out.push_back(chain.get());
    std::ranges::sort(out, {}, &Chain::order);
    state_.in_flight.clear();
    for (const Chain* chain : out) state_.in_flight.push_back(chain->head());
    state_.in_flight.insert(state_.in_flight.end(), again_.begin(), again_.end());
}

bool Queue::after_load(Errors& errors) {
    const std::string which = "virtio queue " + std::to_string(index_);
    if (size() > kMostEntries || !std::has_single_bit(size())) {
        errors.fail(which + ": saved size " + std::to_string(size()) + " is no power of two up to " +
                    std::to_string(kMostEntries));
        return false;
    }
    if (state_.in_flight.size() > size() ||
        std::ranges::any_of(state_.in_flight, [this](std::uint16_t head) { return head >= size(); })) {
        errors.fail(which + ": the requests in flight are none that it can have");
        return false;
    }
    for (const auto& chain : chains_)
        if (chain->out()) chain->withdraw();
    again_.assign(state_.in_flight.begin(), state_.in_flight.end());
    available_ = next_available();
    return true;
}

std::uint64_t Queue::count_bytes(bool writable, std::uint64_t enough) {
    Guard guard(host_);
    std::uint64_t total = 0;
    const auto count = [&](const Segment& segment, bool is_writable) {
        if (is_writable == writable) total += segment.size;
    };
    for (const std::uint16_t head : again_)
        if (total < enough && ready() && host_.running() && !walk_chain(head, count)) return 0;
    for (std::uint16_t position = next_available(); total < enough && more(position); ++position) {
        if (std::uint16_t(position - next_available()) >= size()) break;
        std::uint16_t head = 0;
        if (!head_at(position, head) || !walk_chain(head, count)) return 0;
    }
    return std::min(total, enough);
}

void Queue::return_chain(Chain& chain, std::uint32_t written) {
    if (!ready() || !host_.running()) return;
    const std::uint32_t element[2] = {chain.head(), written};
    const std::uint64_t slot = next_used() & (size() - 1);
    if (!host_.dma().write(device_area(4 + 8 * slot), {reinterpret_cast<const std::uint8_t*>(element), 8})) {
        host_.need_reset("a ring lies where no memory is");
        return;
    }
    // The element is seen before the index that covers it (§2.7.8.2).
    std::atomic_thread_fence(std::memory_order_release);
    ++next_used();
    store(device_area(2), next_used());
}

void Queue::interrupt() {
    if (!ready() || !host_.running()) return;
    Guard guard(host_);
    const std::uint16_t old_index = state_.told_used;
    if (old_index == next_used()) return;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    bool tell = true;
    std::uint16_t word = 0;
    if (host_.has(virtio_feature::kEventIndex)) {
        if (!load(driver_area(4 + 2 * std::uint64_t(size())), word)) return;
        tell = passed(word, next_used(), old_index);
    } else {
        if (!load(driver_area(0), word)) return;
        const bool idle = chains_.size() == free_.size() && host_.has(virtio_feature::kNotifyOnEmpty) &&
                          !more(next_available());
        tell = !(word & kNoInterrupt) || idle;
    }
    state_.told_used = next_used();
    if (tell) host_.queue_interrupt(index_);
}

void Queue::want_notifications(bool wanted) {
    if (wanted == state_.wanted) return;
    state_.wanted = wanted;
    if (!ready() || !host_.running()) return;
    Guard guard(host_);
    if (!host_.has(virtio_feature::kEventIndex)) store(device_area(0), wanted ? 0 : kNoNotify);
    else if (wanted) store(device_area(4 + 8 * std::uint64_t(size())), next_available());
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace backplane::virtio
