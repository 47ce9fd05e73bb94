// "temporary-overlay": writes go to a temporary file, and the node below stays as it is. What was written is gone when
// the node goes.
//
// Each sector of 512 bytes is here or below, by a bit in memory. Not here: writing it into the node below ("commit").
#include "node_claim.h"
#include "written_map.h"

#include <backplane/backend.h>
#include <backplane/block.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::block {

namespace {

constexpr std::uint64_t kSector = 512;

/// The vectors for `size` bytes from `skip` on.
std::vector<IoVector> cut(Slice<const IoVector> vectors, std::uint64_t skip, std::uint64_t size) {
    std::vector<IoVector> piece;
    for (const IoVector& vector : vectors) {
        if (skip >= vector.size) {
            skip -= vector.size;
            continue;
        }
        const std::uint64_t count = std::min(vector.size - skip, size);
        if (count == 0) break;
        piece.push_back({static_cast<std::uint8_t*>(vector.data) + skip, count});
        size -= count;
        skip = 0;
    }
    return piece;
}

class OverlayNode final : public BlockBackend, public Completable, BlockObserver {
  public:
    explicit OverlayNode(Object& object) : object_(object) {}

    BlockBackend* below_ = nullptr;

    bool complete(Errors& errors) override {
        if (!below_->claim(id(), this, errors)) return false;
        if (make_temporary_file(errors)) return true;
        below_->release();
        return false;
    }
    void shut_down() override {
        drain();
        here_->release();
        below_->release();
    }

    std::uint64_t size() const override { return below_->size(); }
    bool read_only() const override { return false; }
    std::uint32_t logical_block_size() const override { return below_->logical_block_size(); }
    bool write_cache() const override { return true; }

    void submit(BlockRequest& request) override {
        if (request.operation == BlockOperation::Flush) return request.done(BlockStatus::Ok);
        if (request.offset > size() || request.size > size() - request.offset)
            return request.done(BlockStatus::OutOfRange);
        if (request.operation == BlockOperation::Discard || request.size == 0)
            return request.done(BlockStatus::Ok);
        if (request.operation == BlockOperation::Read) return read(request);
        if ((request.offset | request.size) % kSector == 0) return write(request);
        if (request.operation != BlockOperation::Write) return request.done(BlockStatus::Unsupported);
        new Widened(*this, request);
    }
    void drain() override {
        // What the one completes may need the other.
        while (in_flight_ > 0) {
            below_->drain();
            here_->drain();
        }
    }

    bool drain_for(std::uint32_t limit_ms) override {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
        const auto left = [&] {
            const auto rest = limit - std::chrono::steady_clock::now();
            return std::uint32_t(std::max<std::int64_t>(
                0, std::chrono::duration_cast<std::chrono::milliseconds>(rest).count()));
        };
        while (in_flight_ > 0)
            if (!below_->drain_for(left()) || !here_->drain_for(left())) return false;
        return true;
    }

    bool claim(Str user, BlockObserver* observer, Errors& errors) override {
        return claim_.take(object_, user, observer, errors);
    }
    void release() override { claim_.release(); }

  private:
    /// A read, in the pieces that are here or below.
    class Scattered;
    /// A part of a request for one of the two.
    class Part final : public BlockRequest {
      public:
        Part(Scattered& whole, std::vector<IoVector> pieces) : whole_(whole), pieces_(std::move(pieces)) {
            vectors = {pieces_.data(), pieces_.size()};
        }
        void done(BlockStatus status) override;

      private:
        Scattered& whole_;
        std::vector<IoVector> pieces_;
    };
    class Scattered {
      public:
        Scattered(OverlayNode& node, BlockRequest& upper) : node_(node), upper_(upper) { ++node_.in_flight_; }
        void begin() { ++parts_; }
        void end(BlockStatus status) {
            if (status != BlockStatus::Ok) status_ = status;
            if (--parts_ > 0) return;
            --node_.in_flight_;
            BlockRequest& upper = upper_;
            const BlockStatus result = status_;
            delete this;
            upper.done(result);
        }

      private:
        OverlayNode& node_;
        BlockRequest& upper_;
        unsigned parts_ = 0;
        BlockStatus status_ = BlockStatus::Ok;
    };
    /// A write of whole sectors. They count as written when they are.
    class Written final : public BlockRequest {
      public:
        Written(OverlayNode& node, BlockRequest& upper) : node_(node), upper_(upper) {
            static_cast<BlockTransfer&>(*this) = upper.transfer();
            ++node_.in_flight_;
        }
        void done(BlockStatus status) override {
            if (status == BlockStatus::Ok) node_.written_.mark(offset / kSector, size / kSector);
            --node_.in_flight_;
            BlockRequest& upper = upper_;
            delete this;
            upper.done(status);
        }

      private:
        OverlayNode& node_;
        BlockRequest& upper_;
    };
    /// A write of parts of sectors: the whole ones are read, changed and written.
    class Widened final : BlockRequest {
      public:
        Widened(OverlayNode& node, BlockRequest& upper) : node_(node), upper_(upper) {
            const std::uint64_t first = upper.offset / kSector * kSector;
            const std::uint64_t last = (upper.offset + upper.size + kSector - 1) / kSector * kSector;
            bytes_.resize(last - first);
            vector_ = {bytes_.data(), bytes_.size()};
            operation = BlockOperation::Read;
            offset = first;
            size = bytes_.size();
            vectors = {&vector_, 1};
            node_.submit(*this);
        }
        void done(BlockStatus status) override {
            if (status == BlockStatus::Ok && operation == BlockOperation::Read) {
                std::uint8_t* to = bytes_.data() + (upper_.offset - offset);
                for (const IoVector& from : upper_.vectors) {
                    std::memcpy(to, from.data, from.size);
                    to += from.size;
                }
                operation = BlockOperation::Write;
                return node_.submit(*this);
            }
            BlockRequest& upper = upper_;
            delete this;
            upper.done(status);
        }

      private:
        OverlayNode& node_;
        BlockRequest& upper_;
        std::vector<std::uint8_t> bytes_;
        IoVector vector_{};
    };

    std::string id() const { return std::string(object_.id().view()); }
    void block_resized() override {
        if (claim_.observer()) claim_.observer()->block_resized();
    }

    void read(BlockRequest& request) {
        auto* whole = new Scattered(*this, request);
        whole->begin();
        const std::uint64_t end = request.offset + request.size;
        for (std::uint64_t at = request.offset; at < end;) {
            const std::uint64_t sector = at / kSector, last = (end + kSector - 1) / kSector;
            const bool here = written_.written(sector);
            const std::uint64_t run_end =
                std::min((sector + written_.run(sector, last - sector)) * kSector, end);
            auto* part = new Part(*whole, cut(request.vectors, at - request.offset, run_end - at));
            part->operation = BlockOperation::Read;
            part->offset = at;
            part->size = run_end - at;
            whole->begin();
            (here ? here_ : below_)->submit(*part);
            at = run_end;
        }
        whole->end(BlockStatus::Ok);
    }
    void write(BlockRequest& request) { here_->submit(*new Written(*this, request)); }

    bool make_temporary_file(Errors& errors) {
        const char* folder = std::getenv("TMPDIR");
        std::string path = std::string(folder && *folder ? folder : "/var/tmp") + "/backplane-overlay.XXXXXX";
        const int fd = mkostemp(path.data(), O_CLOEXEC);
        const bool sized = fd >= 0 && ftruncate(fd, off_t(below_->size())) == 0;
        const int error = errno;
        if (fd >= 0) close(fd);
        Object* file = sized ? open_file(path, errors) : nullptr;
        if (fd >= 0) unlink(path.c_str());
        if (!sized)
            errors.fail("block node '" + id() + "': cannot make the temporary file '" + path +
                        "': " + std::strerror(error) + "; TMPDIR names another folder");
        here_ = file ? query<BlockBackend>(*file) : nullptr;
        return here_ && here_->claim(id(), nullptr, errors);
    }
    Object* open_file(const std::string& path, Errors& errors) {
        Object* file = object_.create_child("blockdev-file", "file", errors);
        if (!file) return nullptr;
        const bool ready =
            file->set_property("filename", path, errors) && file->set_property("locking", "off", errors) &&
            file->set_property("cache.no-flush", "on", errors) && object_.realize_child(*file, errors);
        return ready ? file : nullptr;
    }

    Object& object_;
    BlockBackend* here_ = nullptr;
    WrittenMap written_;
    unsigned in_flight_ = 0;
    NodeClaim claim_;
};

void OverlayNode::Part::done(BlockStatus status) {
    Scattered& whole = whole_;
    delete this;
    whole.end(status);
}

constexpr PropertyInfo kProperties[] = {
    property<&OverlayNode::below_>({.name = "file", .summary = "the node below", .required = true}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<OverlayNode, BlockBackend>(),
                                         offers<OverlayNode, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<OverlayNode>({.name = "blockdev-temporary-overlay",
                               .parent = "block-node",
                               .summary = "writes go to a temporary file, and are gone at the end",
                               .option_name = "temporary-overlay",
                               .interfaces = kInterfaces,
                               .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::block

BACKPLANE_PLUGIN("blockdev-temporary-overlay", "1.0", "Backplane", backplane::block::kTypes)
