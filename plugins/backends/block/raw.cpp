// "raw": a node as it is, or a part of it.
#include "node_claim.h"

#include <backplane/backend.h>
#include <backplane/block.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

#include <string>

namespace backplane::block {

namespace {

class RawNode final : public BlockBackend, public BlockResize, public Completable, BlockObserver {
  public:
    explicit RawNode(Object& object) : object_(object) {}

    BlockBackend* file_ = nullptr;
    std::uint64_t offset_ = 0;
    std::uint64_t size_ = 0;
    bool read_only_ = false;
    // Of the node below, which keeps what is cached and finds out what may be written; both answers are what happens.
    bool auto_read_only_ = false, direct_ = false;
    bool no_flush_ = false;
    enum class Discard : std::uint8_t { Ignore, Unmap, Off, On } discard_ = Discard::Unmap;
    std::uint32_t detect_zeroes_ = 0;

    bool complete(Errors& errors) override {
        const std::string name = "block node '" + id() + "'";
        if (offset_ > file_->size() || size_ > file_->size() - offset_) {
            errors.fail(name + ": offset=" + std::to_string(offset_) + " and size=" + std::to_string(size_) +
                        " pass the end of the node below, which has " + std::to_string(file_->size()) +
                        " bytes");
            return false;
        }
        return file_->claim(id(), this, errors);
    }
    void shut_down() override {
        file_->drain();
        file_->release();
    }

    std::uint64_t size() const override { return size_ ? size_ : file_->size() - offset_; }
    bool read_only() const override { return read_only_ || file_->read_only(); }
    std::uint32_t logical_block_size() const override { return file_->logical_block_size(); }
    bool write_cache() const override { return file_->write_cache(); }

    void submit(BlockRequest& request) override {
        if (request.operation != BlockOperation::Flush) {
            if (request.offset > size() || request.size > size() - request.offset)
                return request.done(BlockStatus::OutOfRange);
            if (request.operation != BlockOperation::Read && read_only())
                return request.done(BlockStatus::ReadOnly);
        }
        const bool dropped = (request.operation == BlockOperation::Flush && no_flush_) ||
                             (request.operation == BlockOperation::Discard &&
                              (discard_ == Discard::Ignore || discard_ == Discard::Off));
        if (dropped) return request.done(BlockStatus::Ok);
        if (offset_ == 0) return file_->submit(request);
        file_->submit(*new Shifted(request, offset_));
    }
    /// The node below tells of it.
    bool resize(std::uint64_t bytes, Errors& errors) override {
        TextBuffer path;
        object_.get_property("file", path, errors);
        Object* node = backend_context(object_).find(path.text());
        auto* below = node ? query<BlockResize>(*node) : nullptr;
        if (below && size_ == 0) return below->resize(offset_ + bytes, errors);
        errors.fail("block node '" + id() + "' " +
                    (size_ ? "has a size of its own (size=)" : "is on a node that cannot be resized"));
        return false;
    }
    void drain() override { file_->drain(); }
    bool drain_for(std::uint32_t limit_ms) override { return file_->drain_for(limit_ms); }

    bool claim(Str user, BlockObserver* observer, Errors& errors) override {
        return claim_.take(object_, user, observer, errors);
    }
    void release() override { claim_.release(); }

  private:
    /// A request for the node below. Frees itself when it is done.
    class Shifted final : public BlockRequest {
      public:
        Shifted(BlockRequest& upper, std::uint64_t by) : upper_(upper) {
            static_cast<BlockTransfer&>(*this) = upper.transfer();
            offset = operation == BlockOperation::Flush ? 0 : offset + by;
        }
        void done(BlockStatus status) override {
            BlockRequest& upper = upper_;
            delete this;
            upper.done(status);
        }

      private:
        BlockRequest& upper_;
    };

    std::string id() const { return std::string(object_.id().view()); }
    void block_resized() override {
        if (claim_.observer() && size_ == 0) claim_.observer()->block_resized();
    }

    Object& object_;
    NodeClaim claim_;
};

constexpr PropertyInfo kProperties[] = {
    property<&RawNode::file_>({.name = "file", .summary = "the node below", .required = true}),
    size_property<&RawNode::offset_>(
        {.name = "offset", .summary = "where in the node below it begins", .default_text = "0"}),
    size_property<&RawNode::size_>({.name = "size", .summary = "0: to the end", .default_text = "0"}),
    property<&RawNode::read_only_>({.name = "read-only", .summary = "no writes", .default_text = "off"}),
    property<&RawNode::auto_read_only_>({.name = "auto-read-only",
                                         .summary = "as the node below; it is what opens files",
                                         .default_text = "off"}),
    property<&RawNode::direct_>({.name = "cache.direct",
                                 .summary = "as the node below; nothing is cached here",
                                 .default_text = "off"}),
    property<&RawNode::no_flush_>(
        {.name = "cache.no-flush", .summary = "flushes end here", .default_text = "off"}),
    enum_property<&RawNode::discard_>({.name = "discard",
                                       .summary = "what becomes of ranges that the guest gives back",
                                       .default_text = "unmap",
                                       .choices = "ignore|unmap|off|on"}),
    enum_property<&RawNode::detect_zeroes_>({.name = "detect-zeroes",
                                             .summary = "zeros are looked for by the node below, if at all",
                                             .default_text = "off",
                                             .choices = "off"}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<RawNode, BlockBackend>(), offers<RawNode, BlockResize>(),
                                         offers<RawNode, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<RawNode>({.name = "blockdev-raw",
                           .parent = "block-node",
                           .summary = "an image without a format, or a part of it",
                           .option_name = "raw",
                           .interfaces = kInterfaces,
                           .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::block

BACKPLANE_PLUGIN("blockdev-raw", "1.0", "Backplane", backplane::block::kTypes)
