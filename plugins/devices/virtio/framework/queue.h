// Split virtqueues (VIRTIO 1.2, §2.7): descriptor table, available ring, used ring, indirect tables, event index.
//
// Not modelled: packed rings (§2.8), VIRTIO_F_IN_ORDER, big-endian legacy rings.
#pragma once

#include "chain.h"

#include <backplane/state.h>

#include <deque>

namespace backplane::virtio {

/// What the driver set up in one queue, and how far it was served.
struct QueueState {
    std::uint16_t size = 0;
    std::uint16_t next_available = 0;
    std::uint16_t next_used = 0;
    std::uint16_t told_used = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t driver_area = 0;
    std::uint64_t device_area = 0;
    bool ready = false;
    bool wanted = true;
    /// Heads of the requests that were taken and not completed when the machine was saved, in the order of taking.
    std::vector<std::uint16_t> in_flight;

    static void describe(StateTable& table, std::vector<QueueState>& all);
    void reset(std::uint16_t default_size);
};

/// The entries of the greatest queue. Any queue may have as many, whatever size the device gives it: drivers choose one
/// that suits themselves, and not all look first.
inline constexpr std::uint16_t kMostEntries = 1024;

class Queue final : public VirtioQueue {
  public:
    /// `size`: what it has until the driver chooses another, and after a reset.
    Queue(QueueHost& host, QueueState& state, unsigned index, std::uint16_t size);

    unsigned index() const override { return index_; }
    unsigned size() const override { return state_.size; }
    bool ready() const override { return state_.ready; }
    VirtioChain* take() override;
    bool empty() override;
    std::uint64_t writable_bytes(std::uint64_t enough) override { return count_bytes(true, enough); }
    std::uint64_t readable_bytes(std::uint64_t enough) override { return count_bytes(false, enough); }
    void interrupt() override;
    void want_notifications(bool wanted) override;

    QueueHost& host() { return host_; }
    void set_size(std::uint16_t size) { state_.size = size; }
    VirtioQueueLayout layout() const;
    void set_layout(const VirtioQueueLayout& layout);
    void set_ready(bool ready);
    /// Withdraws what is out and forgets the driver's settings.
    void reset();
    /// Takes down what is out, to be saved with the rest.
    void before_save();
    /// What is not described follows from what is. False and a reason when that cannot be.
    bool after_load(Errors& errors);

    // For chains.
    void return_chain(Chain& chain, std::uint32_t written);
    void untake(Chain& chain);
    void recycle(Chain& chain) { free_.push_back(&chain); }

  private:
    struct Descriptor;
    class Walk;
    std::uint16_t& next_available() { return state_.next_available; }
    std::uint16_t& next_used() { return state_.next_used; }
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
    bool fill(Chain& chain, std::uint16_t head);
    VirtioChain* take_again();

    QueueHost& host_;
    QueueState& state_;
    const unsigned index_;
    const std::uint16_t default_size_;
    std::uint16_t available_ = 0;  ///< the driver's index, as last read
    std::vector<std::unique_ptr<Chain>> chains_;
    std::vector<Chain*> free_;
    std::deque<std::uint16_t> again_;  ///< heads of what was in flight: taken once more, ahead of others
    std::uint64_t taken_ = 0;          ///< requests so far, by which those that are out have an order
};

}  // namespace backplane::virtio
