// "hub": one front on several character devices. What it writes goes to all, and all that come in go to it.
#include "char_base.h"

#include <backplane/plugin.h>

#include <algorithm>

namespace backplane::chardev {

namespace {

constexpr unsigned kMaximum = 4;
/// What one of them does not take may wait; when it takes nothing for longer, it misses the rest.
constexpr std::size_t kBacklogLimit = 64 * 1024;

class HubChar final : public CharBase {
  public:
    explicit HubChar(Object& object) : CharBase(object) {
        for (unsigned i = 0; i < kMaximum; ++i) spokes_[i].hub = this;
    }

    void set_back(unsigned index, CharBackend* back) { spokes_[index].back = back; }
    std::string description() const override { return "hub"; }
    void accept_input() override {
        for (Spoke& spoke : spokes_)
            if (spoke.back) spoke.back->accept_input();
    }
    void send_break() override {
        for (Spoke& spoke : spokes_)
            if (spoke.back) spoke.back->send_break();
    }
    bool connect(CharFront* front) override {
        if (!CharBase::connect(front)) return false;
        accept_input();
        return true;
    }

  private:
    /// The hub as the front of one of its devices.
    struct Spoke final : CharFront {
        HubChar* hub = nullptr;
        CharBackend* back = nullptr;
        bool open = false;
        std::string backlog;
        std::size_t can_receive() override { return hub->front() ? hub->front()->can_receive() : 0; }
        void receive(Bytes bytes) override { hub->front()->receive(bytes); }
        void char_event(CharEvent event) override {
            if (event == CharEvent::Break) {
                if (hub->front()) hub->front()->char_event(event);
                return;
            }
            if (event != CharEvent::Opened && event != CharEvent::Closed) return;
            open = event == CharEvent::Opened;
            if (!open) backlog.clear();
            hub->set_open(std::ranges::any_of(hub->spokes_, [](const Spoke& s) { return s.open; }));
        }
        void can_send() override { flush(); }
        void put(Bytes bytes) {
            const std::string_view text{reinterpret_cast<const char*>(bytes.data), bytes.size};
            backlog += text.substr(0, kBacklogLimit - std::min(backlog.size(), kBacklogLimit));
            flush();
        }
        void flush() {
            if (backlog.empty()) return;
            const std::size_t taken =
                back->write({reinterpret_cast<const std::uint8_t*>(backlog.data()), backlog.size()});
            backlog.erase(0, taken);
        }
    };

    bool start(Errors& errors) override {
        bool any = false;
        for (unsigned i = 0; i < kMaximum; ++i) {
            if (!spokes_[i].back) continue;
            any = true;
            if (spokes_[i].back->connect(&spokes_[i])) continue;
            stop();
            return fail(errors, "chardevs." + std::to_string(i) + ": it is used by another device");
        }
        return any || fail(errors, "chardevs.0=: name what the hub joins");
    }
    void stop() override {
        for (Spoke& spoke : spokes_)
            if (spoke.back) spoke.back->disconnect(spoke);
    }
    std::size_t send(Bytes bytes) override {
        for (Spoke& spoke : spokes_)
            if (spoke.back) spoke.put(bytes);
        return bytes.size;
    }

    Spoke spokes_[kMaximum];
};

template <unsigned Index>
constexpr PropertyInfo spoke_property(const char* name) {
    return {.name = name,
            .kind = PropertyKind::Link,
            .summary = "a character device that the hub joins",
            .choices = CharBackend::kId,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    static_cast<HubChar*>(part)->set_back(
                        Index, value.object ? query<CharBackend>(*value.object) : nullptr);
                    return true;
                },
            .get = [](const void*, PropertyValue&) {}};
}

constexpr PropertyInfo kOwnProperties[] = {spoke_property<0>("chardevs.0"), spoke_property<1>("chardevs.1"),
                                           spoke_property<2>("chardevs.2"), spoke_property<3>("chardevs.3")};
constexpr auto kProperties = with_common<HubChar>(kOwnProperties);
constexpr InterfaceInfo kInterfaces[] = {offers<HubChar, CharBackend>(), offers<HubChar, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<HubChar>({.name = "chardev-hub",
                           .parent = "chardev",
                           .summary = "one front on several character devices",
                           .option_name = "hub",
                           .interfaces = kInterfaces,
                           .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-hub", "1.0", "Backplane", backplane::chardev::kTypes)
