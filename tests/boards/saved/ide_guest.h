// The driver of a random guest for a PC's two IDE channels: commands that are mostly right, by ports and by DMA, their
// data, or some of it, and everything else that a driver does in between.
#pragma once

#include "boards/saved/virtio_guest.h"

namespace backplane::testing {

class IdeGuest {
  public:
    static void act(SavedBoard& board, std::mt19937_64& random, Observed& observed);
};

}  // namespace backplane::testing
