#include "host_file.h"

#include <backplane/text.h>

#include "image_lock.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace backplane::block {

namespace {

constexpr std::uint64_t kSector = 512;
constexpr std::size_t kVectorsAtOnce = 64;
/// More than this is copied by a thread, not under the machine lock.
constexpr std::uint64_t kReadAtOnce = 128 * 1024;
constexpr std::size_t kZeroesAtOnce = 256 * 1024;
/// A longer request is done in pieces, between which it can be given up.
constexpr std::uint64_t kPiece = 4 << 20;

BlockStatus status_of(int error) {
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return BlockStatus::NoSpace;
    case EROFS:
    case EPERM: return BlockStatus::ReadOnly;
    default: return BlockStatus::IoError;
    }
}

bool unsupported(int error) {
    return error == EOPNOTSUPP || error == ENOTTY || error == ENOSYS || error == EINVAL;
}

/// Walks through the vectors of a request, a batch of iovecs at a time.
class VectorCursor {
  public:
    explicit VectorCursor(Slice<const IoVector> vectors) : vectors_(vectors) {}
    /// The next pieces, at most kVectorsAtOnce.
    std::vector<iovec> batch() const {
        std::vector<iovec> pieces;
        for (std::size_t i = index_; i < vectors_.size && pieces.size() < kVectorsAtOnce; ++i) {
            const std::uint64_t skip = i == index_ ? done_ : 0;
            if (vectors_[i].size == skip) continue;
            pieces.push_back({static_cast<std::uint8_t*>(vectors_[i].data) + skip, vectors_[i].size - skip});
        }
        return pieces;
    }
    void advance(std::uint64_t count) {
        while (index_ < vectors_.size) {
            const std::uint64_t left = vectors_[index_].size - done_;
            if (count < left) {
                done_ += count;
                return;
            }
            count -= left;
            done_ = 0;
            ++index_;
        }
    }
    void clear_rest() {
        for (; index_ < vectors_.size; ++index_, done_ = 0)
            std::memset(static_cast<std::uint8_t*>(vectors_[index_].data) + done_, 0,
                        vectors_[index_].size - done_);
    }

  private:
    Slice<const IoVector> vectors_;
    std::size_t index_ = 0;
    std::uint64_t done_ = 0;
};

/// Cuts the vectors of a request at a number of bytes.
class PieceCutter {
  public:
    explicit PieceCutter(Slice<const IoVector> vectors) : vectors_(vectors) {}
    /// The vectors of the next `size` bytes.
    std::vector<IoVector> next(std::uint64_t size) {
        std::vector<IoVector> piece;
        while (size > 0 && index_ < vectors_.size) {
            const IoVector& vector = vectors_[index_];
            const std::uint64_t count = std::min(size, vector.size - done_);
            if (count > 0) piece.push_back({static_cast<std::uint8_t*>(vector.data) + done_, count});
            size -= count;
            done_ += count;
            if (done_ < vector.size) break;
            ++index_;
            done_ = 0;
        }
        return piece;
    }

  private:
    Slice<const IoVector> vectors_;
    std::size_t index_ = 0;
    std::uint64_t done_ = 0;
};

bool all_zero(const IoVector& vector) {
    const auto* bytes = static_cast<const char*>(vector.data);
    return vector.size == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, vector.size - 1) == 0);
}

void copy_out(Slice<const IoVector> vectors, const std::uint8_t* from) {
    for (const IoVector& vector : vectors) {
        std::memcpy(vector.data, from, vector.size);
        from += vector.size;
    }
}

void copy_in(Slice<const IoVector> vectors, std::uint8_t* to) {
    for (const IoVector& vector : vectors) {
        std::memcpy(to, vector.data, vector.size);
        to += vector.size;
    }
}

/// "nbd" of "nbd:host:port": what looks like one of the peer's ways to reach an image.
std::string protocol_of(const std::string& name) {
    const std::size_t end = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-");
    return end != std::string::npos && end > 0 && name[end] == ':' ? name.substr(0, end) : "";
}

}  // namespace

std::string HostFile::open(const FileOptions& options) {
    options_ = options;
    const std::string protocol = protocol_of(options.filename);
    if (protocol == "file") {
        options_.filename = options.filename.substr(protocol.size() + 1);
        if (options_.filename.starts_with("///")) options_.filename.erase(0, 2);
    } else if (!protocol.empty() && access(options.filename.c_str(), F_OK) != 0) {
        return "Could not open '" + options.filename +
               "': images are reached as files of this host, not by '" + protocol + ":'";
    }
    return open_file();
}

std::string HostFile::open_file() {
    const FileOptions& options = options_;
    std::string problem;
    const int flags = O_CLOEXEC | (options.direct ? O_DIRECT : 0);
    read_only_ = options.read_only;
    fd_ = open_descriptor(flags | (read_only_ ? O_RDONLY : O_RDWR), problem);
    if (fd_ < 0 && !read_only_ && options.auto_read_only &&
        (errno == EACCES || errno == EROFS || errno == EPERM)) {
        read_only_ = true;
        fd_ = open_descriptor(flags | O_RDONLY, problem);
    }
    if (fd_ < 0 && errno == EINVAL && options.direct)
        return "Could not open '" + options.filename +
               "': its file system does not support O_DIRECT; leave cache.direct off";
    if (fd_ < 0) return problem;
    problem = probe();
    if (problem.empty() && options.lock_now) problem = lock();
    if (!problem.empty()) close();
    return problem;
}

std::string HostFile::lock() {
    if (!options_.lock) return {};
    std::string problem = lock_image(fd_, !read_only_);
    if (problem.empty()) return {};
    unlock();
    return problem + "; is another process using the image '" + options_.filename + "'?";
}

void HostFile::unlock() {
    if (options_.lock) unlock_image(fd_);
}

/// -1, why, and errno.
int HostFile::open_descriptor(int flags, std::string& problem) const {
    if (options_.files) {
        ErrorText errors;
        const int fd = options_.files->open_file(options_.filename, flags, 0, errors);
        const int error = errno;
        problem = errors.text();
        errno = error;
        return fd;
    }
    const int fd = ::open(options_.filename.c_str(), flags);
    const int error = errno;
    if (fd < 0) problem = "Could not open '" + options_.filename + "': " + std::strerror(error);
    errno = error;
    return fd;
}

std::string HostFile::probe() {
    const std::string name = "'" + options_.filename + "'";
    struct stat status {};
    if (fstat(fd_, &status) != 0) return "Could not examine " + name + ": " + std::strerror(errno);
    std::uint64_t bytes = 0;
    block_device_ = S_ISBLK(status.st_mode);
    if (block_device_) {
        if (ioctl(fd_, BLKGETSIZE64, &bytes) != 0)
            return "Could not get the size of " + name + ": " + std::strerror(errno);
    } else if (S_ISREG(status.st_mode)) {
        bytes = std::uint64_t(status.st_size);
    } else {
        return name + " is neither a regular file nor a block device";
    }
    size_ = (bytes + kSector - 1) / kSector * kSector;
    if (!options_.direct) return {};
    int device_sector = 0;
    if (block_device_ && ioctl(fd_, BLKSSZGET, &device_sector) == 0) {
        alignment_ = std::uint64_t(device_sector);
        return {};
    }
    // What the file system asks for is what it lets pass.
    for (alignment_ = kSector; alignment_ < 65536; alignment_ *= 2) {
        void* buffer = nullptr;
        if (posix_memalign(&buffer, alignment_, alignment_) != 0) return "no memory to probe " + name;
        const bool passes = pread(fd_, buffer, alignment_, 0) >= 0;
        std::free(buffer);
        if (passes) return {};
    }
    return "Could not find the alignment of O_DIRECT for " + name + "; leave cache.direct off";
}

std::string HostFile::resize(std::uint64_t bytes) {
    const std::string name = "'" + options_.filename + "'";
    if (read_only_) return name + " is read-only";
    if (block_device_ && bytes > size_) return "a block device cannot grow, and " + name + " is one";
    if (!block_device_ && ftruncate(fd_, off_t(bytes)) != 0)
        return "Failed to resize " + name + ": " + std::strerror(errno);
    size_ = (bytes + kSector - 1) / kSector * kSector;
    return {};
}

void HostFile::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

BlockStatus HostFile::perform(const BlockTransfer& request) {
    switch (request.operation) {
    case BlockOperation::Read: return transfer_in_pieces(request, false);
    case BlockOperation::Write: {
        const bool zeroes =
            options_.detect_zeroes && std::all_of(request.vectors.begin(), request.vectors.end(), all_zero);
        const BlockStatus status =
            zeroes ? write_zeroes(request.offset, request.size) : transfer_in_pieces(request, true);
        return status == BlockStatus::Ok && options_.write_through ? flush() : status;
    }
    case BlockOperation::Flush: return flush();
    case BlockOperation::Discard: return discard(request.offset, request.size);
    case BlockOperation::WriteZeroes: {
        const BlockStatus status = write_zeroes(request.offset, request.size);
        return status == BlockStatus::Ok && options_.write_through ? flush() : status;
    }
    }
    return BlockStatus::Unsupported;
}

bool HostFile::aligned(const BlockTransfer& request) const {
    if ((request.offset | request.size) % alignment_ != 0) return false;
    return std::all_of(request.vectors.begin(), request.vectors.end(), [&](const IoVector& vector) {
        return (reinterpret_cast<std::uintptr_t>(vector.data) | vector.size) % alignment_ == 0;
    });
}

bool HostFile::read_now(const BlockTransfer& request) {
    if (options_.direct || request.vectors.size > kVectorsAtOnce || request.size > kReadAtOnce) return false;
    const std::vector<iovec> pieces = VectorCursor(request.vectors).batch();
    const ssize_t count = preadv2(fd_, pieces.data(), int(pieces.size()), off_t(request.offset), RWF_NOWAIT);
    return count >= 0 && std::uint64_t(count) == request.size;
}

BlockStatus HostFile::transfer_in_pieces(const BlockTransfer& request, bool write) {
    if (request.size <= kPiece) return transfer(request, write);
    PieceCutter cutter(request.vectors);
    BlockTransfer piece;
    for (std::uint64_t done = 0; done < request.size; done += piece.size) {
        if (given_up()) return BlockStatus::IoError;
        // The pieces after the first begin where blocks of the host do.
        const std::uint64_t at = request.offset + done;
        piece.offset = at;
        piece.size = std::min(kPiece - at % kPiece, request.size - done);
        const std::vector<IoVector> vectors = cutter.next(piece.size);
        piece.vectors = {vectors.data(), vectors.size()};
        const BlockStatus status = transfer(piece, write);
        if (status != BlockStatus::Ok) return status;
    }
    return BlockStatus::Ok;
}

BlockStatus HostFile::transfer(const BlockTransfer& request, bool write) {
    if (alignment_ > 1 && !aligned(request)) return transfer_bounced(request, write);
    std::shared_lock<std::shared_mutex> guard(partial_write_, std::defer_lock);
    if (write && alignment_ > 1) guard.lock();
    VectorCursor cursor(request.vectors);
    for (std::uint64_t done = 0; done < request.size;) {
        const std::vector<iovec> pieces = cursor.batch();
        const off_t at = off_t(request.offset + done);
        const ssize_t count = write ? pwritev(fd_, pieces.data(), int(pieces.size()), at)
                                    : preadv(fd_, pieces.data(), int(pieces.size()), at);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return status_of(errno);
        if (count == 0 && write) return BlockStatus::IoError;
        done += std::uint64_t(count);
        cursor.advance(std::uint64_t(count));
        // Past the end of the file; under O_DIRECT that is where an odd count comes from.
        if (!write && (count == 0 || std::uint64_t(count) % alignment_ != 0)) {
            cursor.clear_rest();
            return BlockStatus::Ok;
        }
    }
    return BlockStatus::Ok;
}

BlockStatus HostFile::transfer_bounced(const BlockTransfer& request, bool write) {
    const std::uint64_t first = request.offset / alignment_ * alignment_;
    const std::uint64_t last = (request.offset + request.size + alignment_ - 1) / alignment_ * alignment_;
    void* memory = nullptr;
    if (posix_memalign(&memory, std::max<std::size_t>(alignment_, sizeof(void*)), last - first) != 0)
        return BlockStatus::IoError;
    const std::unique_ptr<void, void (*)(void*)> buffer(memory, std::free);
    auto* bytes = static_cast<std::uint8_t*>(memory);
    BlockTransfer whole;
    const IoVector vector{memory, last - first};
    whole.offset = first;
    whole.size = last - first;
    whole.vectors = {&vector, 1};
    std::unique_lock<std::shared_mutex> guard(partial_write_, std::defer_lock);
    const bool partial = whole.size != request.size;
    std::shared_lock<std::shared_mutex> shared(partial_write_, std::defer_lock);
    if (write && partial) guard.lock();
    else if (write) shared.lock();
    if (!write || partial) {
        const BlockStatus status = transfer(whole, false);
        if (status != BlockStatus::Ok) return status;
    }
    if (!write) {
        copy_out(request.vectors, bytes + (request.offset - first));
        return BlockStatus::Ok;
    }
    copy_in(request.vectors, bytes + (request.offset - first));
    for (std::uint64_t done = 0; done < whole.size;) {
        const ssize_t count = pwrite(fd_, bytes + done, whole.size - done, off_t(first + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return status_of(errno);
        if (count == 0) return BlockStatus::IoError;
        done += std::uint64_t(count);
    }
    return BlockStatus::Ok;
}

BlockStatus HostFile::flush() {
    if (options_.no_flush || read_only_) return BlockStatus::Ok;
    if (flush_failed_) return BlockStatus::IoError;
    int result = 0;
    do result = fdatasync(fd_);
    while (result != 0 && errno == EINTR);
    if (result == 0) return BlockStatus::Ok;
    flush_failed_ = true;
    return status_of(errno);
}

BlockStatus HostFile::discard(std::uint64_t offset, std::uint64_t size) {
    // A discard is a hint: where it cannot be followed, the bytes stay.
    if (!options_.unmap || size == 0) return BlockStatus::Ok;
    int result = 0;
    if (block_device_) {
        std::uint64_t range[2] = {offset, size};
        result = ioctl(fd_, BLKDISCARD, range);
    } else {
        result = fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off_t(offset), off_t(size));
    }
    return result == 0 || unsupported(errno) ? BlockStatus::Ok : status_of(errno);
}

BlockStatus HostFile::write_zeroes(std::uint64_t offset, std::uint64_t size) {
    if (size == 0) return BlockStatus::Ok;
    if (!block_device_ && !options_.direct) {
        const int mode = options_.unmap ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : FALLOC_FL_ZERO_RANGE;
        if (fallocate(fd_, mode, off_t(offset), off_t(size)) == 0) return BlockStatus::Ok;
        if (!unsupported(errno)) return status_of(errno);
    }
    const std::size_t chunk = std::size_t(std::min<std::uint64_t>(size, kZeroesAtOnce));
    std::vector<std::uint8_t> zeroes(chunk);
    BlockTransfer write;
    for (std::uint64_t done = 0; done < size; done += write.size) {
        if (size > kPiece && given_up()) return BlockStatus::IoError;
        const IoVector vector{zeroes.data(), std::min<std::uint64_t>(chunk, size - done)};
        write.offset = offset + done;
        write.size = vector.size;
        write.vectors = {&vector, 1};
        const BlockStatus status = transfer(write, true);
        if (status != BlockStatus::Ok) return status;
    }
    return BlockStatus::Ok;
}

}  // namespace backplane::block
