#include "vector_events.h"

#include <unistd.h>

namespace backplane::pci {

bool VectorEvents::set(unsigned vector, int event, Errors& errors) {
    if (const auto found = events_.find(vector); found != events_.end()) {
        let_go(found->second);
        events_.erase(found);
    }
    if (event < 0) return true;
    if (vector >= msix_.vectors()) {
        errors.fail("MSI-X has no vector " + std::to_string(vector) + "; there are " +
                    std::to_string(msix_.vectors()));
        return false;
    }
    auto* loop = static_cast<EventLoop*>(context_.host_interface(EventLoop::kId));
    FdWatch* watch = loop ? loop->watch(event, *this, true, false) : nullptr;
    if (!watch) {
        errors.fail("the host has no descriptors left to watch an interrupt vector's event");
        return false;
    }
    events_[vector] = {event, watch, nullptr};
    return true;
}

void VectorEvents::let_go(Event& event) {
    if (event.route) event.route->release();
    if (event.watch) event.watch->release();
}

void VectorEvents::clear() {
    for (auto& [vector, event] : events_) let_go(event);
    events_.clear();
}

void VectorEvents::update(MessageSink* sink, std::uint16_t requester) {
    for (auto& [vector, event] : events_) {
        const bool routed = goes_by_route(vector, event, sink, requester);
        if (!routed && event.route) event.route->pause();
        event.watch->want(!routed, false);
    }
}

bool VectorEvents::goes_by_route(unsigned vector, Event& event, MessageSink* sink, std::uint16_t requester) {
    const PciMessage message = msix_.message(vector);
    if (message.masked || !sink || !sink->takes(GuestAddress(message.address))) return false;
    if (!event.route) event.route = sink->route(event.descriptor);
    return event.route && event.route->set({message.address, message.data, requester, {}});
}

void VectorEvents::fd_ready(int event, bool, bool) {
    std::uint64_t count = 0;
    if (::read(event, &count, sizeof count) != sizeof count) return;
    for (const auto& [vector, known] : events_)
        if (known.descriptor == event) return msix_.notify(vector);
}

}  // namespace backplane::pci
