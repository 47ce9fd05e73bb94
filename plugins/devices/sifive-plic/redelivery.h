// A line that is still raised when its interrupt is completed asks again (chapter 6). A kernel that never clears what
// raises its line would from then on do nothing but take that interrupt. Such kernels are about (one never asks its UART
// what it wants), and go on where requests are not repeated. So a source that comes back again and again, without its
// line having fallen in between, is held back for a while each time.
#pragma once

#include <backplane/state.h>

#include <cstdint>
#include <vector>

namespace backplane::plic {

class Redelivery {
  public:
    static constexpr std::uint64_t kPause = 500'000;  ///< ns that a source is held back for

    void resize(std::size_t sources) {
        returns_.assign(sources, 0);
        held_.assign(sources, 0);
    }
    /// `since`: the version of the table that first had it.
    void describe_state(StateTable& state, std::uint16_t since) {
        describe_array(state, "returns", returns_, {.since = since, .maximum = kAtOnce});
        describe_array(state, "held", held_, {.since = since, .maximum = 1});
    }
    /// The line rose or fell: whoever serves the source did something about it.
    void line_changed(std::uint32_t source) { returns_[source] = held_[source] = 0; }
    /// A source was completed while its line is raised. False: it waits, for release().
    bool at_once(std::uint32_t source) {
        if (returns_[source] < kAtOnce) {
            ++returns_[source];
            return true;
        }
        held_[source] = 1;
        return false;
    }
    /// Calls `forward` with each source that was held back.
    template <class Forward>
    void release(Forward forward) {
        for (std::uint32_t source = 0; source < held_.size(); ++source)
            if (held_[source]) {
                held_[source] = 0;
                forward(source);
            }
    }

  private:
    static constexpr std::uint8_t kAtOnce = 16;  ///< returns in a row that are not held back

    std::vector<std::uint8_t> returns_;  ///< by source: completions in a row with the line raised
    std::vector<std::uint8_t> held_;
};

}  // namespace backplane::plic
