// "filter-dump": the frames of a network backend in a file, as tcpdump and Wireshark read it. The format is that of
// libpcap 2.4: a header, then each frame after 16 bytes; link type 1, Ethernet.
#include <backplane/backend.h>
#include <backplane/clock.h>
#include <backplane/net.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace backplane::net {

namespace {

struct FileHeader {
    std::uint32_t magic = 0xa1b2c3d4;  // microseconds, in this host's byte order
    std::uint16_t major = 2, minor = 4;
    std::int32_t zone = 0;
    std::uint32_t accuracy = 0;
    std::uint32_t longest = 0;
    std::uint32_t link_type = 1;
};
struct FrameHeader {
    std::uint32_t seconds, microseconds, kept, length;
};

class Dump final : public Completable, NetTap {
  public:
    explicit Dump(Object& object) : object_(object) {}

    NetTapPoint* netdev_ = nullptr;
    std::string file_;
    std::uint32_t longest_ = 65536;
    std::uint32_t queue_ = 0;
    bool on_ = true;

    bool complete(Errors& errors) override {
        const int flags = O_WRONLY | O_CREAT | O_TRUNC;
        struct stat status {};
        // A named pipe opens at once, whether its reader is there or not.
        const bool pipe = stat(file_.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
        fd_ = ::open(file_.c_str(), (pipe ? O_RDWR : flags) | O_CLOEXEC | O_NONBLOCK, 0644);
        FileHeader header;
        header.longest = longest_;
        if (fd_ < 0 || ::write(fd_, &header, sizeof header) != ssize_t(sizeof header)) {
            errors.fail("filter-dump '" + id() + "': cannot write '" + file_ + "': " + std::strerror(errno));
            shut_down();
            return false;
        }
        auto* clock = static_cast<Clock*>(backend_context(object_).host_interface(Clock::kId));
        clock_ = clock ? clock : &backend_context(object_).loop().host_clock();
        // The guest's time, from the moment that it began.
        const EventLoop& loop = backend_context(object_).loop();
        start_us_ = std::uint64_t(loop.host_date_ns()) / 1000 - clock_->now_ns() / 1000;
        netdev_->add_tap(*this);
        tapped_ = true;
        return true;
    }
    void shut_down() override {
        if (tapped_ && netdev_) netdev_->remove_tap(*this);
        tapped_ = false;
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

  private:
    static constexpr std::uint32_t kFromGuest = 1, kToGuest = 2;  // of queue

    void frame_passed(Bytes frame, bool from_guest) override {
        if (!on_ || (queue_ == kFromGuest && !from_guest) || (queue_ == kToGuest && from_guest)) return;
        const std::uint64_t now = start_us_ + clock_->now_ns() / 1000;
        const std::uint32_t kept = std::uint32_t(std::min<std::size_t>(frame.size, longest_));
        FrameHeader header{std::uint32_t(now / 1'000'000), std::uint32_t(now % 1'000'000), kept,
                           std::uint32_t(frame.size)};
        const iovec pieces[] = {{&header, sizeof header}, {const_cast<std::uint8_t*>(frame.data), kept}};
        if (writev(fd_, pieces, 2) == ssize_t(sizeof header + kept)) return;
        // Half a frame would spoil what follows.
        on_ = false;
        backend_context(object_).log().write(LogLevel::Warning, "network",
                                             "filter-dump '" + id() + "': '" + file_ + "' takes no more: " +
                                                 std::strerror(errno) + "; frames are not dumped any longer");
    }
    std::string id() const { return std::string(object_.id().view()); }

    Object& object_;
    Clock* clock_ = nullptr;
    std::uint64_t start_us_ = 0;
    int fd_ = -1;
    bool tapped_ = false;
};

constexpr PropertyInfo kProperties[] = {
    property<&Dump::netdev_>(
        {.name = "netdev", .summary = "the network backend whose frames are dumped", .required = true}),
    property<&Dump::file_>({.name = "file", .summary = "where they go", .required = true}),
    property<&Dump::longest_>({.name = "maxlen",
                               .summary = "bytes that are kept of a frame",
                               .default_text = "65536",
                               .minimum = 1}),
    enum_property<&Dump::queue_>({.name = "queue",
                                  .summary = "rx: what the guest sends; tx: what it gets",
                                  .default_text = "all",
                                  .choices = "all|rx|tx"}),
    {.name = "status",
     .kind = PropertyKind::Enum,
     .summary = "off: nothing is dumped for now",
     .default_text = "on",
     .choices = "on|off",
     .settable_when_realized = true,
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             static_cast<Dump*>(part)->on_ = value.number == 0;
             return true;
         },
     .get = [](const void* part,
               PropertyValue& value) { value.number = static_cast<const Dump*>(part)->on_ ? 0 : 1; }},
};
constexpr InterfaceInfo kInterfaces[] = {offers<Dump, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<Dump>({.name = "filter-dump",
                        .summary = "the frames of a network backend in a file",
                        .interfaces = kInterfaces,
                        .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::net

BACKPLANE_PLUGIN("filter-dump", "1.0", "Backplane", backplane::net::kTypes)
