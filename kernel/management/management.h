// The management commands of one machine, offered to monitors as <backplane/draft/management.h>.
#pragma once

#include "kernel/machine/machine.h"
#include "kernel/management/command.h"

#include <backplane/draft/management.h>

namespace backplane::kernel {

/// Thread: holding the machine lock. It must outlive the machine that it serves.
class ManagementHost final : public Management, EventListener {
  public:
    ManagementHost();
    ~ManagementHost();
    /// Offers itself to the machine's objects and hears its events.
    void serve(Machine& machine, std::string guest_name);

    std::string version_json() const override;
    ManagementReply execute(Str command, Str arguments) override;
    void execute_human(Str line, TextSink& out) override;
    std::vector<std::string> complete(Str line) override;
    void add_listener(ManagementListener& listener) override;
    void remove_listener(ManagementListener& listener) override;

    const std::vector<Command>& commands() const { return commands_; }
    const std::string& guest_name() const { return guest_name_; }
    /// The CPU that people look at (`cpu N`); null when the machine has none.
    Cpu* current_cpu() const;
    std::uint64_t current_cpu_index() const { return current_cpu_; }
    /// Throws CommandError when there is no such CPU.
    void select_cpu(std::uint64_t index);

  private:
    void machine_event(std::string_view name, std::string_view data) override;
    const Command* find_human(std::string_view& line) const;
    Json run(const Command& command, const Json& arguments);
    std::string help(std::string_view topic) const;
    std::vector<std::string> candidates(std::string_view before) const;

    Machine* machine_ = nullptr;
    std::string guest_name_;
    std::vector<Command> commands_;
    std::vector<ManagementListener*> listeners_;
    std::uint64_t current_cpu_ = 0;
};

/// Reads a human line's arguments as `command` declares them. Throws CommandError.
Json read_human_arguments(const Command& command, std::string_view text);

}  // namespace backplane::kernel
