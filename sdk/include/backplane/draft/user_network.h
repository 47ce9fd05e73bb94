// Draft: needs the exact host build. A user network while it runs: the ports that lead into it, and what goes through.
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/mark.h>

namespace backplane {

/// Offered by the part of "netdev-user". Thread: holding the machine lock.
class UserNetwork {
  public:
    static constexpr const char* kId = "backplane.user-network/draft";
    /// `rule`: "[tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT", host to guest. False and a reason.
    virtual bool add_forward(Str rule, Errors& errors) = 0;
    enum class Removal : std::uint8_t { Removed, NotFound, BadFormat };
    /// `rule`: "[tcp|udp]:[ADDRESS]:PORT" of the host.
    virtual Removal remove_forward(Str rule) = 0;
    /// A table of the rules and of the connections that there are, a line each; lines end in '\n'.
    virtual void write_connections(TextSink& out) = 0;

  protected:
    ~UserNetwork() = default;
};

}  // namespace backplane
