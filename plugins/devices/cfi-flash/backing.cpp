#include "backing.h"

#include <backplane/whereabouts.h>

#include <algorithm>

namespace backplane::cfi {

bool Backing::open(BlockBackend* node, Str user, MutableBytes contents, Errors& errors) {
    if (!node) return true;
    if (node->size() != contents.size) {
        errors.fail("drive: the flash has " + std::to_string(contents.size) + " bytes, and its image " +
                    std::to_string(node->size()) + "; make the image as large as the flash");
        return false;
    }
    if (!node->claim(user, nullptr, errors)) return false;
    node_ = node;
    contents_ = contents;
    // What is in the flash comes with the rest of a machine that was saved.
    const auto* whereabouts = static_cast<const Whereabouts*>(context_.host_interface(Whereabouts::kId));
    if (whereabouts && !whereabouts->here()) return true;
    vector_ = {contents.data, contents.size};
    operation = BlockOperation::Read;
    offset = 0;
    size = contents.size;
    vectors = {&vector_, 1};
    busy_ = true;
    node->submit(*this);
    node->drain();
    if (status_ == BlockStatus::Ok) return true;
    errors.fail("drive: the flash's image could not be read");
    close();
    return false;
}

void Backing::drain() {
    while (node_ && (busy_ || (dirty_end_ > dirty_start_ && status_ == BlockStatus::Ok))) node_->drain();
}

void Backing::close() {
    if (!node_) return;
    drain();
    node_->release();
    node_ = nullptr;
}

void Backing::changed(std::uint64_t start, std::uint64_t count) {
    if (!node_ || count == 0) return;
    if (dirty_start_ == dirty_end_) {
        dirty_start_ = start;
        dirty_end_ = start + count;
    } else {
        dirty_start_ = std::min(dirty_start_, start);
        dirty_end_ = std::max(dirty_end_, start + count);
    }
    if (!busy_) start_write();
}

/// One write at a time, so that they cannot overtake each other, and of no more than the loop has time to copy.
void Backing::start_write() {
    constexpr std::uint64_t kMost = 1u << 20;
    const std::uint64_t unit = std::max<std::uint64_t>(node_->logical_block_size(), 1);
    const std::uint64_t start = dirty_start_ / unit * unit;
    const std::uint64_t end =
        std::min({(dirty_end_ + unit - 1) / unit * unit, start + std::max(kMost, unit), contents_.size});
    copy_.assign(contents_.data + start, contents_.data + end);
    dirty_start_ = end;
    if (dirty_start_ >= dirty_end_) dirty_start_ = dirty_end_ = 0;
    vector_ = {copy_.data(), copy_.size()};
    operation = BlockOperation::Write;
    offset = start;
    size = copy_.size();
    vectors = {&vector_, 1};
    busy_ = true;
    node_->submit(*this);
}

void Backing::done(BlockStatus status) {
    busy_ = false;
    status_ = status;
    if (status != BlockStatus::Ok && operation == BlockOperation::Write)
        context_.log().write(LogLevel::Error, "block",
                             "flash: a write to the image failed; it is behind the flash");
    if (node_ && operation == BlockOperation::Write && dirty_end_ > dirty_start_) start_write();
}

}  // namespace backplane::cfi
