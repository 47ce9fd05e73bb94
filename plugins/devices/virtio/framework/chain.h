// One descriptor chain in the device's hands (VIRTIO 1.2, §2.7.4): where its bytes lie, and the host memory that
// stands for them. Chains are pooled by their queue.
#pragma once

#include <backplane/virtio.h>

#include <memory>
#include <vector>

namespace backplane::virtio {

class Queue;
class Guard;

/// What a queue asks of the device that it belongs to.
class QueueHost {
  public:
    virtual DmaPort& dma() = 0;
    /// DRIVER_OK is set and DEVICE_NEEDS_RESET is not.
    virtual bool running() const = 0;
    virtual bool has(std::uint64_t feature) const = 0;
    virtual void need_reset(Str reason) = 0;
    virtual void queue_interrupt(unsigned queue) = 0;
    /// Set while the device touches guest memory or runs its own code: a guest that points a descriptor at the
    /// device's own registers must not get in again.
    virtual unsigned& busy() = 0;
    /// Counts a request that is taken. False when one notification has served enough of them: a driver on another CPU
    /// could otherwise keep the device, and with it the machine, busy for ever. The rest is served a little later.
    virtual bool spend(unsigned queue) = 0;
    /// Bytes that all chains of the device hold copies in; bounded, as the guest chooses how much is copied.
    virtual std::size_t& copied() = 0;

  protected:
    ~QueueHost() = default;
};

/// Marks the device as busy for a scope.
class Guard {
  public:
    explicit Guard(QueueHost& host) : host_(host) { ++host_.busy(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { --host_.busy(); }

  private:
    QueueHost& host_;
};

struct Segment {
    GuestAddress address;
    std::uint64_t size = 0;
};

/// The readable or the writable half of a chain.
class Part {
  public:
    explicit Part(bool writable) : writable_(writable) {}
    void add(const Segment& segment);
    std::uint64_t size() const { return size_; }
    /// Runs `visit(address, size, done)` over the segments that hold [offset, offset + size); stops when it gives
    /// false. `done` counts the bytes before the segment.
    template <class Visit>
    std::uint64_t walk(std::uint64_t offset, std::uint64_t size, Visit&& visit) const;
    /// Empty on failure, which has been reported to the host.
    Slice<const IoVector> map(QueueHost& host, std::uint64_t offset, std::uint64_t size);
    /// Lets go of the host memory. `written`: bytes from the part's start whose copies go to the guest.
    void unmap(QueueHost& host, std::uint64_t written);
    void clear();

  private:
    struct Copy {
        GuestAddress address;
        std::uint64_t part_offset;
        std::vector<std::uint8_t> bytes;
    };
    bool map_segment(QueueHost& host, const Segment& segment, std::uint64_t part_offset);
    bool copy_segment(QueueHost& host, const Segment& segment, std::uint64_t part_offset);

    bool writable_;
    std::uint64_t size_ = 0;
    std::vector<Segment> segments_;
    std::vector<DmaWindow> windows_;
    std::vector<Copy> copies_;
    std::vector<IoVector> vectors_;
};

class Chain final : public VirtioChain {
  public:
    explicit Chain(Queue& queue) : queue_(queue) {}

    std::uint64_t readable_size() const override { return readable_.size(); }
    std::uint64_t writable_size() const override { return writable_.size(); }
    std::size_t read(std::uint64_t offset, MutableBytes to) override;
    std::size_t write(std::uint64_t offset, Bytes from) override;
    Slice<const IoVector> map_readable(std::uint64_t offset, std::uint64_t size) override;
    Slice<const IoVector> map_writable(std::uint64_t offset, std::uint64_t size) override;
    void complete(std::uint64_t written) override;
    void give_back() override;

    /// `order`: among those that are out.
    void start(std::uint16_t head, std::uint64_t order) {
        head_ = head;
        order_ = order;
        out_ = true;
        again_ = false;
    }
    /// It was taken before the machine was saved.
    void set_again() { again_ = true; }
    bool again() const { return again_; }
    std::uint64_t order() const { return order_; }
    void add(const Segment& segment, bool writable) { (writable ? writable_ : readable_).add(segment); }
    /// Lets go of everything, without telling the driver.
    void withdraw();
    bool out() const { return out_; }
    std::uint16_t head() const { return head_; }

  private:
    Queue& queue_;
    Part readable_{false};
    Part writable_{true};
    std::uint16_t head_ = 0;
    std::uint64_t order_ = 0;
    bool out_ = false;
    bool again_ = false;
};

}  // namespace backplane::virtio
