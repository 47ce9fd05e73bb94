// A device on a PS/2 port as its controller sees it: bytes in both directions. Its output "" is 1 while it has one.
#pragma once

#include <backplane/device.h>
#include <backplane/sleep.h>

#include <deque>
#include <initializer_list>
#include <span>

namespace backplane::i8042 {

class Ps2Device {
  public:
    static constexpr const char* kId = "backplane.i8042.ps2-device/1";
    virtual bool has_byte() const = 0;
    virtual std::uint8_t take_byte() = 0;
    /// A command, or what belongs to one.
    virtual void send(std::uint8_t byte) = 0;

  protected:
    ~Ps2Device() = default;
};

/// Somebody used the device: a machine that sleeps wakes.
inline void wake_machine(DeviceContext& context) {
    static_cast<MachineSleep*>(context.host_interface(MachineSleep::kId))->request_wake(WakeCause::Other);
}

inline constexpr std::uint8_t kAck = 0xfa;
inline constexpr std::uint8_t kResend = 0xfe;
inline constexpr std::uint8_t kSelfTestPassed = 0xaa;

/// The bytes that a device has ready: at most 16 that it made itself, and behind those what it answers.
class Ps2Output {
  public:
    static constexpr std::size_t kRoom = 16;
    static constexpr std::size_t kMost = 64;

    explicit Ps2Output(Wire& wire) : wire_(wire) {}
    bool has_room(std::size_t bytes) const { return queue_.size() + bytes <= kRoom; }
    bool empty() const { return queue_.empty(); }
    /// Bytes that belong together: the first one may be taken before this returns.
    void push(std::span<const std::uint8_t> bytes) {
        for (const std::uint8_t byte : bytes)
            if (queue_.size() < kMost) queue_.push_back(byte);
        wire_.set(!queue_.empty());
    }
    void push(std::initializer_list<std::uint8_t> bytes) { push(std::span(bytes.begin(), bytes.size())); }
    std::uint8_t take() {
        if (!queue_.empty()) {
            last_ = queue_.front();
            queue_.pop_front();
        }
        wire_.set(!queue_.empty());
        return last_;
    }
    /// What was sent last comes again, ahead of the others.
    void again() {
        if (queue_.size() < kMost) queue_.push_front(last_);
        wire_.set(1);
    }
    void clear() {
        queue_.clear();
        wire_.set(0);
    }
    void describe(StateTable& table) {
        describe_bytes<kMost>(table, "output", queue_);
        backplane::describe(table, "last_sent", last_);
    }

  private:
    Wire& wire_;
    std::deque<std::uint8_t> queue_;
    std::uint8_t last_ = 0;
};

}  // namespace backplane::i8042
