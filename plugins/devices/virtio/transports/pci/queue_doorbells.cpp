#include "queue_doorbells.h"

#include <algorithm>

#include <sys/eventfd.h>
#include <unistd.h>

namespace backplane::virtio {

/// The queues that get none are notified by their registers' handlers.
void QueueDoorbells::open(unsigned queues) {
    if (is_open()) return;
    doorbells_ = static_cast<Doorbells*>(context_.host_interface(Doorbells::kId));
    loop_ = static_cast<EventLoop*>(context_.host_interface(EventLoop::kId));
    if (!doorbells_ || !loop_) return;
    for (const Place& place : places_)
        for (unsigned queue = 0; queue < queues; ++queue)
            if (!open_one(place, queue)) return;
}

bool QueueDoorbells::open_one(const Place& place, unsigned queue) {
    const int descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) return false;
    Doorbell doorbell;
    doorbell.size = place.by_value ? 2 : 0;
    doorbell.region = place.region;
    doorbell.offset = Offset(place.offset + place.step * queue);
    doorbell.one_value = place.by_value;
    doorbell.value = queue;
    doorbell.event = descriptor;
    FdWatch* watch = doorbells_->add(doorbell) ? loop_->watch(descriptor, *this, true, false) : nullptr;
    if (watch) {
        events_.push_back({descriptor, watch, queue});
        return true;
    }
    doorbells_->remove(descriptor);
    ::close(descriptor);
    return false;
}

void QueueDoorbells::close() {
    for (const Event& event : events_) {
        doorbells_->remove(event.descriptor);
        event.watch->release();
        ::close(event.descriptor);
    }
    events_.clear();
}

void QueueDoorbells::take(const Event& event) {
    std::uint64_t count = 0;
    if (::read(event.descriptor, &count, sizeof count) == sizeof count) notify_(event.queue);
}

void QueueDoorbells::fd_ready(int descriptor, bool, bool) {
    const auto found =
        std::ranges::find_if(events_, [=](const Event& event) { return event.descriptor == descriptor; });
    if (found != events_.end()) take(Event(*found));
}

/// A notification may take the device down, and with it these.
void QueueDoorbells::drain() {
    for (std::size_t i = 0; i < events_.size(); ++i) take(Event(events_[i]));
}

}  // namespace backplane::virtio
