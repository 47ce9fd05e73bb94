// The image behind a flash: read when the flash is made, written behind its back as the guest changes it.
#pragma once

#include <backplane/block.h>
#include <backplane/device.h>

#include <string>
#include <vector>

namespace backplane::cfi {

class Backing final : BlockRequest {
  public:
    explicit Backing(DeviceContext& context) : context_(context) {}

    /// Claims the node and fills `contents` from it, which stays the flash's; not where a saved machine's are to come.
    /// Null: there is no image.
    bool open(BlockBackend* node, Str user, MutableBytes contents, Errors& errors);
    /// Writes what is not written yet, and lets go.
    void close();
    /// Waits until everything is written.
    void drain();
    bool read_only() const { return node_ && node_->read_only(); }
    /// These bytes of the contents were changed.
    void changed(std::uint64_t offset, std::uint64_t size);

  private:
    void done(BlockStatus status) override;
    void start_write();

    DeviceContext& context_;
    BlockBackend* node_ = nullptr;
    MutableBytes contents_{};
    std::uint64_t dirty_start_ = 0;  ///< bytes [start, end) differ from what was submitted
    std::uint64_t dirty_end_ = 0;
    bool busy_ = false;
    BlockStatus status_ = BlockStatus::Ok;
    std::vector<std::uint8_t> copy_;  ///< what is being written
    IoVector vector_{};
};

}  // namespace backplane::cfi
