// What clients say (RFC 6143, 7.1 to 7.5, and the extensions of "The RFB Protocol"): bytes that come in pieces, and may be
// lies. Nothing is kept of a message but what its meaning needs.
#pragma once

#include "bytes.h"
#include "pixels.h"

#include <backplane/screen.h>

#include <cstddef>
#include <string>
#include <vector>

namespace backplane::vnc {

/// Who hears the messages of a client that is past its handshake.
class MessageSink {
  public:
    virtual void set_format(const PixelFormat& format) = 0;
    virtual void set_encodings(const std::vector<std::int32_t>& encodings) = 0;
    virtual void update_wanted(bool incremental, const ScreenArea& area) = 0;
    /// `scan_code`: 0 when only the symbol is known.
    virtual void key(bool down, std::uint32_t symbol, std::uint32_t scan_code) = 0;
    virtual void pointer(unsigned buttons, std::uint16_t x, std::uint16_t y) = 0;
    virtual void continuous_updates(bool on, const ScreenArea& area) = 0;
    virtual void fence(std::uint32_t flags, View payload) = 0;
    virtual void size_wanted(std::uint16_t width, std::uint16_t height) = 0;

  protected:
    ~MessageSink() = default;
};

class MessageReader {
  public:
    explicit MessageReader(MessageSink& sink) : sink_(sink) {}
    /// Hands on all that is whole. False, and why, when no client may say that; nothing is to be read any more then.
    bool receive(View bytes);
    const std::string& problem() const { return problem_; }

  private:
    /// Bytes of the message that begins there, as far as they say themselves how many; 0: not known yet.
    std::size_t size_of(View bytes);
    bool handle(View message);
    bool handle_text(View header);
    bool handle_extension(View message);
    bool refuse(std::string problem);

    MessageSink& sink_;
    Buffer pending_;
    std::size_t skip_ = 0;  ///< bytes to come that nobody wants
    std::string problem_;
};

}  // namespace backplane::vnc
