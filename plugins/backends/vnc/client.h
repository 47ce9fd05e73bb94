// One client: its socket, what it said, and what it is told. Thread: the host loop, holding the machine lock; pictures are
// encoded elsewhere (UpdateJob).
//
// Nothing waits for a client. While an update is encoded or has not left for the network whole, changes add up as damage, so
// that a client that does not read costs one picture.
#pragma once

#include "damage.h"
#include "encoder.h"
#include "hands.h"
#include "handshake.h"
#include "listener.h"
#include "messages.h"
#include "screen_copy.h"

#include <backplane/clock.h>
#include <backplane/event_loop.h>

#include <memory>
#include <optional>
#include <string>

namespace backplane::vnc {

class Client;

/// An update in the making.
struct UpdateJob {
    std::weak_ptr<Client> client;
    std::shared_ptr<Encoder> encoder;  ///< its client's
    EncoderSettings settings;
    Buffer output;        ///< begins with what is there before the pictures
    unsigned before = 0;  ///< rectangles of that
    std::vector<Picture> pictures;

    /// Completes the output. Thread: any, one at a time for each encoder.
    void encode();
};

/// What a client has around it.
class ClientHost {
  public:
    virtual const Doorkeeper& doorkeeper() const = 0;
    virtual const ScreenCopy& picture() const = 0;
    virtual ScreenPointer pointer() const = 0;
    virtual KeyQueue& keys() = 0;
    /// Of the keyboard, as input_lights.
    virtual std::uint32_t lights() const = 0;
    /// May pictures be inexact, and are they to stay that?
    virtual bool lossy() const = 0;
    virtual bool adaptive() const = 0;
    virtual Challenge new_challenge() = 0;
    /// The client wants in; false: it may not. From then on picture() is of use.
    virtual bool enter(Client& client, bool shared) = 0;
    virtual void entered(Client& client) = 0;
    /// Client::encoded() follows.
    virtual void encode(std::shared_ptr<UpdateJob> job) = 0;
    /// It waits for an update from now on.
    virtual void waits() = 0;
    /// Somebody did something: what comes of it is worth a look.
    virtual void used() = 0;
    virtual void size_wanted(std::uint16_t width, std::uint16_t height) = 0;
    /// The client's connection is closed. It is to be freed, and not at once.
    virtual void ended(Client& client) = 0;

  protected:
    ~ClientHost() = default;
};

class Client final : public std::enable_shared_from_this<Client>, MessageSink, FdHandler {
  public:
    /// Takes over the descriptor.
    Client(ClientHost& host, EventLoop& loop, int fd);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { close(); }

    /// False when the host has no room for it.
    bool begin();
    /// As if the client had gone.
    void close();
    bool closed() const { return fd_ < 0; }
    bool entered() const { return entered_; }
    bool exclusive() const { return exclusive_; }
    /// Does it wait for an update, or is one on its way?
    bool active() const { return entered_ && (wanted_ || continuous_ || job_ || !output_.empty()); }
    const Address& address() const { return address_; }
    std::uint64_t since_ns() const { return since_ns_; }

    // What is new
    void changed(const ScreenArea& area) { damage_.add(area); }
    /// Within the picture.
    void moved(const ScreenMove& move);
    void pointer_changed() { pointer_news_ = true; }
    /// There is another picture, or all that was told is told: is something to be sent?
    void update();
    void encoded(UpdateJob& job);

  private:
    /// What a client said that it knows.
    struct Known {
        bool size = false, extended_size = false, pointer = false, alpha_pointer = false, keys = false,
             pointer_mode = false, continuous = false, fences = false, lights = false, copy = false;
    };

    void fd_ready(int fd, bool readable, bool writable) override;
    void read();
    void hear(View bytes);
    void enter();
    void say(const Buffer& bytes);
    void flush();
    void timed_out() { close(); }

    // MessageSink
    void set_format(const PixelFormat& format) override { settings_.format = format; }
    void set_encodings(const std::vector<std::int32_t>& encodings) override;
    void update_wanted(bool incremental, const ScreenArea& area) override;
    void key(bool down, std::uint32_t symbol, std::uint32_t scan_code) override;
    void pointer(unsigned buttons, std::uint16_t x, std::uint16_t y) override;
    void continuous_updates(bool on, const ScreenArea& area) override;
    void fence(std::uint32_t flags, View payload) override;
    void size_wanted(std::uint16_t width, std::uint16_t height) override;

    void greet(const Known& before);
    bool know(Known& known, std::int32_t encoding);
    bool resize();
    unsigned put_news(Buffer& out);
    void put_size(Buffer& out, unsigned reason, unsigned status) const;
    void put_pointer(Buffer& out, const ScreenPointer& shape) const;
    unsigned put_moves(Buffer& out);
    std::vector<ScreenArea> areas(bool& exact);
    std::uint64_t now_ns() const { return loop_.host_clock().now_ns(); }

    ClientHost& host_;
    EventLoop& loop_;
    int fd_;
    Address address_;
    std::uint64_t since_ns_;
    FdWatch* watch_ = nullptr;
    OwnedTimer<&Client::timed_out> deadline_{*this};  ///< of the handshake
    std::optional<Handshake> handshake_;
    MessageReader reader_{*this};
    Hands hands_;
    bool entered_ = false, exclusive_ = false;

    Buffer output_;            ///< on its way
    std::size_t sent_ = 0;     ///< bytes of it that have left
    std::size_t replies_ = 0;  ///< bytes of it that the client asked for with messages of its own
    Buffer held_back_;         ///< said after the job that is being encoded

    Known known_;
    EncoderSettings settings_;
    int quality_ = -1;
    std::shared_ptr<Encoder> encoder_ = std::make_shared<Encoder>();
    std::shared_ptr<UpdateJob> job_;        ///< while it is encoded
    std::uint32_t width_ = 0, height_ = 0;  ///< of the picture as the client knows it
    std::vector<ScreenMove> moves_;         ///< to be done before what is damaged is drawn
    Damage damage_;
    Damage inexact_;                        ///< what was sent as JPEG
    std::uint64_t sent_ns_ = 0;             ///< when the last pictures were
    std::optional<ScreenArea> wanted_;      ///< the client asked for an update
    std::optional<ScreenArea> continuous_;  ///< it gets updates without asking
    bool pointer_news_ = false, keys_news_ = false, size_news_ = false;
    std::optional<unsigned> size_answer_;  ///< to a wish for another size: a status
    std::optional<std::uint32_t> told_lights_;
    std::optional<bool> told_places_;  ///< that pointers are places, or movements
};

}  // namespace backplane::vnc
