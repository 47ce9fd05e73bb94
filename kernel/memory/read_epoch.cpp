#include "kernel/memory/read_epoch.h"

#include <algorithm>

namespace backplane::kernel {

bool ReadEpoch::bank_empty(std::uint64_t epoch) const {
    const auto& bank = banks_[epoch & 1];
    return std::all_of(bank.begin(), bank.end(), [](const Counter& c) { return c.readers.load() == 0; });
}

void ReadEpoch::collect() {
    for (int step = 0; step < 2 && !retired_.empty(); ++step) {
        const std::uint64_t epoch = epoch_.load();
        if (!bank_empty(epoch + 1)) break;
        epoch_.store(epoch + 1);
    }
    const std::uint64_t epoch = epoch_.load();
    // What is freed may retire more, so the list is settled before anything is freed.
    std::vector<std::pair<std::uint64_t, std::shared_ptr<const void>>> freed;
    const auto young = std::stable_partition(retired_.begin(), retired_.end(),
                                             [&](const auto& entry) { return entry.first + 2 > epoch; });
    freed.assign(std::make_move_iterator(young), std::make_move_iterator(retired_.end()));
    retired_.erase(young, retired_.end());
}

}  // namespace backplane::kernel
