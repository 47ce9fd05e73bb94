// print, and i and o, which read and write an I/O port as a CPU does.
#include "kernel/machine/machine_parts.h"
#include "kernel/management/management.h"
#include "kernel/management/value_format.h"

#include <cstdio>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

Json print(const Call& call) {
    const std::uint64_t value = call.number("value");
    const std::string given = call.text("format");
    ValueFormat format = read_value_format(given);
    format.size = 8;
    if (format.letter != 'x') return readable(value_text(format, value) + "\n");
    char text[24];
    std::snprintf(text, sizeof text, "%#llx\n", static_cast<unsigned long long>(value));
    return readable(text);
}

/// Ports are of one, two or four bytes.
unsigned port_size(const Call& call) {
    const unsigned size = read_value_format(call.text("format")).size;
    return size == 8 ? 4 : size;
}

GuestAddress port(const Call& call) {
    constexpr std::uint64_t kPorts = 0x10000;
    return GuestAddress(call.number("port") % kPorts);
}

Json read_port(const Call& call) {
    const unsigned size = port_size(call);
    Access access;
    const std::uint64_t value = call.machine.parts().memory.io_ports().load(port(call), size, access);
    char text[40];
    std::snprintf(text, sizeof text, "port%c[0x%04x] = 0x%0*x\n",
                  size == 1   ? 'b'
                  : size == 2 ? 'w'
                              : 'l',
                  unsigned(port(call).value), int(size) * 2, unsigned(value));
    return readable(text);
}

Json write_port(const Call& call) {
    Access access;
    call.machine.parts().memory.io_ports().store(port(call), call.number("value"), port_size(call), access);
    return Json::object();
}

constexpr ArgumentInfo kPrinted[] = {{.name = "format", .kind = Kind::Format, .required = false},
                                     {.name = "value", .kind = Kind::Number}};
constexpr ArgumentInfo kRead[] = {{.name = "format", .kind = Kind::Format, .required = false},
                                  {.name = "port", .kind = Kind::Number}};
constexpr ArgumentInfo kWritten[] = {{.name = "format", .kind = Kind::Format, .required = false},
                                     {.name = "port", .kind = Kind::Number},
                                     {.name = "value", .kind = Kind::Number}};
constexpr CoreCommand kCalculateCommands[] = {
    {{.human = "print|p", .summary = "a number: /x $rip+4", .arguments = kPrinted}, print},
    {{.human = "i", .summary = "read an I/O port: /b 0x61; the device notices", .arguments = kRead},
     read_port},
    {{.human = "o", .summary = "write an I/O port: /b 0x80 1", .arguments = kWritten}, write_port},
};

}  // namespace

Slice<const CoreCommand> calculate_commands() { return kCalculateCommands; }

}  // namespace backplane::kernel
