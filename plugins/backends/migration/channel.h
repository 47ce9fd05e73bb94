// A stream of bytes through a descriptor, which another thread can break off.
#pragma once

#include <backplane/draft/snapshot.h>

#include <sys/types.h>

namespace backplane::migration {

/// A descriptor that is closed with it.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }

  private:
    int fd_;
};

/// What ends every wait of a transfer. Thread: any.
class BreakSignal {
  public:
    BreakSignal();
    void raise();
    /// Waits until `fd` is ready for these events (POLLIN, POLLOUT); false when it was raised.
    bool wait(int fd, short events) const;
    /// Waits `ms`; false when it was raised.
    bool pause(int ms) const { return wait_for(-1, 0, ms); }

  private:
    bool wait_for(int fd, short events, int ms) const;
    Descriptor event_;
};

/// Thread: the transfer's. The descriptor becomes non-blocking.
class Channel final : public SnapshotSink, public SnapshotSource {
  public:
    /// `bytes_per_second`: at most that many are written; 0: as many as go.
    Channel(Descriptor descriptor, const BreakSignal& breaking, std::uint64_t bytes_per_second = 0);
    bool write(Bytes bytes, Errors& errors) override;
    bool read(MutableBytes to, Errors& errors) override;
    void close() { descriptor_ = Descriptor(); }

  private:
    bool slow_down(std::uint64_t bytes, Errors& errors);
    Descriptor descriptor_;
    const BreakSignal& break_;
    const std::uint64_t limit_;
    std::uint64_t started_ns_ = 0;
    std::uint64_t written_ = 0;
};

}  // namespace backplane::migration
