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

    std::string description() const override { return "stdio"; }
    bool start(Errors& errors) override {
        if (!terminal_.enter(signal_))
            return fail(errors, "the terminal is in use by another stdio chardev; share it with mux=on");
        if (!open_stream(private_copy(STDIN_FILENO, O_RDONLY), private_copy(STDOUT_FILENO, O_WRONLY),
                         errors)) {
            terminal_.leave();
            return false;
        }
        set_open(true);
        return true;
    }
    void stop() override {
        StreamChar::stop();
        terminal_.leave();
    }

  private:
    // What was typed has ended (a pipe, Ctrl-d before raw mode); what is printed has not.
    void stream_ended() override {}

    RawTerminal terminal_;
};

constexpr PropertyInfo kOwnProperties[] = {
    property<&StdioChar::signal_>(
        {.name = "signal", .summary = "Ctrl-c and Ctrl-z act on the process", .default_text = "on"}),
};
constexpr auto kProperties = with_common<StdioChar>(kOwnProperties);
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
