#include "frame_reader.h"
#include "frame_wire.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace backplane::net {

namespace {

using namespace sockets;

constexpr std::uint64_t kMillisecond = 1'000'000;  // ns
/// How long a listener rests when the host has nothing left to accept with.
constexpr std::uint64_t kRest = 500 * kMillisecond;
/// What the other end does not read waits, so much of it.
constexpr std::size_t kBacklogLimit = 1 << 20;
constexpr std::size_t kReadAtOnce = 64 * 1024;

class StreamWire final : public FrameWire, FdHandler, Work, Connector::Owner {
  public:
    StreamWire(const WireParts& parts, const StreamOptions& options) : parts_(parts), options_(options) {
        retry_.create(parts_.loop.host_clock());
    }
    ~StreamWire() override {
        connector_.cancel();
        drop_connection();
        drop_listener_watch();
        parts_.loop.cancel(*this);
        if (listener_ < 0) return;
        ::close(listener_);
        if (!options_.endpoint.path.empty() && !options_.endpoint.abstract)
            unlink(options_.endpoint.path.c_str());
    }

    /// Empty, or why not. A client that reaches nobody is no error: it may try again.
    std::string open() {
        if (options_.fd >= 0) {
            established(options_.fd);
            return {};
        }
        if (!options_.server) {
            begin_connecting();
            return {};
        }
        Lookup lookup(options_.endpoint, true);
        std::string problem = await_answer(lookup, parts_.lifetime);
        if (!problem.empty()) return problem;
        const std::vector<Target> targets = lookup.targets(problem);
        if (targets.empty()) return problem;
        const SocketResult result = listen_at(options_.endpoint, targets);
        listener_ = result.fd;
        if (listener_ < 0) return options_.endpoint.text() + ": " + result.problem;
        await_peer();
        return {};
    }

    void send(Bytes frame) override {
        if (fd_ < 0 || backlog_.size() > kBacklogLimit) return;
        const std::uint8_t header[FrameReader::kHeader] = {
            std::uint8_t(frame.size >> 24), std::uint8_t(frame.size >> 16), std::uint8_t(frame.size >> 8),
            std::uint8_t(frame.size)};
        backlog_.insert(backlog_.end(), header, header + sizeof header);
        backlog_.insert(backlog_.end(), frame.begin(), frame.end());
        flush();
    }
    void resume() override { parts_.loop.post(*this); }

  private:
    void run() override { deliver(); }

    // --- making the connection ---
    void begin_connecting() {
        connector_.begin(options_.endpoint);
        if (connector_.fd() >= 0) connector_.follow(parts_.loop);
    }
    void connected(int fd) override { established(fd); }
    void not_connected(const std::string& problem) override {
        if (options_.reconnect_ms) return retry_later();
        parts_.log.write(LogLevel::Warning, "network",
                         parts_.name + ": Failed to connect to '" + options_.endpoint.text() +
                             "': " + problem);
    }
    void retry_later() {
        retry_.arm(parts_.loop.host_clock().now_ns() + options_.reconnect_ms * kMillisecond);
    }
    void try_again() {
        if (listener_ >= 0) await_peer();
        else begin_connecting();
    }
    void await_peer() {
        listener_watch_ = parts_.loop.watch(listener_, *this, true, false);
        if (!listener_watch_) retry_.arm(parts_.loop.host_clock().now_ns() + kRest);
    }
    void accept_peer() {
        const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (peer < 0 && !out_of_resources(errno)) return;
        drop_listener_watch();
        if (peer >= 0) established(peer);
        else retry_.arm(parts_.loop.host_clock().now_ns() + kRest);
    }
    void drop_listener_watch() {
        if (listener_watch_) listener_watch_->release();
        listener_watch_ = nullptr;
    }

    // --- the connection ---
    void established(int fd) {
        fd_ = fd;
        fcntl(fd_, F_SETFD, FD_CLOEXEC);
        fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
        const int on = 1;
        setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch_ = parts_.loop.watch(fd_, *this, true, false);
        if (!watch_) lose();
    }
    void drop_connection() {
        if (watch_) watch_->release();
        watch_ = nullptr;
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
        backlog_.clear();
        reader_.reset();
    }
    void lose() {
        drop_connection();
        if (listener_ >= 0) await_peer();
        else if (options_.reconnect_ms) retry_later();
    }
    void fd_ready(int fd, bool readable, bool writable) override {
        if (fd == listener_) return accept_peer();
        if (writable) flush();
        if (readable && fd_ >= 0) take();
    }
    void take() {
        const ssize_t count = ::read(fd_, reader_.room(kReadAtOnce), kReadAtOnce);
        const int error = errno;
        reader_.added(count > 0 ? std::size_t(count) : 0);
        if (count < 0 && (error == EAGAIN || error == EINTR)) return;
        if (count <= 0) return lose();
        deliver();
    }
    void deliver() {
        if (!watch_) return;
        bool room = true;
        for (Bytes frame = reader_.frame(); !frame.empty() && room; frame = reader_.frame()) {
            room = parts_.receiver.take_frame(frame);
            if (room) reader_.next();
        }
        if (reader_.broken()) {
            parts_.log.write(LogLevel::Warning, "network",
                             parts_.name + ": the other end sends no frames; the connection is closed");
            return lose();
        }
        wanted_ = room;
        watch_->want(wanted_, !backlog_.empty());
    }
    void flush() {
        std::size_t done = 0;
        while (done < backlog_.size()) {
            const ssize_t count = ::send(fd_, backlog_.data() + done, backlog_.size() - done, MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno != EAGAIN) {
                done = backlog_.size();  // the end is met by reading
                break;
            }
            if (count < 0) break;
            done += std::size_t(count);
        }
        backlog_.erase(backlog_.begin(), backlog_.begin() + std::ptrdiff_t(done));
        watch_->want(wanted_, !backlog_.empty());
    }

    WireParts parts_;
    StreamOptions options_;
    Connector connector_{*this};
    OwnedTimer<&StreamWire::try_again> retry_{*this};
    int listener_ = -1;
    FdWatch* listener_watch_ = nullptr;
    int fd_ = -1;
    FdWatch* watch_ = nullptr;
    bool wanted_ = true;  ///< the receiver has room
    FrameReader reader_;
    std::vector<std::uint8_t> backlog_;
};

}  // namespace

std::unique_ptr<FrameWire> make_stream(const WireParts& parts, const StreamOptions& options,
                                       std::string& problem) {
    auto wire = std::make_unique<StreamWire>(parts, options);
    problem = wire->open();
    if (!problem.empty()) wire.reset();
    return wire;
}

}  // namespace backplane::net
