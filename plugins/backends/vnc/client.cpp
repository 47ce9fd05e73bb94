#include "client.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace backplane::vnc {
namespace {

constexpr std::uint64_t kHandshakeTime = 10'000'000'000;  // ns
constexpr std::size_t kReadAtOnce = 16384;
/// Who does not read what was answered is not read from.
constexpr std::size_t kMostReplies = 65536;
/// What the network has not taken yet of a client's bytes is kept here, where newer pictures can replace it.
constexpr int kUnsent = 128 * 1024;
constexpr std::uint64_t kMostPixels = 4 << 20;  ///< of one update
/// Moves that a client that is slow is told of one by one.
constexpr std::size_t kMostMoves = 16;
/// How long a picture stands still before what is inexact in it is sent again.
constexpr std::uint64_t kStill = 300'000'000;  // ns

constexpr std::uint8_t kFramebufferUpdate = 0;

}  // namespace

void UpdateJob::encode() {
    encoder->settings = settings;
    std::size_t rectangles = before;
    for (const Picture& picture : pictures) rectangles += encoder->put(output, picture);
    pictures.clear();
    set16(output, 2, unsigned(rectangles));
}

Client::Client(ClientHost& host, EventLoop& loop, int fd)
    : host_(host),
      loop_(loop),
      fd_(fd),
      address_(address_of(fd, true)),
      since_ns_(now_ns()),
      hands_(host.keys()) {
    // Each fails for other kinds of sockets, which have no need of it.
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsent, sizeof kUnsent);
}

bool Client::begin() {
    watch_ = loop_.watch(fd_, *this, true, false);
    if (!watch_) return false;
    deadline_.create(loop_.host_clock());
    deadline_.arm(now_ns() + kHandshakeTime);
    handshake_.emplace(host_.doorkeeper(), host_.new_challenge(), output_);
    flush();
    return true;
}

void Client::close() {
    if (fd_ < 0) return;
    deadline_.cancel();
    if (watch_) watch_->release();
    watch_ = nullptr;
    ::close(std::exchange(fd_, -1));
    hands_.let_go();
    wanted_.reset();
    continuous_.reset();
    output_.clear();
    host_.ended(*this);
}

void Client::fd_ready(int, bool readable, bool writable) {
    if (writable) {
        flush();
        update();
    }
    if (readable && !closed()) read();
}

void Client::read() {
    std::uint8_t bytes[kReadAtOnce];
    const ssize_t count = recv(fd_, bytes, sizeof bytes, 0);
    if (count > 0) return hear({bytes, std::size_t(count)});
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) close();
}

void Client::hear(View bytes) {
    if (handshake_) {
        Buffer words;
        bytes = bytes.subspan(handshake_->receive(bytes, words));
        say(words);
        if (closed() || handshake_->outcome() == Handshake::Outcome::Going) return;
        if (handshake_->outcome() == Handshake::Outcome::Refused) {
            shutdown(fd_, SHUT_WR);
            return close();
        }
        enter();
    }
    if (closed()) return;
    if (!reader_.receive(bytes)) return close();
    update();
}

/// RFC 6143, 7.3.2
void Client::enter() {
    const bool shared = handshake_->shared();
    deadline_.cancel();
    handshake_.reset();
    if (!host_.enter(*this, shared)) return close();
    exclusive_ = !shared;
    width_ = std::max(1u, host_.picture().width());
    height_ = std::max(1u, host_.picture().height());
    damage_.resize(width_, height_);
    inexact_.resize(width_, height_);
    inexact_.clear();
    Buffer words;
    put16(words, width_);
    put16(words, height_);
    settings_.format.put(words);
    put_counted(words, "Backplane");
    say(words);
    if (closed()) return;
    entered_ = true;
    host_.entered(*this);
}

/// What is encoded meanwhile was begun before.
void Client::say(const Buffer& bytes) {
    if (bytes.empty() || closed()) return;
    put_bytes(job_ ? held_back_ : output_, bytes);
    replies_ += bytes.size();
    flush();
}

void Client::flush() {
    if (closed()) return;
    while (sent_ < output_.size()) {
        const ssize_t count = send(fd_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
        if (count > 0) sent_ += std::size_t(count);
        else if (errno == EAGAIN) break;
        else if (errno != EINTR) return close();
    }
    if (sent_ == output_.size()) {
        output_.clear();
        sent_ = 0;
        replies_ = held_back_.size();
    }
    watch_->want(replies_ < kMostReplies, !output_.empty());
}

// --- updates (RFC 6143, 7.6.1)

void Client::update() {
    if (!entered_ || closed() || job_ || !output_.empty()) return;
    if (!wanted_ && !continuous_) return;
    if (resize()) return;
    auto job = std::make_shared<UpdateJob>();
    job->output = {kFramebufferUpdate, 0, 0, 0};
    job->before = put_news(job->output) + put_moves(job->output);
    bool exact = true;
    const std::vector<ScreenArea> shown = areas(exact);
    if (shown.empty() && job->before == 0) return;
    wanted_.reset();
    job->client = weak_from_this();
    job->encoder = encoder_;
    job->settings = settings_;
    job->settings.quality = exact ? -1 : quality_;
    for (const ScreenArea& area : shown) {
        job->pictures.push_back(host_.picture().picture(area));
        if (!exact && host_.adaptive()) inexact_.add(area);
    }
    if (!shown.empty()) sent_ns_ = now_ns();
    job_ = job;
    if (!shown.empty()) return host_.encode(std::move(job));
    job->encode();
    encoded(*job);
}

/// What the client shows is moved there, right or wrong; what is wrong stays damaged, and is drawn after it.
void Client::moved(const ScreenMove& move) {
    if (!known_.copy || moves_.size() == kMostMoves || width_ != host_.picture().width() ||
        height_ != host_.picture().height())
        return damage_.add(move.to);
    moves_.push_back(move);
    damage_.copied(move.from_x, move.from_y, move.to);
    inexact_.copied(move.from_x, move.from_y, move.to);
}

unsigned Client::put_moves(Buffer& out) {
    const std::vector<ScreenMove> moves = std::exchange(moves_, {});
    for (const ScreenMove& move : moves) {
        put_rectangle(out, move.to, std::int32_t(Encoding::CopyRect));
        put16(out, move.from_x);
        put16(out, move.from_y);
    }
    return unsigned(moves.size());
}

/// What the update shows: what changed, or else what was inexact and stands still.
std::vector<ScreenArea> Client::areas(bool& exact) {
    const ScreenArea within = wanted_ ? *wanted_ : *continuous_;
    std::vector<ScreenArea> found = damage_.take(within, kMostPixels, kWidestRectangle);
    exact = found.empty() || !host_.lossy() || quality_ < 0 || settings_.encoding != Encoding::Tight;
    if (found.empty() && !inexact_.empty() && now_ns() - sent_ns_ >= kStill)
        found = inexact_.take(within, kMostPixels, kWidestRectangle);
    return found;
}

void Client::encoded(UpdateJob& job) {
    job_.reset();
    if (closed()) return;
    put_bytes(output_, job.output);
    put_bytes(output_, std::exchange(held_back_, {}));
    flush();
    update();
}

/// A client that cannot be told sees what fits, and black around it.
bool Client::resize() {
    const std::uint32_t width = std::max(1u, host_.picture().width());
    const std::uint32_t height = std::max(1u, host_.picture().height());
    const bool another = width != width_ || height != height_;
    const bool told = known_.size || known_.extended_size;
    if (!told || (!another && !size_news_)) return false;
    size_news_ = false;
    width_ = width;
    height_ = height;
    if (another) {
        moves_.clear();
        damage_.resize(width, height);
        inexact_.resize(width, height);
        inexact_.clear();
    }
    Buffer words{kFramebufferUpdate, 0, 0, 1};
    put_size(words, 0, 0);
    wanted_.reset();
    put_bytes(output_, words);
    flush();
    return true;
}

}  // namespace backplane::vnc
