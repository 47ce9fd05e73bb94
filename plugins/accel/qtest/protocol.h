// The qtest line protocol: a line in, a line out, on memory, ports, clock and lines that are handed in.
//
// The commands and replies are those that the peer's test library speaks (its protocol is described in the
// header comment of that library): "OK …" on success, "FAIL …" otherwise, "IRQ raise N" and "IRQ lower N" in
// between for the lines that are intercepted. Not modelled: commands of particular boards (rtas, sev_inject),
// module_load.
#pragma once

#include "encoding.h"

#include <backplane/draft/accelerator.h>

#include <functional>

namespace backplane::qtest {

/// What the commands work on. Owner: the caller; it outlives the Protocol.
struct Target {
    AddressSpace& memory;
    AddressSpace& ports;
    Clock& clock;
    ManualClock& manual_clock;
    WireProbe& wires;
    Object& root;  ///< of the tree in which paths are looked up
};

/// Thread: holding the machine lock.
class Protocol {
  public:
    /// A transfer of more bytes than this is refused.
    static constexpr std::uint64_t kMaximumTransfer = 64u << 20;

    /// `send` gets each asynchronous line, with its end.
    Protocol(const Target& target, std::function<void(const std::string&)> send);
    Protocol(const Protocol&) = delete;
    Protocol& operator=(const Protocol&) = delete;

    /// The reply to a line, with its end.
    std::string execute(std::string_view line);

  private:
    using Words = std::vector<std::string_view>;
    struct Command;
    static const Command* find(std::string_view name);

    std::string port_read(const Words& words);
    std::string port_write(const Words& words);
    std::string memory_read(const Words& words);
    std::string memory_write(const Words& words);
    std::string block_read(const Words& words);
    std::string block_write(const Words& words);
    std::string fill(const Words& words);
    std::string clock_step(const Words& words);
    std::string clock_set(const Words& words);
    std::string intercept(const Words& words);
    std::string set_line(const Words& words);
    std::string endianness(const Words& words);

    std::string store(std::uint64_t address, std::uint64_t size, Buffer bytes);
    Object* find_object(std::string_view path) const;
    static void line_changed(void* self, Str name, unsigned index, int level);

    Target target_;
    std::function<void(const std::string&)> send_;
    Object* intercepted_ = nullptr;
    bool intercepts_outputs_ = false;
};

}  // namespace backplane::qtest
