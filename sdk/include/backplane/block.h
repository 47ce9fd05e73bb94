// Block storage: requests that complete later, on bytes.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Default: none, another one is done with Unsupported.
enum class BlockOperation : std::uint8_t { Read, Write, Flush, Discard, WriteZeroes };
/// Default: IoError.
enum class BlockStatus : std::uint8_t { Ok, IoError, NoSpace, ReadOnly, OutOfRange, Unsupported };

/// Fixed.
struct IoVector {
    void* data;
    std::uint64_t size;
};

/// What is asked of a block node. Sized.
struct BlockTransfer {
    std::uint32_t struct_size = sizeof(BlockTransfer);
    BlockOperation operation = BlockOperation::Read;
    std::uint64_t offset = 0;         ///< bytes; any alignment
    std::uint64_t size = 0;           ///< bytes; for Read and Write the sum of the vectors
    Slice<const IoVector> vectors{};  ///< Read, Write
};

/// One request. Owner: who submits it; it must live, with the memory of its vectors, until done() was called.
class BlockRequest : public BlockTransfer {
  public:
    /// What is asked, at the size that the caller of this knows: how those who take requests read them.
    BlockTransfer transfer() const { return read_sized<BlockTransfer>(*this); }
    /// Called once, on the host loop with the machine lock held, or from within submit().
    virtual void done(BlockStatus status) = 0;

  protected:
    ~BlockRequest() = default;
};

/// Somebody who wants to know that the medium changed its size or went away.
class BlockObserver {
  public:
    virtual void block_resized() = 0;

  protected:
    ~BlockObserver() = default;
};

/// Offered by the part of a type derived from "block-node". Thread: holding the machine lock.
class BlockBackend {
  public:
    static constexpr const char* kId = "backplane.block/1";
    /// In bytes. A read or write that passes the end completes with OutOfRange.
    virtual std::uint64_t size() const = 0;
    virtual bool read_only() const = 0;
    virtual std::uint32_t logical_block_size() const = 0;  ///< bytes, usually 512
    virtual bool write_cache() const = 0;
    virtual void submit(BlockRequest& request) = 0;
    /// Waits until all submitted requests are done (reset, exit).
    virtual void drain() = 0;
    /// The same for `limit_ms` of host time at most, for a host that may never answer (machine stop): are they all done?
    virtual bool drain_for(std::uint32_t /*limit_ms*/) {
        drain();
        return true;
    }
    /// Claims the node for one device: false and a reason when another has it.
    virtual bool claim(Str user, BlockObserver* observer, Errors& errors) = 0;
    virtual void release() = 0;

  protected:
    ~BlockBackend() = default;
};

/// Offered beside BlockBackend by a node that can change its size while it is in use. Thread: holding the machine lock.
class BlockResize {
  public:
    static constexpr const char* kId = "backplane.block-resize/1";
    /// Requests that were submitted are done then; whoever has claimed the node is told (BlockObserver). False and a
    /// reason: the size is as before.
    virtual bool resize(std::uint64_t bytes, Errors& errors) = 0;

  protected:
    ~BlockResize() = default;
};

}  // namespace backplane
