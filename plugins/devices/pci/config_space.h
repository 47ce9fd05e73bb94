// The bytes of a function's configuration space, with what the guest may do to each bit of them, and the allocation
// of capabilities. Follows "PCI Local Bus Specification" 3.0, 6.1–6.7; "PCI Express Base Specification" 4.0, 7.9.
#pragma once

#include <backplane/pci.h>
#include <backplane/state.h>

#include <array>
#include <vector>

namespace backplane::pci {

class ConfigSpace {
  public:
    ConfigSpace();

    void describe_state(StateTable& state);
    /// What makes it this function: the header but for what software sets, and every byte that heads a capability.
    /// Taken down once the function is whole; is it still so (after a load)?
    void remember_function();
    bool same_function() const;
    unsigned size() const { return size_; }
    void extend() { size_ = kExtendedConfigSize; }

    /// `size` is 1, 2 or 4; what lies outside reads as ones.
    std::uint32_t get(unsigned offset, unsigned size) const;
    void set(unsigned offset, unsigned size, std::uint32_t value);
    void set_writable(unsigned offset, unsigned size, std::uint32_t mask);
    void set_clearable(unsigned offset, unsigned size, std::uint32_t mask);
    /// As the guest writes: writable bits are taken, clearable ones cleared by 1.
    void guest_write(unsigned offset, unsigned size, std::uint32_t value);
    /// All that the guest could change is 0.
    void reset();

    /// The offset, 0 and a reason when there is no room.
    unsigned add_capability(std::uint8_t id, unsigned size, unsigned at, Errors& errors);
    unsigned add_extended_capability(std::uint16_t id, std::uint8_t version, unsigned size, Errors& errors);

  private:
    using Bytes4K = std::array<std::uint8_t, kExtendedConfigSize>;
    bool inside(unsigned offset, unsigned size) const { return offset + size <= size_; }
    static void put(Bytes4K& bytes, unsigned offset, unsigned size, std::uint32_t value);
    bool free_at(unsigned offset, unsigned size) const;
    void take(unsigned offset, unsigned size);

    unsigned size_ = kConfigSize;
    Bytes4K bytes_{};
    Bytes4K writable_{};
    Bytes4K clearable_{};
    Bytes4K used_{};  ///< not 0: belongs to the header or to a capability
    unsigned last_extended_ = 0;
    std::vector<unsigned> heads_;  ///< of capabilities
    std::vector<std::uint8_t> function_;
    std::vector<std::uint8_t> function() const;
};

}  // namespace backplane::pci
