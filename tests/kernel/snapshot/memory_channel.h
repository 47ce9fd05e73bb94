// A saved machine in memory: where the tests write to and read from.
#pragma once

#include <backplane/draft/snapshot.h>
#include <backplane/text.h>

#include <algorithm>
#include <vector>

namespace backplane::test {

class MemorySink final : public SnapshotSink {
  public:
    bool write(Bytes from, Errors& errors) override {
        if (bytes.size() + from.size > limit) {
            errors.fail("the disk is full");
            return false;
        }
        bytes.insert(bytes.end(), from.begin(), from.end());
        return true;
    }
    std::vector<std::uint8_t> bytes;
    std::size_t limit = ~std::size_t{0};
};

class MemorySource final : public SnapshotSource {
  public:
    explicit MemorySource(Bytes bytes) : bytes_(bytes) {}
    bool read(MutableBytes to, Errors& errors) override {
        if (to.size > bytes_.size - at_) {
            errors.fail("the saved machine is cut short");
            return false;
        }
        std::copy_n(bytes_.data + at_, to.size, to.data);
        at_ += to.size;
        return true;
    }
    std::size_t left() const { return bytes_.size - at_; }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
};

}  // namespace backplane::test
