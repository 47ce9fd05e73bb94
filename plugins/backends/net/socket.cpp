// "stream" and "dgram": frames through sockets, to another emulator or a switch in user space. "socket" is their older
// spelling: listen=, connect=, udp=, mcast=.
#include "frame_wire.h"
#include "net_base.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

#include <charconv>
#include <memory>
#include <optional>

namespace backplane::net {

namespace {

using sockets::Endpoint;

/// A netdev on a wire that its properties describe.
class WireNet : public NetBase, FrameWire::Receiver {
  public:
    bool complete(Errors& errors) final {
        FrameWire::Receiver& receiver = *this;
        auto& lifetime = *static_cast<Lifetime*>(context().host_interface(Lifetime::kId));
        std::string problem;
        wire_ =
            make({context().loop(), lifetime, context().log(), receiver, "netdev '" + id() + "'"}, problem);
        return wire_ || fail(errors, problem);
    }
    void shut_down() final { wire_.reset(); }

  protected:
    using NetBase::NetBase;
    ~WireNet() = default;
    virtual std::unique_ptr<FrameWire> make(const WireParts& parts, std::string& problem) = 0;

  private:
    void transmit(Bytes frame) final {
        if (wire_) wire_->send(frame);
    }
    void resume() final {
        if (wire_) wire_->resume();
    }
    bool take_frame(Bytes frame) final {
        return frame.size < kSmallestFrame || frame.size > kLargestFrame || deliver(frame);
    }
    std::unique_ptr<FrameWire> wire_;
};

/// An address as the newer options spell it: "addr.type=inet,addr.host=…,addr.port=…".
struct AddressText {
    std::string type, host, port, path, descriptor;
    bool abstract = false, tight = true;
    std::uint32_t last_port = 0;

    bool empty() const {
        return type.empty() && host.empty() && port.empty() && path.empty() && descriptor.empty();
    }
    /// The endpoint, or the descriptor that was passed in.
    std::string read(const std::string& prefix, int socket_type, Endpoint& endpoint, int& fd) const {
        if (type == "fd") {
            const auto [end, error] =
                std::from_chars(descriptor.data(), descriptor.data() + descriptor.size(), fd);
            return error == std::errc() && *end == 0 && fd >= 0
                       ? ""
                       : prefix + ".str=" + descriptor + " is no number of a descriptor";
        }
        endpoint = {.path = path,
                    .abstract = abstract,
                    .tight = tight,
                    .host = host,
                    .port = port,
                    .last_port = last_port ? std::to_string(last_port) : "",
                    .type = socket_type};
        if (type == "unix") return path.empty() ? prefix + ".path= is missing" : "";
        if (type == "inet") return port.empty() ? prefix + ".port= is missing" : "";
        return prefix + ".type is inet, unix or fd, not '" + type + "'";
    }
};

class StreamNet final : public WireNet {
  public:
    explicit StreamNet(Object& object) : WireNet(object) {}
    AddressText address_;
    bool server_ = false;
    std::uint32_t reconnect_ = 0, reconnect_ms_ = 0;

  private:
    std::unique_ptr<FrameWire> make(const WireParts& parts, std::string& problem) override {
        StreamOptions options{.endpoint = {},
                              .server = server_,
                              .reconnect_ms = reconnect_ ? reconnect_ * 1000 : reconnect_ms_};
        problem = address_.read("addr", SOCK_STREAM, options.endpoint, options.fd);
        if (problem.empty() && server_ && options.reconnect_ms)
            problem = "reconnect-ms= is for clients; leave server=on off";
        return problem.empty() ? make_stream(parts, options, problem) : nullptr;
    }
};

class DatagramNet final : public WireNet {
  public:
    explicit DatagramNet(Object& object) : WireNet(object) {}
    AddressText local_, remote_;

  private:
    std::unique_ptr<FrameWire> make(const WireParts& parts, std::string& problem) override {
        DatagramOptions options;
        int unused = -1;
        if (local_.empty() && remote_.empty()) problem = "dgram requires local= or remote= parameters";
        if (problem.empty() && !local_.empty())
            problem = local_.type.empty() && remote_.type == "inet"
                          ? (options.local.host = local_.host, "")
                          : local_.read("local", SOCK_DGRAM, options.local, options.fd);
        if (problem.empty() && options.fd < 0)
            problem = remote_.read("remote", SOCK_DGRAM, options.remote, unused);
        return problem.empty() ? make_datagrams(parts, options, problem) : nullptr;
    }
};

class SocketNet final : public WireNet {
  public:
    explicit SocketNet(Object& object) : WireNet(object) {}
    std::string listen_, connect_, udp_, multicast_, local_address_;
    std::int64_t fd_ = -1;

  private:
    /// "[HOST]:PORT".
    static std::string read(const char* name, const std::string& text, int type, Endpoint& endpoint) {
        const std::size_t colon = text.rfind(':');
        if (colon == std::string::npos || colon + 1 == text.size())
            return std::string(name) + "=" + text + " is no HOST:PORT";
        endpoint.host = text.substr(0, colon);
        endpoint.port = text.substr(colon + 1);
        endpoint.type = type;
        return {};
    }
    std::unique_ptr<FrameWire> make(const WireParts& parts, std::string& problem) override {
        const int ways =
            !listen_.empty() + !connect_.empty() + !udp_.empty() + !multicast_.empty() + (fd_ >= 0);
        if (ways != 1) {
            problem = "exactly one of listen=, connect=, mcast=, udp= and fd= is required";
            return nullptr;
        }
        if (!listen_.empty() || !connect_.empty() || fd_ >= 0) return make_one_stream(parts, problem);
        DatagramOptions options;
        const bool group = !multicast_.empty();
        problem = read(group ? "mcast" : "udp", group ? multicast_ : udp_, SOCK_DGRAM, options.remote);
        if (problem.empty() && !group) problem = read("localaddr", local_address_, SOCK_DGRAM, options.local);
        if (group) options.local.host = local_address_;
        return problem.empty() ? make_datagrams(parts, options, problem) : nullptr;
    }
    std::unique_ptr<FrameWire> make_one_stream(const WireParts& parts, std::string& problem) const {
        StreamOptions options{.endpoint = {}, .server = !listen_.empty(), .fd = int(fd_)};
        if (fd_ < 0)
            problem = options.server ? read("listen", listen_, SOCK_STREAM, options.endpoint)
                                     : read("connect", connect_, SOCK_STREAM, options.endpoint);
        return problem.empty() ? make_stream(parts, options, problem) : nullptr;
    }
};

/// A property of a member of a member.
template <auto Address, auto Member>
constexpr PropertyInfo address_text(const char* name, const char* summary) {
    using Owner = typename MemberOf<Address>::Owner;
    return {.name = name,
            .kind = PropertyKind::String,
            .summary = summary,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    (static_cast<Owner*>(part)->*Address).*Member = value.text.view();
                    return true;
                },
            .get =
                [](const void* part, PropertyValue& value) {
                    value.text = (static_cast<const Owner*>(part)->*Address).*Member;
                }};
}
template <auto Address, auto Member>
constexpr PropertyInfo address_flag(const char* name, const char* summary, const char* usual) {
    using Owner = typename MemberOf<Address>::Owner;
    return {.name = name,
            .kind = PropertyKind::Bool,
            .summary = summary,
            .default_text = usual,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    (static_cast<Owner*>(part)->*Address).*Member = value.boolean;
                    return true;
                },
            .get =
                [](const void* part, PropertyValue& value) {
                    value.boolean = (static_cast<const Owner*>(part)->*Address).*Member;
                }};
}

constexpr PropertyInfo kStreamProperties[] = {
    address_text<&StreamNet::address_, &AddressText::type>("addr.type", "inet, unix or fd"),
    address_text<&StreamNet::address_, &AddressText::host>("addr.host", "of TCP"),
    address_text<&StreamNet::address_, &AddressText::port>("addr.port", "of TCP"),
    address_text<&StreamNet::address_, &AddressText::path>("addr.path", "of a UNIX socket"),
    address_text<&StreamNet::address_, &AddressText::descriptor>("addr.str",
                                                                 "a descriptor that was passed in"),
    address_flag<&StreamNet::address_, &AddressText::abstract>("addr.abstract",
                                                               "the path is an abstract name", "off"),
    address_flag<&StreamNet::address_, &AddressText::tight>("addr.tight", "… as long as its text", "on"),
    property<&StreamNet::server_>({.name = "server", .summary = "listen", .default_text = "off"}),
    property<&StreamNet::reconnect_>({.name = "reconnect",
                                      .summary = "a client tries again after so many seconds; 0: never",
                                      .default_text = "0",
                                      .maximum = 4'000'000}),
    property<&StreamNet::reconnect_ms_>(
        {.name = "reconnect-ms", .summary = "the same in milliseconds", .default_text = "0"}),
};
constexpr PropertyInfo kDatagramProperties[] = {
    address_text<&DatagramNet::local_, &AddressText::type>("local.type", "inet, unix or fd"),
    address_text<&DatagramNet::local_, &AddressText::host>("local.host", "where frames come to"),
    address_text<&DatagramNet::local_, &AddressText::port>("local.port", "where frames come to"),
    address_text<&DatagramNet::local_, &AddressText::path>("local.path", "of a UNIX socket"),
    address_text<&DatagramNet::local_, &AddressText::descriptor>("local.str",
                                                                 "a descriptor that was passed in"),
    address_text<&DatagramNet::remote_, &AddressText::type>("remote.type", "inet or unix"),
    address_text<&DatagramNet::remote_, &AddressText::host>("remote.host",
                                                            "where frames go, or a multicast group"),
    address_text<&DatagramNet::remote_, &AddressText::port>("remote.port", "where frames go"),
    address_text<&DatagramNet::remote_, &AddressText::path>("remote.path", "of a UNIX socket"),
};
constexpr PropertyInfo kSocketProperties[] = {
    property<&SocketNet::listen_>({.name = "listen", .summary = "[HOST]:PORT, a TCP server"}),
    property<&SocketNet::connect_>({.name = "connect", .summary = "HOST:PORT, a TCP client"}),
    property<&SocketNet::udp_>({.name = "udp", .summary = "HOST:PORT, datagrams; needs localaddr"}),
    property<&SocketNet::multicast_>({.name = "mcast", .summary = "GROUP:PORT, datagrams to all members"}),
    property<&SocketNet::local_address_>(
        {.name = "localaddr", .summary = "udp: HOST:PORT to bind; mcast: the address of an interface"}),
    property<&SocketNet::fd_>(
        {.name = "fd", .summary = "a connected stream socket that was passed in", .default_text = "-1"}),
};
constexpr TypeInfo kTypes[] = {
    backend_type<StreamNet>({.name = "netdev-stream",
                             .parent = "netdev",
                             .summary = "frames on a stream socket",
                             .option_name = "stream",
                             .interfaces = kNetInterfaces<StreamNet>,
                             .properties = kStreamProperties}),
    backend_type<DatagramNet>({.name = "netdev-dgram",
                               .parent = "netdev",
                               .summary = "frames as datagrams",
                               .option_name = "dgram",
                               .interfaces = kNetInterfaces<DatagramNet>,
                               .properties = kDatagramProperties}),
    backend_type<SocketNet>({.name = "netdev-socket",
                             .parent = "netdev",
                             .summary = "frames on a TCP or UDP socket",
                             .option_name = "socket",
                             .interfaces = kNetInterfaces<SocketNet>,
                             .properties = kSocketProperties}),
};

}  // namespace
}  // namespace backplane::net

BACKPLANE_PLUGIN("netdev-socket", "1.0", "Backplane", backplane::net::kTypes)
