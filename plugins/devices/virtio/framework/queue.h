// Split virtqueues (VIRTIO 1.2, §2.7): descriptor table, available ring, used ring, indirect tables, event index.
//
// Not modelled: packed rings (§2.8), VIRTIO_F_IN_ORDER, big-endian legacy rings.
#pragma once

#include "chain.h"

#include <backplane/state.h>

namespace backplane::virtio {

/// The state of all queues of a device, field by field, so that it is described as arrays.
struct QueueStates {
    explicit QueueStates(std::size_t count = 0);
    std::vector<std::uint16_t> size, next_available, next_used, told_used;
    std::vector<std::uint64_t> descriptors, driver_area, device_area;
    std::vector<std::uint8_t> ready, wanted;
    void describe(StateTable& table);
    void reset(unsigned index, std::uint16_t default_size);
};

class Queue final : public VirtioQueue {
  public:
    /// `size`: what it has until the driver chooses another, and after a reset.
    Queue(QueueHost& host, QueueStates& states, unsigned index, std::uint16_t size);

    unsigned index() const override { return index_; }
    unsigned size() const override { return states_.size[index_]; }
    bool ready() const override { return states_.ready[index_] != 0; }
    VirtioChain* take() override;
    bool empty() override;
    std::uint64_t writable_bytes(std::uint64_t enough) override { return count_bytes(true, enough); }
    std::uint64_t readable_bytes(std::uint64_t enough) override { return count_bytes(false, enough); }
    void interrupt() override;
    void want_notifications(bool wanted) override;

    QueueHost& host() { return host_; }
    void set_size(std::uint16_t size) { states_.size[index_] = size; }
    VirtioQueueLayout layout() const;
    void set_layout(const VirtioQueueLayout& layout);
    void set_ready(bool ready);
    /// Withdraws what is out and forgets the driver's settings.
    void reset();
    /// After a load: what is not described follows from what is.
    void resume() { available_ = states_.next_available[index_]; }

    // For chains.
    void return_chain(Chain& chain, std::uint32_t written);
    void untake(Chain& chain);
    void recycle(Chain& chain) { free_.push_back(&chain); }

  private:
    struct Descriptor;
    class Walk;
    std::uint16_t& next_available() { return states_.next_available[index_]; }
    std::uint16_t& next_used() { return states_.next_used[index_]; }
    GuestAddress driver_area(std::uint64_t offset) const;
    GuestAddress device_area(std::uint64_t offset) const;
    bool load(GuestAddress address, std::uint16_t& value);
    bool store(GuestAddress address, std::uint16_t value);
    /// Are there requests past `from`? Reads the driver's index only when the last one seen is used up.
    bool more(std::uint16_t from);
    bool arm_notification();
    bool head_at(std::uint16_t position, std::uint16_t& head);
    template <class Visit>
    bool walk_chain(std::uint16_t head, Visit&& visit);
    std::uint64_t count_bytes(bool writable, std::uint64_t enough);
    Chain& fresh_chain();

    QueueHost& host_;
    QueueStates& states_;
    const unsigned index_;
    const std::uint16_t default_size_;
    std::uint16_t available_ = 0;  ///< the driver's index, as last read
    std::vector<std::unique_ptr<Chain>> chains_;
    std::vector<Chain*> free_;
};

}  // namespace backplane::virtio
