// The accelerator "qtest": no CPU executes; a test drives memory, clock and lines through a character device.
#pragma once

#include "protocol.h"

#include <backplane/char.h>
#include <backplane/property.h>

#include <cstdio>
#include <memory>

namespace backplane::qtest {

/// Thread: the host loop, with the machine lock held.
class Qtest final : public Accelerator, public ClockSource, CharFront {
  public:
    explicit Qtest(Object&) {}
    ~Qtest();

    bool open(AcceleratorContext& context, Errors& errors) override;
    bool attach(Cpu&, Errors&) override { return true; }
    void detach(Cpu&) override {}
    void start() override {}
    void stop() override {}
    void states_changed() override {}
    bool manual_clock() const override { return true; }

    static const PropertyInfo kProperties[];

  private:
    /// A line that is longer can hold no transfer that is allowed.
    static constexpr std::size_t kMaximumLine = 2 * Protocol::kMaximumTransfer + 256;
    static constexpr std::size_t kInputChunk = 64u << 10;

    std::size_t can_receive() override { return output_.empty() ? kInputChunk : 0; }
    void receive(Bytes bytes) override;
    void char_event(CharEvent event) override;
    void can_send() override;
    void send(const std::string& text);
    void flush();
    void note(char direction, std::string_view text);

    CharBackend* chardev_ = nullptr;
    std::string log_ = "none";
    std::FILE* log_file_ = nullptr;
    std::unique_ptr<Protocol> protocol_;
    std::string line_;
    bool too_long_ = false;
    std::string output_;
};

inline constexpr PropertyInfo Qtest::kProperties[] = {
    property<&Qtest::chardev_>({.name = "chardev", .summary = "where the test is (-qtest)"}),
    property<&Qtest::log_>({.name = "log",
                            .summary = "a file for what is heard and said, or none (-qtest-log)",
                            .default_text = "none"}),
};

}  // namespace backplane::qtest
