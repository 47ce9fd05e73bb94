// Synchronous operations on an image of the host: a regular file or a block device.
#pragma once

#include <backplane/block.h>
#include <backplane/host_files.h>
#include <backplane/lifetime.h>

#include <atomic>
#include <shared_mutex>
#include <string>

namespace backplane::block {

struct FileOptions {
    std::string filename;
    bool read_only = false;
    bool auto_read_only = false;         ///< when it cannot be written, do without
    bool direct = false;                 ///< past the host's page cache
    bool no_flush = false;               ///< a flush does nothing
    bool write_through = false;          ///< every write is flushed
    bool unmap = false;                  ///< a discard gives the space back
    bool lock = true;                    ///< keeps other processes off the image
    bool lock_now = true;                ///< else lock() comes later
    bool detect_zeroes = false;          ///< what is written as zeroes becomes a write of zeroes
    const Lifetime* lifetime = nullptr;  ///< once it ends, long requests are given up
    HostFiles* files = nullptr;          ///< who opens what users name; null: the file system
};

/// Thread: operations, any and several at a time.
class HostFile {
  public:
    HostFile() = default;
    HostFile(const HostFile&) = delete;
    HostFile& operator=(const HostFile&) = delete;
    ~HostFile() { close(); }

    /// Empty, or why not.
    std::string open(const FileOptions& options);
    void close();
    /// Keeps other processes off the image, when the options ask for that: empty, or why not. Again for what is locked
    /// already.
    std::string lock();
    void unlock();
    bool read_only() const { return read_only_; }
    /// Bytes, rounded up to whole sectors of 512: what is past the end of the file reads as zero.
    std::uint64_t size() const { return size_; }

    /// Makes the file longer or shorter: empty, or why not. No operation may be under way.
    std::string resize(std::uint64_t bytes);

    /// Does what the request says, which is in range and allowed.
    BlockStatus perform(const BlockTransfer& request);
    /// Does a read if nothing has to be waited for. False: nothing was done.
    bool read_now(const BlockTransfer& request);

  private:
    std::string open_file();
    int open_descriptor(int flags, std::string& problem) const;
    std::string probe();
    BlockStatus transfer_in_pieces(const BlockTransfer& request, bool write);
    BlockStatus transfer(const BlockTransfer& request, bool write);
    bool given_up() const { return options_.lifetime && options_.lifetime->ending(); }
    BlockStatus transfer_bounced(const BlockTransfer& request, bool write);
    bool aligned(const BlockTransfer& request) const;
    BlockStatus flush();
    BlockStatus discard(std::uint64_t offset, std::uint64_t size);
    BlockStatus write_zeroes(std::uint64_t offset, std::uint64_t size);

    FileOptions options_;
    int fd_ = -1;
    bool read_only_ = false;
    bool block_device_ = false;
    std::uint64_t size_ = 0;
    std::uint64_t alignment_ = 1;
    /// Held exclusively while a part of an aligned block is written, shared by writes of whole ones.
    std::shared_mutex partial_write_;
    /// After a failed flush the host may have dropped what it could not write: no later flush can promise it.
    std::atomic<bool> flush_failed_{false};
};

}  // namespace backplane::block
