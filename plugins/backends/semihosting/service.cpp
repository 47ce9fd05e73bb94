#include "service.h"

#include <backplane/text.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <unistd.h>

namespace backplane::semihosting {

namespace {

constexpr std::size_t kMaximumText = 4096;  ///< of a name or a string, bytes
constexpr std::size_t kMaximumPiece =
    1 << 20;  ///< read or written by one call; the guest is told how much is left
constexpr std::uint64_t kFailure = ~std::uint64_t{0};
constexpr std::uint64_t kApplicationExit = 0x20026;  ///< ADP_Stopped_ApplicationExit
constexpr std::uint64_t kSecond = 1'000'000'000;

}  // namespace

/// The console belongs to the machine.
template <class Work>
auto Service::locked(Work work) {
    auto* lock = static_cast<MachineLock*>(backend_context(object_).host_interface(MachineLock::kId));
    const std::lock_guard guard(*lock);
    return work();
}

// ---- the object

bool Service::complete(Errors& errors) {
    if (!chardev_ || console_.connect(*chardev_)) return true;
    errors.fail("property 'chardev': the character device is in use; give semihosting one of its own");
    return false;
}

void Service::shut_down() { console_.disconnect(); }

void Service::forget(SemihostingCaller& caller) {
    locked([&] {
        console_.forget(caller);
        return 0;
    });
}

// ---- parameters

bool Service::Request::take(unsigned count) {
    return caller.read(parameter, {reinterpret_cast<std::uint8_t*>(words), count * sizeof words[0]});
}

std::optional<std::string> Service::Request::text(std::uint64_t address, std::uint64_t size) {
    if (size > kMaximumText) return std::nullopt;
    std::string all(size, '\0');
    if (!caller.read(address, {reinterpret_cast<std::uint8_t*>(all.data()), all.size()})) return std::nullopt;
    return all;
}

std::optional<std::string> Service::Request::text_until_zero(std::uint64_t address) {
    std::string all;
    for (std::uint8_t byte = 0; all.size() < kMaximumText; all += char(byte)) {
        if (!caller.read(address + all.size(), {&byte, 1})) return std::nullopt;
        if (byte == 0) return all;
    }
    return all;
}

bool Service::Request::put_word(std::uint64_t address, std::uint64_t value) {
    return caller.write(address, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

// ---- the table

const Service::Row Service::kRows[] = {
    {0x01, 3, &Service::open},           {0x02, 1, &Service::close},    {0x03, 0, &Service::write_character},
    {0x04, 0, &Service::write_string},   {0x05, 3, &Service::write},    {0x06, 3, &Service::read},
    {0x07, 0, &Service::read_character}, {0x08, 1, &Service::is_error}, {0x09, 1, &Service::is_terminal},
    {0x0a, 2, &Service::seek},           {0x0c, 1, &Service::length},   {0x0d, 3, &Service::temporary_name},
    {0x0e, 2, &Service::remove},         {0x0f, 4, &Service::rename},   {0x10, 0, &Service::clock},
    {0x11, 0, &Service::time},           {0x12, 2, &Service::system},   {0x13, 0, &Service::last_error},
    {0x15, 2, &Service::command_line},   {0x16, 1, &Service::heap},     {0x18, 2, &Service::exit},
    {0x20, 2, &Service::exit},           {0x30, 0, &Service::elapsed},  {0x31, 0, &Service::tick_frequency},
};

SemihostingResult Service::call(SemihostingCaller& caller, std::uint64_t number, std::uint64_t parameter) {
    const Row* row = std::ranges::find(kRows, number, &Row::number);
    if (row == std::end(kRows)) {
        backend_context(object_).log().guest_error("semihosting call " + std::to_string(number),
                                                   "semihosting: there is no call " + std::to_string(number));
        return {true, kFailure};
    }
    Request request{caller, parameter};
    if (row->words != 0 && !request.take(row->words)) return failed(EFAULT);
    return (this->*row->handler)(request);
}

SemihostingResult Service::failed(int error) {
    const std::lock_guard guard(mutex_);
    error_ = error;
    return {true, kFailure};
}

SemihostingResult Service::outcome(bool ok) { return ok ? SemihostingResult{} : failed(errno); }

// ---- files

SemihostingResult Service::open(Request& request) {
    const auto name = request.text(request.words[0], request.words[2]);
    if (!name || name->find('\0') != std::string::npos) return failed(name ? EINVAL : EFAULT);
    const std::lock_guard guard(mutex_);
    const std::int64_t handle = files_.open(*name, unsigned(std::min<std::uint64_t>(request.words[1], 99)));
    return handle < 0 ? failed(errno) : SemihostingResult{true, std::uint64_t(handle)};
}

SemihostingResult Service::close(Request& request) {
    const std::lock_guard guard(mutex_);
    return outcome(files_.close(request.words[0]));
}

/// How many bytes were not written.
SemihostingResult Service::write(Request& request) {
    const std::uint64_t wanted = request.words[2];
    std::string bytes(std::min<std::uint64_t>(wanted, kMaximumPiece), '\0');
    if (!request.caller.read(request.words[1],
                             {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()})) {
        failed(EFAULT);
        return {true, wanted};
    }
    Files::Kind kind = Files::Kind::None;
    {
        const std::lock_guard guard(mutex_);
        kind = files_.kind(request.words[0]);
        if (kind != Files::Kind::Output && kind != Files::Kind::ErrorOutput) {
            const std::int64_t count = files_.write(request.words[0], bytes.data(), bytes.size());
            if (count < 0) failed(errno);
            return {true, wanted - std::uint64_t(std::max<std::int64_t>(count, 0))};
        }
    }
    return put(request, bytes, wanted - bytes.size());
}

/// How many bytes were not read.
SemihostingResult Service::read(Request& request) {
    const std::uint64_t wanted = request.words[2];
    std::string bytes(std::min<std::uint64_t>(wanted, kMaximumPiece), '\0');
    bool from_console = false;
    {
        const std::lock_guard guard(mutex_);
        from_console = files_.kind(request.words[0]) == Files::Kind::Input;
        if (!from_console) {
            const std::int64_t count = files_.read(request.words[0], bytes.data(), bytes.size());
            if (count < 0) failed(errno);
            bytes.resize(std::size_t(std::max<std::int64_t>(count, 0)));
        }
    }
    if (from_console && !bytes.empty()) {
        auto typed = locked([&] { return console_.read(bytes.size(), request.caller); });
        if (!typed) return {.done = false};
        bytes = *typed;
    }
    if (!request.caller.write(request.words[1],
                              {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})) {
        failed(EFAULT);
        return {true, wanted};
    }
    return {true, wanted - bytes.size()};
}

SemihostingResult Service::is_error(Request& request) {
    return {true, std::int64_t(request.words[0]) < 0 ? std::uint64_t{1} : 0};
}

SemihostingResult Service::is_terminal(Request& request) {
    const std::lock_guard guard(mutex_);
    return {true, files_.is_terminal(request.words[0]) ? std::uint64_t{1} : 0};
}

SemihostingResult Service::seek(Request& request) {
    const std::lock_guard guard(mutex_);
    return outcome(files_.seek(request.words[0], request.words[1]));
}

SemihostingResult Service::length(Request& request) {
    const std::lock_guard guard(mutex_);
    const std::int64_t length = files_.length(request.words[0]);
    return length < 0 ? failed(errno) : SemihostingResult{true, std::uint64_t(length)};
}

SemihostingResult Service::temporary_name(Request& request) {
    char name[64];
    const int length = std::snprintf(name, sizeof name, "/tmp/backplane-%x%02x", unsigned(getpid()),
                                     unsigned(request.words[1] & 0xff));
    if (std::uint64_t(length) + 1 > request.words[2]) return failed(ENAMETOOLONG);
    const bool ok = request.caller.write(
        request.words[0], {reinterpret_cast<const std::uint8_t*>(name), std::size_t(length) + 1});
    return ok ? SemihostingResult{} : failed(EFAULT);
}

SemihostingResult Service::remove(Request& request) {
    const auto name = request.text(request.words[0], request.words[1]);
    return name ? outcome(::unlink(name->c_str()) == 0) : failed(EFAULT);
}

SemihostingResult Service::rename(Request& request) {
    const auto from = request.text(request.words[0], request.words[1]);
    const auto to = request.text(request.words[2], request.words[3]);
    return from && to ? outcome(::rename(from->c_str(), to->c_str()) == 0) : failed(EFAULT);
}

SemihostingResult Service::last_error(Request&) {
    const std::lock_guard guard(mutex_);
    return {true, std::uint64_t(error_)};
}

// ---- the console

SemihostingResult Service::put(Request& request, std::string_view text, std::uint64_t value) {
    const bool taken = locked([&] { return console_.write(text, request.caller); });
    return {taken, value};
}

SemihostingResult Service::write_character(Request& request) {
    const auto text = request.text(request.parameter, 1);
    return text ? put(request, *text, 0) : failed(EFAULT);
}

SemihostingResult Service::write_string(Request& request) {
    const auto text = request.text_until_zero(request.parameter);
    return text ? put(request, *text, 0) : failed(EFAULT);
}

SemihostingResult Service::read_character(Request& request) {
    const auto typed = locked([&] { return console_.read(1, request.caller); });
    if (!typed) return {.done = false};
    return {true, typed->empty() ? kFailure : std::uint64_t{std::uint8_t((*typed)[0])}};
}

// ---- time

SemihostingResult Service::clock(Request& request) {
    return {true, request.caller.now_ns() / (kSecond / 100)};
}
SemihostingResult Service::time(Request& request) {
    return {true, std::uint64_t(request.caller.wall_seconds())};
}
SemihostingResult Service::elapsed(Request& request) {
    return request.put_word(request.parameter, request.caller.now_ns()) ? SemihostingResult{}
                                                                        : failed(EFAULT);
}
SemihostingResult Service::tick_frequency(Request&) { return {true, kSecond}; }

// ---- the program

/// A guest's command is not run on the host.
SemihostingResult Service::system(Request&) {
    backend_context(object_).log().guest_error(
        "semihosting system", "semihosting: SYS_SYSTEM is refused: guests run no host commands");
    return failed(EPERM);
}

/// What arg= says, or the kernel and its command line.
std::string Service::command_text() {
    if (!arguments_.empty()) return arguments_;
    return locked([&]() -> std::string {
        Object* machine = backend_context(object_).find("/machine");
        TextBuffer kernel, append;
        IgnoredErrors ignored;
        if (!machine || !machine->get_property("kernel", kernel, ignored) || kernel.text().empty()) return "";
        machine->get_property("append", append, ignored);
        return kernel.text() + (append.text().empty() ? "" : " " + append.text());
    });
}

SemihostingResult Service::command_line(Request& request) {
    const std::string text = command_text();
    if (text.size() + 1 > request.words[1]) return failed(E2BIG);
    const bool ok =
        request.caller.write(request.words[0],
                             {reinterpret_cast<const std::uint8_t*>(text.c_str()), text.size() + 1}) &&
        request.put_word(request.parameter + 8, text.size());
    return ok ? SemihostingResult{} : failed(EFAULT);
}

/// Zeros: the guest's own idea of its heap and stack holds.
SemihostingResult Service::heap(Request& request) {
    for (unsigned word = 0; word < 4; ++word)
        if (!request.put_word(request.words[0] + 8 * word, 0)) return failed(EFAULT);
    return {};
}

SemihostingResult Service::exit(Request& request) {
    const bool regular = request.words[0] == kApplicationExit;
    request.caller.exit(regular ? int(request.words[1] & 0xff) : 1);
    return {.done = false};  // and nothing comes after it
}

}  // namespace backplane::semihosting
