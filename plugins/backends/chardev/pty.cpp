// "pty": a pseudo-terminal that another program opens. Its path is shown at the start and is the property "path".
#include "char_base.h"

#include <backplane/clock.h>
#include <backplane/plugin.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

/// Where the host tells nobody who opens it (no inotify left): how often to look.
constexpr std::uint64_t kLookEvery = 200'000'000;  // ns

class PtyChar final : public StreamChar, FdHandler {
  public:
    explicit PtyChar(Object& object) : StreamChar(object) {}

    std::string path_;

    std::string description() const override { return "pty:" + path_; }

  private:
    bool start(Errors& errors) override {
        master_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        char name[64];
        if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0 ||
            ptsname_r(master_, name, sizeof name) != 0) {
            fail(errors, "cannot make a pseudo-terminal", errno);
            close_master();
            return false;
        }
        path_ = name;
        termios modes{};
        if (tcgetattr(master_, &modes) == 0) {
            cfmakeraw(&modes);
            tcsetattr(master_, TCSANOW, &modes);
        }
        // The slave's first opening and closing is what makes the master report hang-ups from now on.
        const int slave = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave >= 0) ::close(slave);
        look_.create(context().loop().host_clock());
        watch_openings();
        // Programs that start the emulator read this line.
        std::printf("char device redirected to %s (label %s)\n", name, id().c_str());
        std::fflush(stdout);
        look();
        return true;
    }
    void stop() override {
        look_.cancel();
        if (openings_watch_) openings_watch_->release();
        if (openings_ >= 0) ::close(openings_);
        openings_watch_ = nullptr;
        openings_ = -1;
        StreamChar::stop();
        close_master();
    }

    /// Whoever has opened it gets this, also when the loop has not heard of it yet. The front hears of it later: it is
    /// in the middle of writing.
    std::size_t send(Bytes bytes) override {
        if (!stream_.is_open() && opened() && attach()) look_.arm(context().loop().host_clock().now_ns());
        return StreamChar::send(bytes);
    }

    void watch_openings() {
        openings_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (openings_ >= 0 && inotify_add_watch(openings_, path_.c_str(), IN_OPEN) >= 0)
            openings_watch_ = context().loop().watch(openings_, *this, true, false);
    }
    void fd_ready(int, bool, bool) override {
        alignas(inotify_event) char events[1024];
        while (::read(openings_, events, sizeof events) > 0) {}
        look();
    }
    /// While nobody has it open, the master reports a hang-up all the time.
    bool opened() const {
        pollfd state{master_, 0, 0};
        return master_ >= 0 && poll(&state, 1, 0) == 0;
    }
    bool attach() {
        const int both = fcntl(master_, F_DUPFD_CLOEXEC, 3);
        return both >= 0 && stream_.open(context().loop(), both, both);
    }
    void look() {
        if (stream_.is_open() || (opened() && attach())) {
            set_open(true);
            return stream_.accept_input();
        }
        if (!openings_watch_) look_.arm(context().loop().host_clock().now_ns() + kLookEvery);
    }
    void stream_ended() override {
        StreamChar::stream_ended();
        look();
    }
    void close_master() {
        if (master_ >= 0) ::close(master_);
        master_ = -1;
    }

    int master_ = -1;
    int openings_ = -1;
    FdWatch* openings_watch_ = nullptr;
    OwnedTimer<&PtyChar::look> look_{*this};
};

constexpr PropertyInfo kOwnProperties[] = {
    {.name = "path",
     .kind = PropertyKind::String,
     .summary = "of the terminal that was made",
     .get = [](const void* part,
               PropertyValue& value) { value.text = static_cast<const PtyChar*>(part)->path_; }},
};
constexpr auto kProperties = with_common<PtyChar>(kOwnProperties);
constexpr InterfaceInfo kInterfaces[] = {offers<PtyChar, CharBackend>(), offers<PtyChar, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<PtyChar>({.name = "chardev-pty",
                           .parent = "chardev",
                           .summary = "a pseudo-terminal that another program opens",
                           .option_name = "pty",
                           .interfaces = kInterfaces,
                           .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-pty", "1.0", "Backplane", backplane::chardev::kTypes)
