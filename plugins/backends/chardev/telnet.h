// The part of Telnet (RFC 854, 856, 857, 858) that a character terminal needs: a client that sends each key as it is
// typed and does not echo it. Not here: any option that the client offers or asks for beyond those.
#pragma once

#include <backplane/abi.h>

#include <string>

namespace backplane::chardev {

class TelnetFilter {
  public:
    /// What a new client is sent.
    static Bytes greeting();
    void reset() { state_ = State::Data; }
    /// Takes commands out of what a client sent, in place: what is left is data. `breaks` counts its breaks.
    std::size_t decode(MutableBytes bytes, unsigned& breaks);
    /// Doubles the byte that begins a command.
    static std::string encode(Bytes bytes);

  private:
    enum class State : std::uint8_t { Data, Command, Option, Subnegotiation, SubnegotiationEnd, AfterReturn };
    State state_ = State::Data;
};

}  // namespace backplane::chardev
