// "file": an image of the host, as bytes. Reads that the page cache has complete at once; the rest is done by
// threads and completes on the host loop.
//
// All ways of asynchronous I/O that can be asked for are done by threads.
#include "host_file.h"
#include "node_claim.h"
#include "worker_pool.h"

#include <backplane/backend.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/whereabouts.h>

#include <chrono>

namespace backplane::block {

namespace {

/// A completion that is called from within submit() may submit again: so deep, then a thread takes over.
constexpr unsigned kMaximumNesting = 4;

class FileNode final : public BlockBackend, public BlockResize, public Completable, public Exclusive, Work {
  public:
    explicit FileNode(Object& object) : object_(object) {}

    std::string filename_;
    bool read_only_ = false;
    bool auto_read_only_ = false;
    bool direct_ = false;
    bool no_flush_ = false;
    bool write_back_ = true;
    std::uint32_t discard_ = 0;
    std::uint32_t locking_ = 0;
    std::uint32_t aio_ = 0;
    std::uint32_t detect_zeroes_ = 0;

    bool complete(Errors& errors) override {
        BackendContext& context = backend_context(object_);
        loop_ = &context.loop();
        if (aio_ == kNative && !direct_) {
            errors.fail("aio=native was specified, but it requires cache.direct=on, which was not specified");
            return false;
        }
        const bool unmap = discard_ == kDiscardUnmap || discard_ == kDiscardOn;
        if (detect_zeroes_ == kZeroesUnmap && !unmap) {
            errors.fail("detect-zeroes=unmap needs discard=unmap, which was not specified");
            return false;
        }
        const auto* whereabouts = static_cast<const Whereabouts*>(context.host_interface(Whereabouts::kId));
        const FileOptions options{.filename = filename_,
                                  .read_only = read_only_,
                                  .auto_read_only = auto_read_only_,
                                  .direct = direct_,
                                  .no_flush = no_flush_,
                                  .write_through = !write_back_,
                                  .unmap = unmap,
                                  .lock = locking_ != 2,
                                  .lock_now = !whereabouts || whereabouts->here(),
                                  .detect_zeroes = detect_zeroes_ != 0,
                                  .lifetime =
                                      static_cast<const Lifetime*>(context.host_interface(Lifetime::kId)),
                                  .files = static_cast<HostFiles*>(context.host_interface(HostFiles::kId))};
        const std::string problem = file_.open(options);
        if (problem.empty()) return true;
        errors.fail(problem);
        return false;
    }
    void shut_down() override {
        drain();
        pool_.stop();
        loop_->cancel(*this);
        file_.close();
    }

    bool take(Errors& errors) override {
        const std::string problem = file_.lock();
        if (!problem.empty()) errors.fail(problem);
        return problem.empty();
    }
    void let_go() override { file_.unlock(); }

    std::uint64_t size() const override { return file_.size(); }
    bool read_only() const override { return file_.read_only(); }
    std::uint32_t logical_block_size() const override { return 512; }
    bool write_cache() const override { return write_back_; }

    void submit(BlockRequest& request) override {
        const BlockTransfer asked = request.transfer();
        const BlockStatus status = check(asked);
        if (status != BlockStatus::Ok) return request.done(status);
        if (asked.operation == BlockOperation::Read && nesting_ < kMaximumNesting && file_.read_now(asked)) {
            ++nesting_;
            request.done(BlockStatus::Ok);
            --nesting_;
            return;
        }
        ++in_flight_;
        pool_.run([this, &request, asked] {
            const BlockStatus result = file_.perform(asked);
            const std::lock_guard guard(mutex_);
            completed_.emplace_back(&request, result);
            if (completed_.size() == 1) loop_->post(*this);
            completion_.notify_one();
        });
    }

    void drain() override {
        while (in_flight_ > 0) {
            {
                std::unique_lock guard(mutex_);
                completion_.wait(guard, [this] { return !completed_.empty(); });
            }
            run();
        }
    }

    bool drain_for(std::uint32_t limit_ms) override {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
        while (in_flight_ > 0) {
            {
                std::unique_lock guard(mutex_);
                if (!completion_.wait_until(guard, limit, [this] { return !completed_.empty(); }))
                    return false;
            }
            run();
        }
        return true;
    }

    bool resize(std::uint64_t bytes, Errors& errors) override {
        drain();
        const std::string problem = file_.resize(bytes);
        if (!problem.empty()) {
            errors.fail(problem);
            return false;
        }
        if (claim_.observer()) claim_.observer()->block_resized();
        return true;
    }

    bool claim(Str user, BlockObserver* observer, Errors& errors) override {
        return claim_.take(object_, user, observer, errors);
    }
    void release() override { claim_.release(); }

  private:
    static constexpr std::uint32_t kNative = 1;                        // of aio
    static constexpr std::uint32_t kDiscardUnmap = 1, kDiscardOn = 3;  // of discard
    static constexpr std::uint32_t kZeroesUnmap = 2;                   // of detect-zeroes
    BlockStatus check(const BlockTransfer& request) const {
        if (request.operation == BlockOperation::Flush) return BlockStatus::Ok;
        if (request.offset > size() || request.size > size() - request.offset) return BlockStatus::OutOfRange;
        if (request.operation != BlockOperation::Read && read_only()) return BlockStatus::ReadOnly;
        if (request.operation != BlockOperation::Read && request.operation != BlockOperation::Write)
            return BlockStatus::Ok;
        std::uint64_t total = 0;
        for (const IoVector& vector : request.vectors) total += vector.size;
        return total == request.size ? BlockStatus::Ok : BlockStatus::IoError;
    }

    // On the loop, or in drain(): calls those whose requests are done.
    void run() override {
        // One by one: what is called may drain().
        for (;;) {
            std::pair<BlockRequest*, BlockStatus> next;
            {
                const std::lock_guard guard(mutex_);
                if (completed_.empty()) return;
                next = completed_.front();
                completed_.pop_front();
            }
            --in_flight_;
            next.first->done(next.second);
        }
    }

    Object& object_;
    EventLoop* loop_ = nullptr;
    HostFile file_;
    NodeClaim claim_;
    unsigned in_flight_ = 0;  ///< with the machine lock
    unsigned nesting_ = 0;
    std::mutex mutex_;
    std::condition_variable completion_;
    std::deque<std::pair<BlockRequest*, BlockStatus>> completed_;
    WorkerPool pool_;  ///< last: its tasks use the rest
};

constexpr PropertyInfo kProperties[] = {
    property<&FileNode::filename_>({.name = "filename", .summary = "of the image", .required = true}),
    property<&FileNode::read_only_>({.name = "read-only", .summary = "no writes", .default_text = "off"}),
    property<&FileNode::auto_read_only_>({.name = "auto-read-only",
                                          .summary = "no writes, if the image cannot be written",
                                          .default_text = "off"}),
    property<&FileNode::direct_>(
        {.name = "cache.direct", .summary = "go past the host's page cache", .default_text = "off"}),
    property<&FileNode::no_flush_>({.name = "cache.no-flush",
                                    .summary = "ignore flushes: fast, and lost when the host crashes",
                                    .default_text = "off"}),
    property<&FileNode::write_back_>(
        {.name = "cache.writeback", .summary = "off: flush after each write", .default_text = "on"}),
    enum_property<&FileNode::discard_>({.name = "discard",
                                        .summary = "unmap: give discarded space back to the host",
                                        .default_text = "ignore",
                                        .choices = "ignore|unmap|off|on"}),
    enum_property<&FileNode::locking_>({.name = "locking",
                                        .summary = "keep other processes off the image",
                                        .default_text = "auto",
                                        .choices = "auto|on|off"}),
    enum_property<&FileNode::aio_>(
        {.name = "aio",
         .summary = "how I/O is asked for (native needs cache.direct=on); threads do it",
         .default_text = "threads",
         .choices = "threads|native|io_uring"}),
    enum_property<&FileNode::detect_zeroes_>(
        {.name = "detect-zeroes",
         .summary = "written zeroes take no time (on), or no space either (unmap)",
         .default_text = "off",
         .choices = "off|on|unmap"}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<FileNode, BlockBackend>(), offers<FileNode, BlockResize>(),
                                         offers<FileNode, Completable>(), offers<FileNode, Exclusive>()};
constexpr TypeInfo kTypes[] = {
    backend_type<FileNode>({.name = "blockdev-file",
                            .parent = "block-node",
                            .summary = "a file or a block device of the host",
                            .option_name = "file",
                            .aliases = "host_device",
                            .interfaces = kInterfaces,
                            .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::block

BACKPLANE_PLUGIN("blockdev-file", "1.0", "Backplane", backplane::block::kTypes)
