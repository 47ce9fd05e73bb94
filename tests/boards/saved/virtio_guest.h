// The drivers of a random guest: each virtio device that it finds is set up at random, and given requests that are
// mostly right for some device.
#pragma once

#include "boards/saved/saved_board.h"

#include <random>

namespace backplane::testing {

/// What the guest's accesses gave: equal for two machines that do the same.
using Observed = std::vector<std::uint64_t>;

class VirtioGuest {
  public:
    /// Finds the devices on the board, and gives the PCI functions their addresses.
    void find(SavedBoard& board);
    void act(SavedBoard& board, std::mt19937_64& random, Observed& observed);

  private:
    enum class Kind { MmioLegacy, MmioModern, Pci };
    struct Queue {
        std::uint64_t base = 0;  ///< 0: not set up
        std::uint16_t available = 0;
        std::uint16_t next = 0;  ///< free descriptor
    };
    struct Device {
        Kind kind;
        std::uint64_t base;
        std::uint64_t memory;  ///< for its rings
        unsigned id;           ///< what kind of device it is
        std::array<Queue, 6> queues{};
    };

    static constexpr unsigned kSize = 8;  // entries of each queue
    static std::uint64_t driver_area(std::uint64_t base) { return base + 16 * kSize; }
    static std::uint64_t device_area(std::uint64_t base) { return base + 0x1000; }

    void set_up(SavedBoard& board, Device& device, std::mt19937_64& random);
    void set_up_queue(SavedBoard& board, Device& device, unsigned index);
    void offer(SavedBoard& board, Device& device, unsigned index, std::mt19937_64& random);
    void notify(SavedBoard& board, const Device& device, unsigned index);

    std::vector<Device> devices_;
};

}  // namespace backplane::testing
