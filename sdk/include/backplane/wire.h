// Wires: interrupt lines and other signals between devices. The board joins them; a device never sees its peer.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The receiving end. Thread: any that holds the machine lock.
class WireReceiver {
  public:
    /// Input `index` of the group that was registered with this receiver went to `level` (0 or 1 for
    /// an interrupt; a group may document other values). Called on changes only; an input starts at 0.
    virtual void wire_changed(unsigned index, int level) = 0;

  protected:
    ~WireReceiver() = default;
};

/// The driving end. Owner: the host, for the life of the device. Thread: any that holds the machine lock.
class Wire {
  public:
    /// Drives the line. Setting the level that it already has does nothing.
    virtual void set(int level) = 0;
    virtual int level() const = 0;

  protected:
    ~Wire() = default;
};

/// Calls a member function when an input changes: InputOf<&Plic::source_changed> inputs_{*this};
template <auto Method>
class InputOf;
template <class Owner, void (Owner::*Method)(unsigned, int)>
class InputOf<Method> final : public WireReceiver {
  public:
    explicit InputOf(Owner& owner) : owner_(owner) {}
    void wire_changed(unsigned index, int level) override { (owner_.*Method)(index, level); }

  private:
    Owner& owner_;
};

}  // namespace backplane
