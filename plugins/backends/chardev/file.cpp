// "file", "null", "pipe" and "serial": what has a path, and what has nobody behind it.
#include "char_base.h"

#include <backplane/plugin.h>

#include <cerrno>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

class NullChar final : public CharBase {
  public:
    explicit NullChar(Object& object) : CharBase(object) {}
    std::size_t write(Bytes bytes) override { return bytes.size; }
};
constexpr InterfaceInfo kNullInterfaces[] = {offers<NullChar, CharBackend>(),
                                             offers<NullChar, Completable>()};

class FileChar final : public StreamChar {
  public:
    explicit FileChar(Object& object) : StreamChar(object) {}

    std::string path_;
    std::string input_path_;
    bool append_ = false;

    bool complete(Errors& errors) override {
        const int mode = append_ ? O_APPEND : O_TRUNC;
        const int output = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0666);
        if (output < 0) return fail(errors, "cannot write '" + path_ + "'", errno);
        int input = -1;
        if (!input_path_.empty()) {
            input = ::open(input_path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
            if (input < 0) {
                fail(errors, "cannot read '" + input_path_ + "'", errno);
                ::close(output);
                return false;
            }
        }
        if (!stream_.open(context().loop(), input, output))
            return fail(errors, "the host has no file descriptors left");
        set_open(true);
        return true;
    }

  private:
    void stream_ended() override {}
};
constexpr PropertyInfo kFileProperties[] = {
    property<&FileChar::path_>({.name = "path", .summary = "where the output goes", .required = true}),
    property<&FileChar::input_path_>(
        {.name = "input-path", .summary = "where input comes from; none when empty"}),
    property<&FileChar::append_>(
        {.name = "append", .summary = "keep what the file has", .default_text = "off"}),
};
constexpr InterfaceInfo kFileInterfaces[] = {offers<FileChar, CharBackend>(),
                                             offers<FileChar, Completable>()};

/// PATH.in and PATH.out, or PATH for both, made with mkfifo(1).
class PipeChar final : public StreamChar {
  public:
    explicit PipeChar(Object& object) : StreamChar(object) {}

    std::string path_;

    bool complete(Errors& errors) override {
        // Open for both ways, a pipe neither waits for its other end nor ends when that closes.
        int input = ::open((path_ + ".in").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
        int output = ::open((path_ + ".out").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (input < 0 || output < 0) {
            if (input >= 0) ::close(input);
            if (output >= 0) ::close(output);
            input = output = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
            if (input < 0) return fail(errors, "cannot open the pipe '" + path_ + "'", errno);
        }
        if (!stream_.open(context().loop(), input, output))
            return fail(errors, "the host has no file descriptors left");
        set_open(true);
        return true;
    }
};
constexpr PropertyInfo kPipeProperties[] = {
    property<&PipeChar::path_>(
        {.name = "path", .summary = "of the pipe, or of PATH.in and PATH.out", .required = true}),
};
constexpr InterfaceInfo kPipeInterfaces[] = {offers<PipeChar, CharBackend>(),
                                             offers<PipeChar, Completable>()};

/// A serial line of the host. Not here: following the speed and modem lines that a guest sets.
class SerialChar final : public StreamChar {
  public:
    explicit SerialChar(Object& object) : StreamChar(object) {}

    std::string path_;

    bool complete(Errors& errors) override {
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
        if (!stream_.open(context().loop(), line, line))
            return fail(errors, "the host has no file descriptors left");
        set_open(true);
        return true;
    }
    void send_break() override {
        if (stream_.input() >= 0) tcsendbreak(stream_.input(), 0);
    }
};
constexpr PropertyInfo kSerialProperties[] = {
    property<&SerialChar::path_>(
        {.name = "path", .summary = "of the line, e.g. /dev/ttyS0", .required = true}),
};
constexpr InterfaceInfo kSerialInterfaces[] = {offers<SerialChar, CharBackend>(),
                                               offers<SerialChar, Completable>()};

constexpr TypeInfo kTypes[] = {
    backend_type<NullChar>({.name = "chardev-null",
                            .parent = "chardev",
                            .summary = "nobody: output is dropped",
                            .option_name = "null",
                            .interfaces = kNullInterfaces}),
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
