// The transceiver inside of the 82540EM, as MDIC reaches it (317453, section 13.5; an M88E1011S). Negotiation succeeds at
// once, with 1000 Mb/s, wherever there is a link.
#pragma once

#include <backplane/state.h>

#include <cstdint>

namespace backplane::e1000 {

class Phy {
  public:
    void describe(StateTable& table);
    void reset();
    void set_link(bool up) { link_ = up; }
    /// MDIC: carries out what is written, and gives what it reads then.
    std::uint32_t access(std::uint32_t command);

  private:
    std::uint16_t read(unsigned reg) const;
    void write(unsigned reg, std::uint16_t value);
    static bool exists(unsigned reg);

    bool link_ = false;
    std::uint16_t control_ = 0, advertisement_ = 0, gigabit_control_ = 0, specific_control_ = 0,
                  extended_control_ = 0;
};

}  // namespace backplane::e1000
