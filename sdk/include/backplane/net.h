// Network: frames between a NIC (the front) and the host side (the back). Symmetric but for who owns whom.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Implemented by the NIC. Thread: holding the machine lock.
class NetFront {
  public:
    /// Takes one Ethernet frame (no FCS). False: no room now; the back keeps it and waits for
    /// NetBackend::accept_frames(). Not called while the machine is saved (<backplane/standstill.h>).
    virtual bool receive_frame(Bytes frame) = 0;
    virtual void link_changed(bool up) = 0;

  protected:
    ~NetFront() = default;
};

/// Offered by the part of a type derived from "netdev". Thread: holding the machine lock.
class NetBackend {
  public:
    static constexpr const char* kId = "backplane.net/1";
    /// Takes the only front; false when it is in use. Null lets go: the front is not called afterwards.
    virtual bool connect(NetFront* front) = 0;
    /// Sends one Ethernet frame of 14 to 65550 bytes; others are dropped. Never blocks.
    virtual void send_frame(Bytes frame) = 0;
    /// The front has room again.
    virtual void accept_frames() = 0;

  protected:
    ~NetBackend() = default;
};

/// Offered by a "netdev" beside NetBackend when users can pull its plug (set_link). Thread: holding the machine lock.
class NetLink {
  public:
    static constexpr const char* kId = "backplane.net-link/1";
    virtual bool link() const = 0;
    /// While it is down no frame passes; the front is told of each change, and when it connects to one that is down.
    virtual void set_link(bool up) = 0;
    /// What `info network` shows of it behind its type: "net=10.0.2.0,restrict=off"; nothing: the type says it all.
    virtual void describe(TextSink& out) const = 0;

  protected:
    ~NetLink() = default;
};

/// Sees the frames that pass a network backend, whole and in order. Thread: holding the machine lock.
class NetTap {
  public:
    virtual void frame_passed(Bytes frame, bool from_guest) = 0;

  protected:
    ~NetTap() = default;
};

/// Offered by a "netdev" beside NetBackend when its frames can be watched. Thread: holding the machine lock.
class NetTapPoint {
  public:
    static constexpr const char* kId = "backplane.net-tap-point/1";
    /// Owner of the tap: the caller, until remove_tap().
    virtual void add_tap(NetTap& tap) = 0;
    virtual void remove_tap(NetTap& tap) = 0;

  protected:
    ~NetTapPoint() = default;
};

}  // namespace backplane
