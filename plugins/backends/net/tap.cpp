// "tap": an interface of the host. Not here: several queues, offloads to the host (vnet_hdr), vhost, helper programs.
#include "net_base.h"

#include <backplane/lifetime.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace backplane::net {

namespace {

constexpr const char* kDevice = "/dev/net/tun";
constexpr unsigned kAtOnce = 64;
/// How long the end waits for the script that takes the interface down.
constexpr int kScriptPatience = 5000;  // ms

class TapNet final : public NetBase, FdHandler, Work {
  public:
    explicit TapNet(Object& object) : NetBase(object) {}

    std::string interface_, script_, down_script_;
    std::int64_t fd_ = -1;
    std::uint64_t send_buffer_ = 0;
    std::uint32_t queues_ = 1;

    bool complete(Errors& errors) override {
        buffer_.resize(kLargestFrame + 1);
        if (queues_ != 1) return fail(errors, "queues=" + std::to_string(queues_) + ": there is one queue");
        const bool opened = fd_ >= 0 ? adopt(errors) : open_interface(errors);
        if (!opened) return false;
        watch_ = context().loop().watch(tap_, *this, true, false);
        if (watch_) return true;
        shut_down();
        return fail(errors, "the host has no file descriptors left");
    }
    void shut_down() override {
        if (watch_) watch_->release();
        watch_ = nullptr;
        context().loop().cancel(*this);
        const std::string script = chosen(down_script_, "/etc/qemu-ifdown");
        if (up_ && !script.empty()) take_down(script);
        up_ = false;
        if (tap_ >= 0) ::close(tap_);
        tap_ = -1;
    }

    void describe(TextSink& out) const override {
        if (fd_ >= 0) return out.append("fd=" + std::to_string(fd_));
        out.append("ifname=" + interface_ + ",script=" + script_ + ",downscript=" + down_script_);
    }

  private:
    bool adopt(Errors& errors) {
        if (!interface_.empty()) return fail(errors, "fd= is an interface that is open: leave ifname= out");
        ifreq request{};
        if (fd_ > 0x7fffffff || ioctl(int(fd_), TUNGETIFF, &request) != 0)
            return fail(errors,
                        "fd=" + std::to_string(fd_) + " is no open tap interface: " + std::strerror(errno));
        if ((request.ifr_flags & (IFF_TAP | IFF_NO_PI)) != (IFF_TAP | IFF_NO_PI) ||
            (request.ifr_flags & IFF_VNET_HDR))
            return fail(errors, "fd=" + std::to_string(fd_) +
                                    ": open it as IFF_TAP with IFF_NO_PI, without IFF_VNET_HDR");
        tap_ = int(fd_);
        fcntl(tap_, F_SETFD, FD_CLOEXEC);
        fcntl(tap_, F_SETFL, fcntl(tap_, F_GETFL) | O_NONBLOCK);
        return set_send_buffer(errors);
    }
    bool open_interface(Errors& errors) {
        if (interface_.size() >= IFNAMSIZ)
            return fail(errors, "ifname=" + interface_ + " is longer than an interface's name may be (15)");
        tap_ = ::open(kDevice, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (tap_ < 0)
            return fail(errors, std::string("could not open ") + kDevice + ": " + std::strerror(errno) +
                                    "; -netdev user needs no privilege");
        ifreq request{};
        request.ifr_flags = IFF_TAP | IFF_NO_PI;
        std::memcpy(request.ifr_name, interface_.c_str(), interface_.size() + 1);
        if (interface_.empty()) std::memcpy(request.ifr_name, "tap%d", 6);
        if (ioctl(tap_, TUNSETIFF, &request) != 0)
            return give_up(errors,
                           std::string("could not configure ") + kDevice + " (" +
                               (interface_.empty() ? "a new interface" : interface_) +
                               "): " + std::strerror(errno) +
                               (errno == EPERM ? "; make it for your user first, with ip tuntap add" : ""));
        interface_ = request.ifr_name;
        if (!set_send_buffer(errors)) return give_up(errors, "");
        up_ = true;
        const std::string script = chosen(script_, "/etc/qemu-ifup");
        const std::string problem = script.empty() ? "" : run_script(script);
        if (problem.empty()) return true;
        up_ = false;
        return give_up(errors, "network script " + script + " failed: " + problem);
    }
    bool set_send_buffer(Errors& errors) {
        if (send_buffer_ == 0) return true;
        const int size = send_buffer_ > 0x7fffffff ? 0x7fffffff : int(send_buffer_);
        return ioctl(tap_, TUNSETSNDBUF, &size) == 0 ||
               fail(errors, "sndbuf=" + std::to_string(send_buffer_) + ": " + std::strerror(errno));
    }
    bool give_up(Errors& errors, const std::string& problem) {
        if (!problem.empty()) fail(errors, problem);
        shut_down();
        return false;
    }

    // --- scripts ---
    /// A script's process, whose end is a descriptor to wait for; -1 and `problem`.
    int start_script(const std::string& script, pid_t& process, std::string& problem) const {
        std::string program = script, argument = interface_;
        char* arguments[] = {program.data(), argument.data(), nullptr};
        // The program's own handling of signals is not the script's.
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        sigset_t all, none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        const int error = posix_spawn(&process, script.c_str(), nullptr, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
        if (error != 0) {
            problem = std::strerror(error);
            return -1;
        }
        const int end = int(syscall(SYS_pidfd_open, process, 0));
        if (end < 0) problem = std::string("cannot wait for it: ") + std::strerror(errno);
        return end;
    }
    std::string run_script(const std::string& script) const {
        auto& lifetime = *static_cast<Lifetime*>(context().host_interface(Lifetime::kId));
        if (lifetime.running()) return "it would hold up the machine, which runs; give script=no";
        pid_t process = 0;
        std::string problem;
        const int end = start_script(script, process, problem);
        if (end < 0) return problem;
        if (lifetime.wait_for(end, true, false) != Lifetime::Outcome::Ready) {
            kill(process, SIGTERM);
            problem = "the program is to end";
        }
        ::close(end);
        int status = 0;
        if (!problem.empty()) return problem;
        waitpid(process, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
        return WIFEXITED(status) ? "its status is " + std::to_string(WEXITSTATUS(status))
                                 : "a signal ended it";
    }
    /// What was given, or what the host has for all; empty: nothing is run.
    static std::string chosen(const std::string& given, const char* usual) {
        if (given.empty()) return access(usual, X_OK) == 0 ? usual : "";
        return given == "no" ? "" : given;
    }
    void take_down(const std::string& script) const {
        pid_t process = 0;
        std::string problem;
        const int end = start_script(script, process, problem);
        if (end < 0) {
            context().log().write(LogLevel::Warning, "network", script + ": " + problem);
            return;
        }
        pollfd done{end, POLLIN, 0};
        if (poll(&done, 1, kScriptPatience) > 0) waitpid(process, nullptr, 0);
        ::close(end);
    }

    // --- frames ---
    void transmit(Bytes frame) override {
        // What the host has no room for is lost.
        if (tap_ >= 0 && ::write(tap_, frame.data, frame.size) < 0) return;
    }
    void resume() override { context().loop().post(*this); }
    void run() override {
        if (waiting_ > 0 && deliver({buffer_.data(), waiting_})) waiting_ = 0;
        if (watch_) watch_->want(waiting_ == 0, false);
    }
    void fd_ready(int, bool, bool) override {
        for (unsigned count = 0; count < kAtOnce && waiting_ == 0; ++count) {
            const ssize_t size = ::read(tap_, buffer_.data(), buffer_.size());
            if (size < 0) break;
            if (std::size_t(size) < kSmallestFrame || std::size_t(size) > kLargestFrame) continue;
            if (!deliver({buffer_.data(), std::size_t(size)})) waiting_ = std::size_t(size);
        }
        watch_->want(waiting_ == 0, false);
    }

    int tap_ = -1;
    bool up_ = false;  ///< the interface is ours, and was brought up
    FdWatch* watch_ = nullptr;
    std::vector<std::uint8_t> buffer_;
    std::size_t waiting_ = 0;  ///< bytes of a frame that the guest had no room for
};

/// What others have and this has not: on, or a value, is refused.
template <const char* const& Reason>
constexpr PropertyInfo absent(const char* name) {
    return {.name = name,
            .kind = PropertyKind::String,
            .summary = "not there",
            .set = [](void*, const PropertyValue& value, Errors& errors) {
                if (value.text.empty() || value.text == Str("off")) return true;
                errors.fail(Reason);
                return false;
            }};
}
constexpr const char* kNoVhost =
    "frames pass through this program, not through the host's kernel; leave it off";
constexpr const char* kNoHelper = "helper programs are not run; open the interface and give it as fd=";
constexpr const char* kNoQueues = "there is one queue; give one descriptor as fd=";

constexpr PropertyInfo kProperties[] = {
    property<&TapNet::interface_>({.name = "ifname", .summary = "of the host's interface (a new one)"}),
    property<&TapNet::script_>(
        {.name = "script", .summary = "brings the interface up (/etc/qemu-ifup); no: nothing is run"}),
    property<&TapNet::down_script_>(
        {.name = "downscript", .summary = "takes the interface down (/etc/qemu-ifdown); no: nothing is run"}),
    property<&TapNet::fd_>(
        {.name = "fd", .summary = "an interface that is open already", .default_text = "-1"}),
    size_property<&TapNet::send_buffer_>({.name = "sndbuf",
                                          .summary = "bytes that may wait in the host; 0: as it likes",
                                          .default_text = "0"}),
    property<&TapNet::queues_>({.name = "queues", .summary = "1", .default_text = "1"}),
    absent<kNoVhost>("vhost"),
    absent<kNoVhost>("vhostfd"),
    absent<kNoVhost>("vhostfds"),
    absent<kNoVhost>("vhostforce"),
    absent<kNoVhost>("vnet_hdr"),
    absent<kNoHelper>("helper"),
    absent<kNoHelper>("br"),
    absent<kNoQueues>("fds"),
};
constexpr TypeInfo kTypes[] = {
    backend_type<TapNet>({.name = "netdev-tap",
                          .parent = "netdev",
                          .summary = "an interface of the host",
                          .option_name = "tap",
                          .interfaces = kNetInterfaces<TapNet>,
                          .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::net

BACKPLANE_PLUGIN("netdev-tap", "1.0", "Backplane", backplane::net::kTypes)
