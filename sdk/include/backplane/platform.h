// The platform bus: where devices sit that no other bus finds, at an address and on interrupt lines of the board.
//
// A device needs nothing for it: one that users may make and that names no bus goes there. Its exported regions are mapped
// in the board's window for such devices and its outputs joined to the window's lines, as `-device NAME,addr=0x1000,irq=2`
// asks (of the first region, as an offset in the window, and of the first output; the others follow) or where there is
// room. What it wants to say of itself to the guest, it says through DeviceTreeNode.
#pragma once

#include <backplane/memory.h>
#include <backplane/object.h>

namespace backplane {

/// Where the platform bus put a device. Sized.
struct PlatformPlace {
    std::uint32_t struct_size = sizeof(PlatformPlace);
    /// Of each exported region, in their order: its address as CPUs see it, and its size in bytes. Fixed.
    struct Window {
        std::uint64_t address;
        std::uint64_t size;
    };
    Slice<const Window> windows{};
    /// Of each output, in their order: the number of its line among the bus's.
    Slice<const std::uint32_t> lines{};
};

/// Writes properties of one device-tree node ("Devicetree Specification" v0.4, chapter 2). Owner: the board.
class DeviceTreeWriter {
  public:
    virtual void flag(Str name) = 0;
    virtual void cells(Str name, Slice<const std::uint32_t> values) = 0;
    virtual void text(Str name, Str value) = 0;
    /// Several texts, with '\0' between them.
    virtual void texts(Str name, Str values) = 0;
    virtual void bytes(Str name, Bytes value) = 0;

  protected:
    ~DeviceTreeWriter() = default;
};

/// Offered by the part of a device that guests find in a device tree. The board writes `reg`, `interrupts` and
/// `interrupt-parent` itself. Thread: main, when the machine is complete.
class DeviceTreeNode {
  public:
    static constexpr const char* kId = "backplane.device-tree-node/1";
    /// The node's name before the '@': a generic one ("serial", "rtc", "accelerator").
    virtual Str node_name() const = 0;
    /// Writes `compatible` and what else the binding asks for.
    virtual void describe_node(DeviceTreeWriter& node, const PlatformPlace& place) = 0;

  protected:
    ~DeviceTreeNode() = default;
};

/// Offered by a bus object of kind "platform", for the board that made its window.
class PlatformBus {
  public:
    static constexpr const char* kId = "backplane.platform-bus/1";
    virtual std::size_t device_count() const = 0;
    virtual Object& device(std::size_t index) = 0;
    /// Valid until a device comes or goes.
    virtual PlatformPlace place(std::size_t index) const = 0;
    /// Says where the board mapped the window, so that places are addresses as CPUs see them.
    virtual void set_base(GuestAddress base) = 0;

  protected:
    ~PlatformBus() = default;
};

}  // namespace backplane
