// The notification registers of a function as doorbells (<backplane/doorbells.h>): an event descriptor for each queue, which
// the host loop watches. Where the accelerator has none, the registers' handlers are all there is.
#pragma once

#include <backplane/device.h>
#include <backplane/doorbells.h>
#include <backplane/event_loop.h>

#include <functional>
#include <vector>

namespace backplane::virtio {

class QueueDoorbells final : FdHandler {
  public:
    /// `notify` is what a write to the register of a queue does.
    QueueDoorbells(DeviceContext& context, std::function<void(unsigned queue)> notify)
        : context_(context), notify_(std::move(notify)) {}
    ~QueueDoorbells() { close(); }
    QueueDoorbells(const QueueDoorbells&) = delete;
    QueueDoorbells& operator=(const QueueDoorbells&) = delete;

    /// A register at `offset` of `region`: written with the queue's number (`by_value`, two bytes wide), or one for each
    /// queue, `step` bytes apart. Before open().
    struct Place {
        MemoryRegion* region;
        std::uint64_t offset;
        std::uint64_t step;
        bool by_value;
    };
    void add_place(const Place& place) { places_.push_back(place); }
    void open(unsigned queues);
    void close();
    bool is_open() const { return !events_.empty(); }
    /// Does what came in and was not done yet.
    void drain();

  private:
    struct Event {
        int descriptor;
        FdWatch* watch;
        unsigned queue;
    };

    void fd_ready(int descriptor, bool readable, bool writable) override;
    bool open_one(const Place& place, unsigned queue);
    void take(const Event& event);

    DeviceContext& context_;
    std::function<void(unsigned)> notify_;
    std::vector<Place> places_;
    Doorbells* doorbells_ = nullptr;
    EventLoop* loop_ = nullptr;
    std::vector<Event> events_;
};

}  // namespace backplane::virtio
