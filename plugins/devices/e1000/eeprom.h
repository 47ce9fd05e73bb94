// The EEPROM of 64 words, read through EERD or bit by bit as a 93C46 (Microwire; 317453, section 5.6 and 13.4.3).
#pragma once

#include <backplane/state.h>

#include <array>
#include <cstdint>
#include <span>

namespace backplane::e1000 {

class Eeprom {
  public:
    static constexpr std::uint32_t kWords = 64;

    void describe(StateTable& table);
    void set_address(std::span<const std::uint8_t, 6> address);
    std::uint16_t word(std::uint32_t index) const { return words_[index % kWords]; }

    /// The pins SK, CS and DI, as EECD has them.
    void drive(bool clock, bool selected, bool data);
    /// DO.
    bool output() const { return output_; }

    /// EERD: the word that it asks for, with the bit that says that it is there.
    std::uint32_t read(std::uint32_t request) const;

  private:
    std::array<std::uint16_t, kWords> words_{};
    bool clock_ = false, selected_ = false, output_ = true;
    std::uint8_t bits_ = 0;      ///< of the command, from its start bit
    std::uint16_t command_ = 0;  ///< the bits so far
    std::uint16_t shifting_ = 0;
};

}  // namespace backplane::e1000
