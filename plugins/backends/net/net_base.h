// What all network backends have: one front, and whoever watches the frames.
#pragma once

#include <backplane/backend.h>
#include <backplane/net.h>
#include <backplane/standstill_gate.h>

#include <algorithm>
#include <string>
#include <vector>

namespace backplane::net {

inline constexpr std::size_t kSmallestFrame = 14;
inline constexpr std::size_t kLargestFrame = 65550;

class NetBase : public NetBackend, public NetLink, public NetTapPoint, public Completable {
  public:
    bool connect(NetFront* front) final {
        if (front && front_) return false;
        front_ = front;
        if (front_ && !link_) front_->link_changed(false);
        return true;
    }
    bool link() const final { return link_; }
    void set_link(bool up) final {
        if (link_ == up) return;
        link_ = up;
        if (front_) front_->link_changed(up);
    }
    void describe(TextSink&) const override {}
    void send_frame(Bytes frame) final {
        if (!link_) return;
        if (frame.size < kSmallestFrame || frame.size > kLargestFrame) return;
        show(frame, true);
        transmit(frame);
    }
    void accept_frames() final { resume(); }
    void add_tap(NetTap& tap) final { taps_.push_back(&tap); }
    void remove_tap(NetTap& tap) final { std::erase(taps_, &tap); }

  protected:
    explicit NetBase(Object& object) : object_(object) { gate_.create(context()); }
    ~NetBase() = default;

    virtual void transmit(Bytes frame) = 0;
    /// The guest has room again. It may be in the middle of something: nothing is delivered from within.
    virtual void resume() = 0;
    /// False: the guest has no room, or the machine is being saved; the frame is kept until resume().
    bool deliver(Bytes frame) {
        if (gate_.shut()) return false;
        // Nobody is there, or the plug is out: the frame is lost, as on a wire.
        if (!link_) return true;
        if (front_ && !front_->receive_frame(frame)) return false;
        show(frame, false);
        return true;
    }
    BackendContext& context() const { return backend_context(object_); }
    Object& object() const { return object_; }
    std::string id() const { return std::string(object_.id().view()); }
    bool fail(Errors& errors, const std::string& problem) const {
        errors.fail("netdev '" + id() + "': " + problem);
        return false;
    }

  private:
    void go_on() {
        if (front_) resume();
    }
    void show(Bytes frame, bool from_guest) {
        for (NetTap* tap : taps_) tap->frame_passed(frame, from_guest);
    }

    Object& object_;
    NetFront* front_ = nullptr;
    bool link_ = true;
    std::vector<NetTap*> taps_;
    StandstillGate<&NetBase::go_on> gate_{*this};
};

/// The interfaces of a netdev of class T.
template <class T>
inline constexpr InterfaceInfo kNetInterfaces[] = {offers<T, NetBackend>(), offers<T, NetLink>(),
                                                   offers<T, NetTapPoint>(), offers<T, Completable>()};

}  // namespace backplane::net
