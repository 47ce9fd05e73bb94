// Bytes from and to descriptors: reads what the owner has room for, writes without blocking.
#pragma once

#include <backplane/event_loop.h>

#include <deque>
#include <string>

namespace backplane::chardev {

/// Thread: holding the machine lock.
class FdStream final : FdHandler {
  public:
    class Owner {
      public:
        /// How many bytes stream_bytes() takes now.
        virtual std::size_t stream_room() = 0;
        virtual void stream_bytes(MutableBytes bytes) = 0;
        /// The other end closed, or reading failed. The owner may close the stream from within.
        virtual void stream_ended() = 0;
        /// After a write() that took less than all.
        virtual void stream_writable() = 0;

      protected:
        ~Owner() = default;
    };

    explicit FdStream(Owner& owner) : owner_(owner) {}
    FdStream(const FdStream&) = delete;
    FdStream& operator=(const FdStream&) = delete;
    ~FdStream() { close(); }

    /// Takes over the descriptors, which may be the same one; -1 for none. They become non-blocking.
    /// False when the host has no descriptors left to watch them with: both are closed.
    bool open(EventLoop& loop, int input, int output);
    /// What the other end sent before it hung up stays, for when the owner has room.
    void close();
    bool is_open() const { return input_ >= 0 || output_ >= 0; }
    int input() const { return input_; }
    /// How many bytes went out. All, when there is no output or it is broken: nobody hears them.
    std::size_t write(Bytes bytes);
    /// The owner has room again.
    void accept_input();
    /// Takes the descriptors that come with the input, which is a UNIX socket's, for take_descriptor().
    void accept_descriptors() { takes_descriptors_ = true; }
    /// The oldest that came: it becomes the caller's. -1 when there is none.
    int take_descriptor();
    /// Forgets what one who hung up had sent.
    void drop_left_over() { left_over_.clear(); }

  private:
    void fd_ready(int fd, bool readable, bool writable) override;
    void take_input();
    ssize_t read_input(void* to, std::size_t size);
    void drop_descriptors();
    void want_input();
    void watch_hang_up();
    void drop_hang_up_watch();
    void hung_up();
    void deliver_left_over();
    void end();

    Owner& owner_;
    EventLoop* loop_ = nullptr;
    int input_ = -1;
    int output_ = -1;
    FdWatch* input_watch_ = nullptr;
    FdWatch* output_watch_ = nullptr;
    bool at_end_ = false;
    /// While the owner has no room, nothing is read, and no end of input is met: this one sees a hang-up.
    int hang_up_fd_ = -1;
    bool can_hang_up_ = true;
    FdWatch* hang_up_watch_ = nullptr;
    bool takes_descriptors_ = false;
    std::deque<int> descriptors_;
    std::string left_over_;  ///< sent by one who hung up before it was read
};

/// A descriptor of our own for what `fd` is open on, so that being non-blocking is not shared with others who have
/// it: opened anew for terminals and pipes (`flags`: O_RDONLY …), a duplicate for the rest. -1 when `fd` is closed.
int private_copy(int fd, int flags);

}  // namespace backplane::chardev
