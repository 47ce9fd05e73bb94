// The plugin "vnc": people see the machine's screen, and use its keyboard and pointer, with VNC clients.
#include "server.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::vnc {
namespace {

/// An option of users' lines that is refused with what there is instead; where it is a switch, "off" is as things are.
template <const char* const& Reason>
constexpr PropertyInfo refused(const char* name) {
    return {.name = name,
            .kind = PropertyKind::String,
            .summary = "not there: refused with what is instead",
            .set = [](void*, const PropertyValue& value, Errors& errors) {
                if (value.text == Str("off")) return true;
                errors.fail(Reason);
                return false;
            }};
}

constexpr const char* kNoTls =
    "there is no TLS; listen at a UNIX socket or at localhost, and use a tunnel (ssh -L, stunnel)";
constexpr const char* kNoWebsocket =
    "there are no websockets; websockify goes between browsers and this server";
constexpr const char* kNoSound = "there is no sound; leave it out";
constexpr const char* kNoReverse =
    "connections are not made from here; let the viewer connect, or use a tunnel (ssh -R)";
constexpr const char* kNoSasl =
    "there is no SASL; give password=on or password-secret=, or listen at a UNIX socket whose folder keeps others out";
constexpr const char* kNoPower = "viewers do not switch the machine off; use a monitor (system_powerdown)";
constexpr const char* kNoLocks =
    "keys are what viewers send; caps lock and the like are not set by their states";

/// on, off, or not said.
template <std::optional<bool> Server::*Member>
constexpr PropertyInfo optional_flag(PropertyInfo info) {
    info.kind = PropertyKind::Bool;
    info.set = [](void* part, const PropertyValue& value, Errors&) {
        static_cast<Server*>(part)->*Member = value.boolean;
        return true;
    };
    return info;
}

constexpr PropertyInfo kProperties[] = {
    property<&Server::address_>(
        {.name = "address",
         .summary = "HOST:DISPLAY, which is port 5900 + DISPLAY; unix:PATH; or none: nobody connects"}),
    property<&Server::name_>({.name = "id", .summary = "its name in monitors", .default_text = "default"}),
    property<&Server::last_display_>(
        {.name = "to", .summary = "the first free display from that one to this", .maximum = 65535 - 5900}),
    optional_flag<&Server::ipv4_>({.name = "ipv4", .summary = "on: IPv4 only; off: no IPv4"}),
    optional_flag<&Server::ipv6_>({.name = "ipv6", .summary = "on: IPv6 only; off: no IPv6"}),
    enum_property<&Server::share_>(
        {.name = "share",
         .summary = "a viewer that wants to be alone: others have to go, it is not let in, or "
                    "it is not heard",
         .default_text = "allow-exclusive",
         .choices = "allow-exclusive|force-shared|ignore"}),
    property<&Server::password_wanted_>({.name = "password",
                                         .summary = "ask for a password, which set_password gives",
                                         .default_text = "off"}),
    property<&Server::password_secret_>(
        {.name = "password-secret", .summary = "ask for the password that is in this -object secret"}),
    property<&Server::display_>(
        {.name = "display", .summary = "the adapter's id or path; else the first one"}),
    property<&Server::head_>({.name = "head", .summary = "which of its screens", .default_text = "0"}),
    property<&Server::key_delay_ms_>({.name = "key-delay-ms",
                                      .summary = "between one key and the next",
                                      .default_text = "10",
                                      .maximum = 1000}),
    property<&Server::connections_>({.name = "connections",
                                     .summary = "viewers at a time",
                                     .default_text = "32",
                                     .maximum = 1024,
                                     .minimum = 1}),
    property<&Server::lossy_>(
        {.name = "lossy", .summary = "viewers that ask for it get JPEG, with Tight", .default_text = "off"}),
    property<&Server::non_adaptive_>(
        {.name = "non-adaptive",
         .summary = "what was sent as JPEG is not sent again exactly once it stands still",
         .default_text = "off"}),
    refused<kNoReverse>("reverse"),
    refused<kNoWebsocket>("websocket"),
    refused<kNoTls>("tls-creds"),
    refused<kNoTls>("tls-authz"),
    refused<kNoSasl>("sasl"),
    refused<kNoSasl>("sasl-authz"),
    refused<kNoSound>("audiodev"),
    refused<kNoPower>("power-control"),
    refused<kNoLocks>("lock-key-sync"),
};

constexpr OptionInfo kOptions[] = {
    {.name = "vnc",
     .argument =
         "HOST:N|unix:PATH|none[,to=N][,password=on|off][,password-secret=ID]\n"
         "[,share=allow-exclusive|force-shared|ignore][,lossy=on|off][,id=ID][,display=DEVICE][,head=N]",
     .summary = "people see the screen with a VNC viewer; none: nobody, until there is a place",
     .group = "Display",
     .first_property = "address",
     .repeatable = true},
};

constexpr ArgumentInfo kPassword[] = {{.name = "password", .summary = "of which eight characters count"}};
constexpr ArgumentInfo kSetPassword[] = {
    {.name = "protocol", .summary = "vnc", .choices = "vnc|spice"},
    {.name = "password", .summary = "of which eight characters count"},
    {.name = "display", .kind = ArgumentKind::Switch, .required = false, .summary = "the server's id"},
    {.name = "connected",
     .required = false,
     .summary = "who is in stays or goes",
     .choices = "keep|disconnect"},
};
constexpr ArgumentInfo kExpirePassword[] = {
    {.name = "protocol", .summary = "vnc", .choices = "vnc|spice"},
    {.name = "time", .summary = "now, never, +SECONDS, or seconds since 1970"},
    {.name = "display", .kind = ArgumentKind::Switch, .required = false, .summary = "the server's id"},
};
constexpr ArgumentInfo kInfo[] = {
    {.name = "enabled", .kind = ArgumentKind::Flag, .summary = "viewers can connect"},
    {.name = "host", .required = false, .summary = "where"},
    {.name = "service", .required = false, .summary = "the port, or the path"},
    {.name = "family", .required = false, .summary = "ipv4, ipv6 or unix"},
    {.name = "auth", .required = false, .summary = "none, or vnc: with a password"},
    {.name = "clients", .kind = ArgumentKind::Array, .required = false, .summary = "who is in"},
};
constexpr ArgumentInfo kServerInfo[] = {
    {.name = "id", .summary = "its name"},
    {.name = "server", .kind = ArgumentKind::Array, .summary = "where it listens"},
    {.name = "clients", .kind = ArgumentKind::Array, .summary = "who is in"},
    {.name = "auth", .summary = "none, or vnc: with a password"},
    {.name = "display", .required = false, .summary = "the device whose screen it shows"},
};
constexpr CommandInfo kCommands[] = {
    {.name = "query-vnc", .summary = "the first VNC server", .returns = "VncInfo", .results = kInfo},
    {.name = "query-vnc-servers",
     .summary = "all VNC servers",
     .returns = "[VncInfo2]",
     .results = kServerInfo},
    {.human = "info vnc", .summary = "the VNC servers and who is connected"},
    {.name = "change-vnc-password", .summary = "what the first VNC server asks for", .arguments = kPassword},
    {.name = "set_password",
     .human = "set_password",
     .summary = "what a VNC server asks for",
     .arguments = kSetPassword},
    {.name = "expire_password",
     .human = "expire_password",
     .summary = "until when the password holds",
     .arguments = kExpirePassword},
};

constexpr ArgumentInfo kWho[] = {
    {.name = "server", .kind = ArgumentKind::Object, .summary = "where it is connected"},
    {.name = "client", .kind = ArgumentKind::Object, .summary = "where it comes from"},
};
constexpr EventInfo kEvents[] = {
    {.name = "VNC_CONNECTED", .summary = "a viewer came", .members = kWho},
    {.name = "VNC_INITIALIZED", .summary = "it was let in", .members = kWho},
    {.name = "VNC_DISCONNECTED", .summary = "it left", .members = kWho},
};

constexpr InterfaceInfo kInterfaces[] = {offers<Server, Completable>(), offers<Server, CommandHandler>(),
                                         offers<Server, Display>(), offers<Server, Server>()};

constexpr TypeInfo kTypes[] = {
    backend_type<Server>({.name = "vnc",
                          .parent = "service",
                          .summary = "a VNC server: viewers see the screen",
                          .interfaces = kInterfaces,
                          .properties = kProperties,
                          .options = kOptions,
                          .commands = kCommands,
                          .events = kEvents}),
};

}  // namespace
}  // namespace backplane::vnc

BACKPLANE_PLUGIN("vnc", "1.0", "Backplane", backplane::vnc::kTypes)
