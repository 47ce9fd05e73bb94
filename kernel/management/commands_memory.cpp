// xp and x: guest memory as a debugger reads it, without side effects.
//
// The format is /COUNT FORMAT SIZE in any order of letters: x d u o c, and b h w g for 1, 2, 4, 8 bytes. It is
// remembered by no one: without it, one 4-byte word in hexadecimal.
#include "kernel/management/management.h"
#include "kernel/management/stopped_cpus.h"

#include <backplane/draft/cpu.h>

#include <cstdio>
#include <functional>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;
constexpr std::uint64_t kMaximumCount = 1u << 16;

struct Format {
    std::uint64_t count = 1;
    char letter = 'x';
    unsigned size = 4;
};

Format read_format(const std::string& text) {
    Format format;
    std::size_t at = 0;
    if (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        format.count = 0;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9' && format.count <= kMaximumCount)
            format.count = format.count * 10 + std::uint64_t(text[at++] - '0');
    }
    if (format.count == 0 || format.count > kMaximumCount)
        fail_command("the count in '/" + text + "' is from 1 to " + std::to_string(kMaximumCount));
    for (; at < text.size(); ++at) {
        switch (text[at]) {
        case 'x':
        case 'd':
        case 'u':
        case 'o':
        case 'c': format.letter = text[at]; break;
        case 'b': format.size = 1; break;
        case 'h': format.size = 2; break;
        case 'w': format.size = 4; break;
        case 'g': format.size = 8; break;
        default:
            fail_command("invalid char in format: '" + text.substr(at, 1) +
                         "'; letters are x d u o c, sizes b h w g");
        }
    }
    return format;
}

std::string value_text(const Format& format, std::uint64_t value) {
    char text[40] = {};
    const int bits = int(format.size) * 8;
    const auto extended = std::int64_t(value << (64 - bits)) >> (64 - bits);
    switch (format.letter) {
    case 'd': std::snprintf(text, sizeof text, "%lld", static_cast<long long>(extended)); break;
    case 'u': std::snprintf(text, sizeof text, "%llu", static_cast<unsigned long long>(value)); break;
    case 'o': std::snprintf(text, sizeof text, "0%llo", static_cast<unsigned long long>(value)); break;
    case 'c':
        std::snprintf(text, sizeof text, value >= 0x20 && value < 0x7f ? "'%c'" : "'\\x%02x'",
                      unsigned(value & 0xff));
        break;
    default:
        std::snprintf(text, sizeof text, "0x%0*llx", int(format.size) * 2,
                      static_cast<unsigned long long>(value));
    }
    return text;
}

/// `load` gives the bytes at an address, or false when there are none.
Json dump(const Call& call, const std::function<bool(std::uint64_t, MutableBytes)>& load) {
    const Format format = read_format(call.text("format"));
    std::uint64_t address = call.number("address");
    const unsigned per_line = format.letter == 'c' ? 8 : 16 / format.size;
    std::string text;
    char label[20];
    for (std::uint64_t i = 0; i < format.count; ++i, address += format.size) {
        std::uint8_t bytes[8] = {};
        if (!load(address, {bytes, format.size})) {
            if (text.empty()) fail_command("Cannot access memory");
            std::snprintf(label, sizeof label, "%016llx", static_cast<unsigned long long>(address));
            return readable(text + "\nCannot access memory at 0x" + label + "\n");
        }
        if (i % per_line == 0) {
            std::snprintf(label, sizeof label, "%016llx:", static_cast<unsigned long long>(address));
            text += (i ? "\n" : "") + std::string(label);
        }
        std::uint64_t value = 0;
        for (unsigned b = 0; b < format.size; ++b) value |= std::uint64_t(bytes[b]) << (8 * b);
        text += " " + value_text(format, value);
    }
    return readable(text + "\n");
}

bool load_physical(AddressSpace& memory, std::uint64_t address, MutableBytes to) {
    Access access{.intent = Intent::Debug};
    return memory.read(GuestAddress(address), to, access);
}

Json examine_physical(const Call& call) {
    AddressSpace& memory = call.machine.system_memory();
    return dump(call,
                [&](std::uint64_t address, MutableBytes to) { return load_physical(memory, address, to); });
}

Json examine_virtual(const Call& call) {
    Cpu* cpu = call.host.current_cpu();
    if (!cpu) fail_command("no CPU available");
    const StoppedCpus stopped(call.machine);
    // A value may lie across two pages.
    return dump(call, [&](std::uint64_t address, MutableBytes to) {
        for (std::size_t i = 0; i < to.size; ++i) {
            GuestAddress physical;
            if (!cpu->translate_debug(address + i, physical)) return false;
            if (!load_physical(cpu->address_space(), physical.value, {to.data + i, 1})) return false;
        }
        return true;
    });
}

constexpr ArgumentInfo kExamined[] = {{.name = "format", .kind = Kind::Format, .required = false},
                                      {.name = "address", .kind = Kind::Number}};
constexpr CoreCommand kMemoryCommands[] = {
    {{.human = "xp", .summary = "physical memory, as /4xw 0x80000000", .arguments = kExamined},
     examine_physical},
    {{.human = "x", .summary = "virtual memory as the CPU sees it", .arguments = kExamined}, examine_virtual},
};

}  // namespace

Slice<const CoreCommand> memory_commands() { return kMemoryCommands; }

}  // namespace backplane::kernel
