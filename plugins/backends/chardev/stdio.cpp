// "stdio": the terminal, pipe or file that the process was started with.
#include "char_base.h"
#include "terminal.h"

#include <backplane/plugin.h>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::chardev {

namespace {

class StdioChar final : public StreamChar {
  public:
    explicit StdioChar(Object& object) : StreamChar(object) {}

    bool signal_ = true;

    bool complete(Errors& errors) override {
        if (!terminal_.enter(signal_))
            return fail(errors, "the terminal is in use by another stdio chardev; share it with mux=on");
        if (!stream_.open(context().loop(), private_copy(STDIN_FILENO, O_RDONLY),
                          private_copy(STDOUT_FILENO, O_WRONLY))) {
            terminal_.leave();
            return fail(errors, "the host has no file descriptors left");
        }
        set_open(true);
        return true;
    }
    void shut_down() override {
        StreamChar::shut_down();
        terminal_.leave();
    }

  private:
    // What was typed has ended (a pipe, Ctrl-d before raw mode); what is printed has not.
    void stream_ended() override {}

    RawTerminal terminal_;
};

constexpr PropertyInfo kProperties[] = {
    property<&StdioChar::signal_>(
        {.name = "signal", .summary = "Ctrl-c and Ctrl-z act on the process", .default_text = "on"}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<StdioChar, CharBackend>(), offers<StdioChar, Completable>()};

constexpr TypeInfo kTypes[] = {
    backend_type<StdioChar>({.name = "chardev-stdio",
                             .parent = "chardev",
                             .summary = "standard input and output",
                             .option_name = "stdio",
                             .interfaces = kInterfaces,
                             .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-stdio", "1.0", "Backplane", backplane::chardev::kTypes)
