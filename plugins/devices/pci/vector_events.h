// MSI-X vectors that an event descriptor raises: by the host's own route while the vector may be sent, else by the host
// loop, which marks it pending.
#pragma once

#include "msi.h"

#include <backplane/event_loop.h>
#include <backplane/messages.h>

#include <map>

namespace backplane::pci {

class VectorEvents final : FdHandler {
  public:
    VectorEvents(DeviceContext& context, Msix& msix) : context_(context), msix_(msix) {}
    ~VectorEvents() { clear(); }
    VectorEvents(const VectorEvents&) = delete;
    VectorEvents& operator=(const VectorEvents&) = delete;

    /// `event` -1 takes the vector's away.
    bool set(unsigned vector, int event, Errors& errors);
    void clear();
    /// A message or a mask changed, or the way to the sink (`null`: there is none now).
    void update(MessageSink* sink, std::uint16_t requester);
    bool empty() const { return events_.empty(); }

  private:
    struct Event {
        int descriptor = -1;
        FdWatch* watch = nullptr;
        MessageRoute* route = nullptr;
    };

    void fd_ready(int event, bool readable, bool writable) override;
    bool goes_by_route(unsigned vector, Event& event, MessageSink* sink, std::uint16_t requester);
    static void let_go(Event& event);

    DeviceContext& context_;
    Msix& msix_;
    std::map<unsigned, Event> events_;
};

}  // namespace backplane::pci
