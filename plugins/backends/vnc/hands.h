// What people do at a client, on its way to the machine's keyboard and pointer.
#pragma once

#include <backplane/clock.h>
#include <backplane/input.h>

#include <cstdint>
#include <deque>
#include <set>

namespace backplane::vnc {

/// Keys one after the other, as far apart as users ask (key-delay-ms). Thread: holding the machine lock.
class KeyQueue {
  public:
    /// Without a hub nothing arrives.
    void begin(InputHub* hub, Clock& clock, std::uint32_t delay_ms);
    InputHub* hub() const { return hub_; }
    /// False, and left out, when a guest would be busy with what is there for seconds. What goes up always goes.
    bool send(std::uint16_t key, bool down);
    void end();

  private:
    static constexpr std::size_t kMost = 256;

    void step();

    InputHub* hub_ = nullptr;
    Clock* clock_ = nullptr;
    std::uint64_t delay_ns_ = 0;
    std::deque<InputEvent> waiting_;
    OwnedTimer<&KeyQueue::step> timer_{*this};
};

/// Those of one client.
class Hands {
  public:
    explicit Hands(KeyQueue& keys) : keys_(keys) {}

    /// `scan_code`: 0 when only the symbol is known. `capitals`: the guest's caps lock is on.
    void key(bool down, std::uint32_t symbol, std::uint32_t scan_code, bool capitals);
    /// Buttons as RFC 6143, 7.5.5 counts them, at a place of a picture of that size.
    void pointer_at(unsigned buttons, std::uint16_t x, std::uint16_t y, std::uint32_t width,
                    std::uint32_t height);
    /// The same, moved by so much.
    void pointer_by(unsigned buttons, std::int32_t x, std::int32_t y);
    /// Are places what the machine's pointer takes?
    bool takes_places() const;
    /// All keys and buttons that are held.
    void let_go();

  private:
    void press(std::uint16_t key, bool down);
    void point(InputKind kind, std::int32_t x, std::int32_t y, unsigned buttons);

    KeyQueue& keys_;
    std::set<std::uint16_t> held_;  ///< keys by their numbers
    unsigned buttons_ = 0;
    std::int32_t x_ = -1, y_ = -1;  ///< where the pointer was; -1: not known
};

}  // namespace backplane::vnc
