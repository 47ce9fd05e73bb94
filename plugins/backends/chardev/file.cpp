// "file", "null", "vc", "pipe" and "serial": what has a path, and what has nobody behind it.
#include "char_base.h"

#include <backplane/clock.h>
#include <backplane/plugin.h>

#include <cerrno>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

class NullChar final : public CharBase {
  public:
    explicit NullChar(Object& object) : CharBase(object) {}
    std::string description() const override { return "null"; }

  private:
    std::size_t send(Bytes bytes) override { return bytes.size; }
};
constexpr auto kNullProperties = common_properties<NullChar>();
constexpr InterfaceInfo kNullInterfaces[] = {offers<NullChar, CharBackend>(),
                                             offers<NullChar, Completable>()};

/// A text console of a display. Without a display nobody sees it and nobody types.
class ConsoleChar final : public CharBase {
  public:
    explicit ConsoleChar(Object& object) : CharBase(object) {}

    std::uint32_t columns_ = 0, rows_ = 0, width_ = 0, height_ = 0;

    std::string description() const override { return "vc"; }

  private:
    std::size_t send(Bytes bytes) override { return bytes.size; }
};
constexpr PropertyInfo kOwnConsoleProperties[] = {
    property<&ConsoleChar::columns_>({.name = "cols", .summary = "its size in characters"}),
    property<&ConsoleChar::rows_>({.name = "rows", .summary = "its size in characters"}),
    property<&ConsoleChar::width_>({.name = "width", .summary = "its size in pixels"}),
    property<&ConsoleChar::height_>({.name = "height", .summary = "its size in pixels"}),
};
constexpr auto kConsoleProperties = with_common<ConsoleChar>(kOwnConsoleProperties);
constexpr InterfaceInfo kConsoleInterfaces[] = {offers<ConsoleChar, CharBackend>(),
                                                offers<ConsoleChar, Completable>()};

class FileChar final : public StreamChar {
  public:
    explicit FileChar(Object& object) : StreamChar(object) {}

    std::string path_;
    std::string input_path_;
    bool append_ = false;

    std::string description() const override { return "file"; }

  private:
    bool start(Errors& errors) override {
        const int output = open_output(path_, append_);
        if (output < 0) return fail(errors, "cannot write '" + path_ + "'", errno);
        int input = -1;
        if (!input_path_.empty()) {
            struct stat status {};
            // Open for both ways, a named pipe does not end before somebody writes to it.
            const bool pipe = stat(input_path_.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
            input = ::open(input_path_.c_str(), (pipe ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
            if (input < 0) {
                fail(errors, "cannot read '" + input_path_ + "'", errno);
                ::close(output);
                return false;
            }
        }
        if (!open_stream(input, output, errors)) return false;
        set_open(true);
        return true;
    }
    void stream_ended() override {}
};
constexpr PropertyInfo kOwnFileProperties[] = {
    property<&FileChar::path_>({.name = "path", .summary = "where the output goes", .required = true}),
    property<&FileChar::input_path_>(
        {.name = "input-path", .summary = "where input comes from; none when empty"}),
    property<&FileChar::append_>(
        {.name = "append", .summary = "keep what the file has", .default_text = "off"}),
};
constexpr auto kFileProperties = with_common<FileChar>(kOwnFileProperties);
constexpr InterfaceInfo kFileInterfaces[] = {offers<FileChar, CharBackend>(),
                                             offers<FileChar, Completable>()};

/// PATH.in and PATH.out, or PATH for both, made with mkfifo(1).
class PipeChar final : public StreamChar {
  public:
    explicit PipeChar(Object& object) : StreamChar(object) {}

    std::string path_;

    std::string description() const override { return "pipe"; }

  private:
    bool start(Errors& errors) override {
        // Open for both ways, a pipe neither waits for its other end nor ends when that closes.
        int input = ::open((path_ + ".in").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
        int output = ::open((path_ + ".out").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (input < 0 || output < 0) {
            if (input >= 0) ::close(input);
            if (output >= 0) ::close(output);
            input = output = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
            if (input < 0) return fail(errors, "cannot open the pipe '" + path_ + "'", errno);
        }
        if (!open_stream(input, output, errors)) return false;
        set_open(true);
        return true;
    }
};
constexpr PropertyInfo kOwnPipeProperties[] = {
    property<&PipeChar::path_>(
        {.name = "path", .summary = "of the pipe, or of PATH.in and PATH.out", .required = true}),
};
constexpr auto kPipeProperties = with_common<PipeChar>(kOwnPipeProperties);
constexpr InterfaceInfo kPipeInterfaces[] = {offers<PipeChar, CharBackend>(),
                                             offers<PipeChar, Completable>()};

/// A serial line of the host. Not here: following the speed and modem lines that a guest sets.
class SerialChar final : public StreamChar {
  public:
    explicit SerialChar(Object& object) : StreamChar(object) {}

    std::string path_;

    std::string description() const override { return "serial"; }
    /// tcsendbreak(3) would hold up the loop as long.
    void send_break() override {
        if (stream_.input() < 0 || ioctl(stream_.input(), TIOCSBRK) != 0) return;
        break_end_.arm(context().loop().host_clock().now_ns() + kBreak);
    }

  private:
    void end_break() {
        if (stream_.input() >= 0) ioctl(stream_.input(), TIOCCBRK);
    }
    void stop() override {
        break_end_.cancel();
        StreamChar::stop();
    }
    bool start(Errors& errors) override {
        break_end_.create(context().loop().host_clock());
        const int line = ::open(path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        if (line < 0) return fail(errors, "cannot open the serial line '" + path_ + "'", errno);
        termios modes{};
        if (tcgetattr(line, &modes) != 0) {
            fail(errors, "'" + path_ + "' is no serial line", errno);
            ::close(line);
            return false;
        }
        cfmakeraw(&modes);
        modes.c_cflag |= CLOCAL | CREAD;
        tcsetattr(line, TCSANOW, &modes);
        if (!open_stream(line, line, errors)) return false;
        set_open(true);
        return true;
    }

    static constexpr std::uint64_t kBreak = 250'000'000;  // ns
    OwnedTimer<&SerialChar::end_break> break_end_{*this};
};
constexpr PropertyInfo kOwnSerialProperties[] = {
    property<&SerialChar::path_>(
        {.name = "path", .summary = "of the line, e.g. /dev/ttyS0", .required = true}),
};
constexpr auto kSerialProperties = with_common<SerialChar>(kOwnSerialProperties);
constexpr InterfaceInfo kSerialInterfaces[] = {offers<SerialChar, CharBackend>(),
                                               offers<SerialChar, Completable>()};

constexpr TypeInfo kTypes[] = {
    backend_type<NullChar>({.name = "chardev-null",
                            .parent = "chardev",
                            .summary = "nobody: output is dropped",
                            .option_name = "null",
                            .interfaces = kNullInterfaces,
                            .properties = kNullProperties}),
    backend_type<ConsoleChar>({.name = "chardev-vc",
                               .parent = "chardev",
                               .summary = "a text console of the display, which nobody sees without one",
                               .option_name = "vc",
                               .interfaces = kConsoleInterfaces,
                               .properties = kConsoleProperties}),
    backend_type<FileChar>({.name = "chardev-file",
                            .parent = "chardev",
                            .summary = "a file that output is written to",
                            .option_name = "file",
                            .interfaces = kFileInterfaces,
                            .properties = kFileProperties}),
    backend_type<PipeChar>({.name = "chardev-pipe",
                            .parent = "chardev",
                            .summary = "named pipes",
                            .option_name = "pipe",
                            .interfaces = kPipeInterfaces,
                            .properties = kPipeProperties}),
    backend_type<SerialChar>({.name = "chardev-serial",
                              .parent = "chardev",
                              .summary = "a serial line of the host",
                              .option_name = "serial",
                              .aliases = "tty",
                              .interfaces = kSerialInterfaces,
                              .properties = kSerialProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-file", "1.0", "Backplane", backplane::chardev::kTypes)
