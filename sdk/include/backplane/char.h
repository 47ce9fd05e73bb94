// Character devices: a stream of bytes between a device (the front) and the host (the back).
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Default: none, another one is not acted on.
enum class CharEvent : std::uint8_t { Opened, Closed, Break };

/// Implemented by the device. Thread: holding the machine lock.
class CharFront {
  public:
    /// How many bytes receive() would take now; a device takes none while the machine is saved (<backplane/standstill.h>).
    /// When it becomes more than 0 again, call CharBackend::accept_input().
    virtual std::size_t can_receive() = 0;
    /// At most can_receive() bytes.
    virtual void receive(Bytes bytes) = 0;
    virtual void char_event(CharEvent event) = 0;
    /// The back takes output again after a write() that took less than all.
    virtual void can_send() = 0;

  protected:
    ~CharFront() = default;
};

/// Offered by the part of a type derived from "chardev". Thread: holding the machine lock.
class CharBackend {
  public:
    static constexpr const char* kId = "backplane.char/1";
    /// Takes a front; false when it has one already (a multiplexer takes several). CharEvent::Opened comes from
    /// within when somebody is at the other end; from a multiplexer, when the front first gets what is typed.
    virtual bool connect(CharFront* front) = 0;
    /// Lets go of a front, which is not called again. Nothing when it is not connected.
    virtual void disconnect(CharFront& front) = 0;
    /// Takes some or all of `bytes` and says how many. Never blocks. A back with nobody at its end takes all.
    virtual std::size_t write(Bytes bytes) = 0;
    virtual void accept_input() = 0;
    virtual void send_break() = 0;

  protected:
    ~CharBackend() = default;
};

/// Offered beside CharBackend by a device whose connection can carry descriptors. Thread: holding the machine lock.
class CharDescriptors {
  public:
    static constexpr const char* kId = "backplane.char-descriptors/1";
    /// The oldest descriptor that the other end sent and nobody took: it becomes the caller's. -1 when there is none.
    virtual int take_descriptor() = 0;

  protected:
    ~CharDescriptors() = default;
};

}  // namespace backplane
