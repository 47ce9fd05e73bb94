// Which sectors of a disk were written: a bit each, in pages that are made when they are first needed.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace backplane::block {

class WrittenMap {
  public:
    /// From `sector` on, how many sectors up to `count` are alike?
    std::uint64_t run(std::uint64_t sector, std::uint64_t count) const {
        const bool first = written(sector);
        std::uint64_t length = 1;
        while (length < count) {
            const std::uint64_t at = sector + length;
            // Nothing of a page that is not there was written.
            if (at % kSectors == 0 && !pages_.contains(at / kSectors)) {
                if (first) break;
                length += std::min<std::uint64_t>(kSectors, count - length);
            } else {
                if (written(at) != first) break;
                ++length;
            }
        }
        return length;
    }
    bool written(std::uint64_t sector) const {
        const auto page = pages_.find(sector / kSectors);
        return page != pages_.end() && page->second->test(sector % kSectors);
    }
    void mark(std::uint64_t sector, std::uint64_t count) {
        for (std::uint64_t end = sector + count; sector < end; ++sector) {
            std::unique_ptr<Page>& page = pages_[sector / kSectors];
            if (!page) page = std::make_unique<Page>();
            page->set(sector % kSectors);
        }
    }

  private:
    static constexpr std::uint64_t kSectors = 2048;
    using Page = std::bitset<kSectors>;
    std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace backplane::block
