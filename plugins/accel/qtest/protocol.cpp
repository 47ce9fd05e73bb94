#include "protocol.h"

#include <backplane/text.h>

#include <algorithm>
#include <cstdio>

namespace backplane::qtest {
namespace {

std::string fail(const std::string& why) { return "FAIL " + why + "\n"; }
const std::string kOk = "OK\n";

std::string ok_number(const char* format, std::uint64_t value) {
    char text[40];
    std::snprintf(text, sizeof text, format, static_cast<unsigned long long>(value));
    return "OK " + std::string(text) + "\n";
}

/// "readw", "outl": the letter at the end is the access's size.
unsigned access_size(std::string_view command) {
    switch (command.back()) {
    case 'b': return 1;
    case 'w': return 2;
    case 'l': return 4;
    default: return 8;
    }
}

std::string bad_number(std::string_view text) {
    return fail("'" + std::string(text) + "' is not a number in range");
}

}  // namespace

/// `words` counts the command itself; a command may have optional words after that.
struct Protocol::Command {
    const char* name;
    std::size_t least, most;
    std::string (Protocol::*run)(const Words& words);
};

const Protocol::Command* Protocol::find(std::string_view name) {
    static constexpr Command kCommands[] = {
        {"inb", 2, 2, &Protocol::port_read},
        {"inw", 2, 2, &Protocol::port_read},
        {"inl", 2, 2, &Protocol::port_read},
        {"outb", 3, 3, &Protocol::port_write},
        {"outw", 3, 3, &Protocol::port_write},
        {"outl", 3, 3, &Protocol::port_write},
        {"readb", 2, 2, &Protocol::memory_read},
        {"readw", 2, 2, &Protocol::memory_read},
        {"readl", 2, 2, &Protocol::memory_read},
        {"readq", 2, 2, &Protocol::memory_read},
        {"writeb", 3, 3, &Protocol::memory_write},
        {"writew", 3, 3, &Protocol::memory_write},
        {"writel", 3, 3, &Protocol::memory_write},
        {"writeq", 3, 3, &Protocol::memory_write},
        {"read", 3, 3, &Protocol::block_read},
        {"b64read", 3, 3, &Protocol::block_read},
        {"write", 4, 4, &Protocol::block_write},
        {"b64write", 4, 4, &Protocol::block_write},
        {"memset", 4, 4, &Protocol::fill},
        {"clock_step", 1, 2, &Protocol::clock_step},
        {"clock_set", 2, 2, &Protocol::clock_set},
        {"irq_intercept_in", 2, 2, &Protocol::intercept},
        {"irq_intercept_out", 2, 2, &Protocol::intercept},
        {"irq_intercept_out_named", 3, 3, &Protocol::intercept},
        {"set_irq_in", 5, 5, &Protocol::set_line},
        {"endianness", 1, 1, &Protocol::endianness},
    };
    const auto found =
        std::ranges::find_if(kCommands, [&](const Command& command) { return name == command.name; });
    return found == std::end(kCommands) ? nullptr : found;
}

Protocol::Protocol(const Target& target, std::function<void(const std::string&)> send)
    : target_(target), send_(std::move(send)) {}

std::string Protocol::execute(std::string_view line) {
    Words words;
    while (!line.empty()) {
        const std::size_t space = std::min(line.find_first_of(" \t\r"), line.size());
        if (space) words.push_back(line.substr(0, space));
        line.remove_prefix(std::min(space + 1, line.size()));
    }
    if (words.empty()) return fail("an empty line is no command");
    const Command* command = find(words[0]);
    if (!command) return fail("Unknown command '" + std::string(words[0]) + "'");
    if (words.size() < command->least || words.size() > command->most)
        return fail(std::string(words[0]) + " takes " + std::to_string(command->least - 1) + " arguments");
    return (this->*command->run)(words);
}

std::string Protocol::port_read(const Words& words) {
    const auto port = to_number(words[1]);
    if (!port || *port > 0xffff) return bad_number(words[1]);
    Access access;
    return ok_number("0x%04llx", target_.ports.load(GuestAddress(*port), access_size(words[0]), access));
}

std::string Protocol::port_write(const Words& words) {
    const auto port = to_number(words[1]);
    const auto value = to_number(words[2]);
    if (!port || *port > 0xffff) return bad_number(words[1]);
    if (!value) return bad_number(words[2]);
    Access access;
    target_.ports.store(GuestAddress(*port), *value, access_size(words[0]), access);
    return kOk;
}

/// What is not there reads as the bus gives it: this is how a guest would see it.
std::string Protocol::memory_read(const Words& words) {
    const auto address = to_number(words[1]);
    if (!address) return bad_number(words[1]);
    Access access;
    return ok_number("0x%016llx", target_.memory.load(GuestAddress(*address), access_size(words[0]), access));
}

std::string Protocol::memory_write(const Words& words) {
    const auto address = to_number(words[1]);
    const auto value = to_number(words[2]);
    if (!address) return bad_number(words[1]);
    if (!value) return bad_number(words[2]);
    Access access;
    target_.memory.store(GuestAddress(*address), *value, access_size(words[0]), access);
    return kOk;
}

std::string Protocol::block_read(const Words& words) {
    const auto address = to_number(words[1]);
    const auto size = to_number(words[2]);
    if (!address) return bad_number(words[1]);
    if (!size || *size == 0 || *size > kMaximumTransfer) return bad_number(words[2]);
    Buffer bytes(*size);
    Access access;
    target_.memory.read(GuestAddress(*address), bytes, access);
    return "OK " + (words[0] == "read" ? "0x" + to_hex(bytes) : to_base64(bytes)) + "\n";
}

/// Data that is shorter than the size is followed by zeroes; what is longer is cut off.
std::string Protocol::store(std::uint64_t address, std::uint64_t size, Buffer bytes) {
    bytes.resize(size);
    Access access;
    target_.memory.write(GuestAddress(address), {bytes.data(), bytes.size()}, access);
    return kOk;
}

std::string Protocol::block_write(const Words& words) {
    const auto address = to_number(words[1]);
    const auto size = to_number(words[2]);
    if (!address) return bad_number(words[1]);
    if (!size || *size > kMaximumTransfer) return bad_number(words[2]);
    if (*size == 0) return kOk;
    std::string_view data = words[3];
    if (words[0] == "b64write") {
        auto bytes = from_base64(data);
        return bytes ? store(*address, *size, std::move(*bytes)) : fail("the data is not base64");
    }
    if (!data.starts_with("0x")) return fail("the data begins with 0x");
    auto bytes = from_hex(data.substr(2));
    return bytes ? store(*address, *size, std::move(*bytes))
                 : fail("the data is not pairs of hexadecimal digits");
}

std::string Protocol::fill(const Words& words) {
    const auto address = to_number(words[1]);
    const auto size = to_number(words[2]);
    const auto value = to_number(words[3]);
    if (!address) return bad_number(words[1]);
    if (!size || *size > kMaximumTransfer) return bad_number(words[2]);
    if (!value || *value > 0xff) return bad_number(words[3]);
    return *size ? store(*address, *size, Buffer(*size, std::uint8_t(*value))) : kOk;
}

/// Without an amount: to the next deadline, if there is one.
std::string Protocol::clock_step(const Words& words) {
    const std::uint64_t now = target_.clock.now_ns();
    std::uint64_t to = target_.manual_clock.next_deadline();
    if (words.size() == 2) {
        const auto step = to_number(words[1]);
        if (!step || *step > ~std::uint64_t{0} - now) return bad_number(words[1]);
        to = now + *step;
    }
    if (to != ~std::uint64_t{0} && to > now) target_.manual_clock.step_to(to);
    else if (to <= now) target_.manual_clock.step_to(now);
    return ok_number("%llu", target_.clock.now_ns());
}

/// The clock does not go back.
std::string Protocol::clock_set(const Words& words) {
    const auto to = to_number(words[1]);
    if (!to) return bad_number(words[1]);
    if (*to >= target_.clock.now_ns()) target_.manual_clock.step_to(*to);
    return ok_number("%llu", target_.clock.now_ns());
}

Object* Protocol::find_object(std::string_view path) const {
    Object* at = &target_.root;
    while (at && !path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        if (slash) at = at->child(path.substr(0, slash));
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return at;
}

std::string Protocol::intercept(const Words& words) {
    Object* device = find_object(words[1]);
    if (!device) return fail("Unknown device '" + std::string(words[1]) + "'");
    const bool outputs = words[0] != "irq_intercept_in";
    // Lines are known by their number alone, so that only one group of them can be told apart.
    if (intercepted_) {
        if (intercepted_ == device && intercepts_outputs_ == outputs) return kOk;
        return fail("IRQ intercept already enabled");
    }
    ErrorText reason;
    const Str name = words.size() == 3 ? Str(words[2]) : Str("");
    const bool done = outputs ? target_.wires.intercept_outputs(*device, name, line_changed, this, reason)
                              : target_.wires.intercept_inputs(*device, line_changed, this, reason);
    if (!done) return fail(reason.text());
    intercepted_ = device;
    intercepts_outputs_ = outputs;
    return kOk;
}

void Protocol::line_changed(void* self, Str, unsigned index, int level) {
    const char* change = level ? "raise " : "lower ";
    static_cast<Protocol*>(self)->send_("IRQ " + std::string(change) + std::to_string(index) + "\n");
}

std::string Protocol::set_line(const Words& words) {
    Object* device = find_object(words[1]);
    if (!device) return fail("Unknown device '" + std::string(words[1]) + "'");
    const auto index = to_number(words[3]);
    const auto level = to_number(words[4]);
    if (!index || *index > 0xffff) return bad_number(words[3]);
    if (!level || *level > 0x7fffffff) return bad_number(words[4]);
    const std::string_view name = words[2] == "unnamed-gpio-in" ? "" : words[2];
    ErrorText reason;
    if (!target_.wires.set_input(*device, name, unsigned(*index), int(*level), reason))
        return fail(reason.text());
    return kOk;
}

/// Values on this host's address spaces are little-endian; a big-endian region turns them around itself.
std::string Protocol::endianness(const Words&) { return "OK little\n"; }

}  // namespace backplane::qtest
