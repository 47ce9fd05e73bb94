// What a monitor has to say and its character device did not take yet.
#pragma once

#include <backplane/char.h>

#include <string>

namespace backplane::monitor {

/// Thread: holding the machine lock.
class OutputQueue {
  public:
    void put(CharBackend& back, std::string_view text) {
        pending_ += text;
        flush(back);
    }
    void flush(CharBackend& back) {
        while (!pending_.empty()) {
            const std::size_t taken =
                back.write({reinterpret_cast<const std::uint8_t*>(pending_.data()), pending_.size()});
            if (taken == 0) return;
            pending_.erase(0, taken);
        }
    }
    void clear() { pending_.clear(); }
    std::size_t size() const { return pending_.size(); }

  private:
    std::string pending_;
};

}  // namespace backplane::monitor
