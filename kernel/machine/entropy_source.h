// The machine's one source of random bytes: the host's, or a reproducible one (-seed).
#pragma once

#include <backplane/entropy.h>

#include <optional>
#include <random>

namespace backplane {
class Log;
}

namespace backplane::kernel {

class EntropySource final : public Entropy {
  public:
    explicit EntropySource(Log& log) : log_(log) {}
    /// From here on the bytes follow from `seed` alone. They are the same on every host, and no secret.
    void set_seed(std::uint64_t seed) { seeded_.emplace(seed); }

    void fill(MutableBytes to) override;

  private:
    void fill_from_host(MutableBytes to);

    Log& log_;
    /// Whose sequence the C++ standard fixes.
    std::optional<std::mt19937_64> seeded_;
};

}  // namespace backplane::kernel
