// The plugin "gdb": debuggers that speak the GDB remote protocol look into the guest.
#include "gdbserver.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::gdb {
namespace {

constexpr PropertyInfo kProperties[] = {
    property<&GdbServer::device_>(
        {.name = "device",
         .summary = "where a debugger connects: tcp::PORT, unix:PATH, stdio, chardev:ID or none"}),
    property<&GdbServer::chardev_>({.name = "chardev", .summary = "an existing character device instead"}),
    property<&GdbServer::server_>({.name = "server", .summary = "of the device: listen (tcp: on)"}),
    property<&GdbServer::wait_>({.name = "wait", .summary = "of the device: wait for a debugger (tcp: off)"}),
    property<&GdbServer::no_delay_>({.name = "nodelay", .summary = "of the device (tcp: on)"}),
    property<&GdbServer::reconnect_>({.name = "reconnect", .summary = "of the device, seconds"}),
};

constexpr OptionInfo kOptions[] = {
    {.name = "gdb",
     .argument = "DEVICE",
     .summary = "a debugger may connect there: tcp::PORT, tcp:HOST:PORT,\n"
                "unix:PATH,server=on,wait=off, stdio, pty, chardev:ID or none",
     .group = "Debugging",
     .first_property = "device"},
    {.name = "s", .summary = "short for -gdb tcp::1234", .group = "Debugging", .fixed = "device=tcp::1234"},
};

constexpr ArgumentInfo kDeviceArgument[] = {
    {.name = "device",
     .kind = ArgumentKind::Rest,
     .required = false,
     .summary = "as for -gdb; none: no debugger any more"},
};
constexpr CommandInfo kCommands[] = {
    {.human = "gdbserver",
     .summary = "let a debugger connect, at tcp::1234 unless said",
     .arguments = kDeviceArgument},
};

constexpr InterfaceInfo kInterfaces[] = {offers<GdbServer, Completable>(),
                                         offers<GdbServer, CommandHandler>()};

constexpr TypeInfo kTypes[] = {
    backend_type<GdbServer>({.name = "gdbserver",
                             .parent = "service",
                             .summary = "debuggers that speak the GDB remote protocol",
                             .interfaces = kInterfaces,
                             .properties = kProperties,
                             .options = kOptions,
                             .commands = kCommands}),
};

}  // namespace
}  // namespace backplane::gdb

BACKPLANE_PLUGIN("gdb", "1.0", "Backplane", backplane::gdb::kTypes)
