// A guest, and a host beside it, that do anything at all to a board: the same to two boards that are alike.
#pragma once

#include "boards/saved/ide_guest.h"
#include "boards/saved/virtio_guest.h"

namespace backplane::testing {

/// A copy goes on as the original does.
class RandomGuest {
  public:
    explicit RandomGuest(unsigned seed) : random_(seed) {}
    void find_devices(SavedBoard& board);
    /// A reset writes what the host gave the board into its memory, the same again only on the same board.
    void resets(bool wanted) { resets_ = wanted; }
    Observed act(SavedBoard& board, unsigned times);

  private:
    void poke(SavedBoard& board, Observed& observed);
    void poke_port(SavedBoard& board, Observed& observed);
    void host_acts(SavedBoard& board, Observed& observed);
    void type(FakeChar& chars, Observed& observed);
    void look_at_registers(SavedBoard& board, Observed& observed);
    std::uint64_t value(const Places& places);

    std::mt19937_64 random_;
    bool resets_ = true;
    VirtioGuest drivers_;
    IdeGuest disks_;
};

}  // namespace backplane::testing
