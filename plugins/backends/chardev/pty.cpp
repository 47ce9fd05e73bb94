// "pty": a pseudo-terminal that another program opens. Its path is shown at the start and is the property "path".
#include "char_base.h"

#include <backplane/clock.h>
#include <backplane/plugin.h>

#include <cerrno>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

/// How often to look whether somebody opened it: while nobody has it open, its master side reports a hang-up all
/// the time, which cannot be waited for.
constexpr std::uint64_t kLookEvery = 200'000'000;  // ns

class PtyChar final : public StreamChar {
  public:
    explicit PtyChar(Object& object) : StreamChar(object) {}

    std::string path_;

    bool complete(Errors& errors) override {
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
        context().log().write(LogLevel::Info, "chardev",
                              "char device redirected to " + path_ + " (label " + id() + ")");
        look_.create(context().loop().host_clock());
        look();
        return true;
    }
    void shut_down() override {
        look_.cancel();
        StreamChar::shut_down();
        close_master();
    }

  private:
    void look() {
        pollfd state{master_, 0, 0};
        if (poll(&state, 1, 0) == 0) {
            const int both = fcntl(master_, F_DUPFD_CLOEXEC, 3);
            if (both >= 0 && stream_.open(context().loop(), both, both)) return set_open(true);
        }
        look_.arm(context().loop().host_clock().now_ns() + kLookEvery);
    }
    void stream_ended() override {
        StreamChar::stream_ended();
        look_.arm(context().loop().host_clock().now_ns() + kLookEvery);
    }
    void close_master() {
        if (master_ >= 0) ::close(master_);
        master_ = -1;
    }

    int master_ = -1;
    OwnedTimer<&PtyChar::look> look_{*this};
};

constexpr PropertyInfo kProperties[] = {
    {.name = "path",
     .kind = PropertyKind::String,
     .summary = "of the terminal that was made",
     .get = [](const void* part,
               PropertyValue& value) { value.text = static_cast<const PtyChar*>(part)->path_; }},
};
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
