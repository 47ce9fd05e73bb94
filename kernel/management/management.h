// The management commands of one machine, offered to monitors as <backplane/draft/management.h>.
#pragma once

#include "kernel/machine/machine.h"
#include "kernel/management/command.h"
#include "kernel/management/descriptors.h"
#include "kernel/vocabulary/option_parameters.h"

#include <backplane/draft/management.h>
#include <backplane/management.h>

#include <list>

namespace backplane::kernel {

/// What the commands are to know of this run of the program.
struct Program {
    std::string guest_name;
    std::vector<OptionListing> options;
};

/// Thread: holding the machine lock. It must outlive the machine that it serves.
class ManagementHost final : public Management, EventListener {
  public:
    ManagementHost();
    ~ManagementHost();
    /// Offers itself to the machine's objects and hears its events.
    void serve(Machine& machine, Program program);

    std::string version_json() const override;
    void execute(Str command, Str arguments, ManagementCaller& caller) override;
    void execute_human(Str line, ManagementCaller& caller) override;
    void forget(ManagementCaller& caller) override;
    std::vector<std::string> complete(Str line) override;
    void add_listener(ManagementListener& listener) override;
    void remove_listener(ManagementListener& listener) override;

    const std::vector<Command>& commands() const { return commands_; }
    /// The core's events and those of plugins.
    const std::vector<ManifestEvent>& events() const { return events_; }
    const Program& program() const { return program_; }
    Descriptors& descriptors() { return descriptors_; }
    Cpu* current_cpu() const override;
    std::uint64_t current_cpu_index() const { return current_cpu_; }
    /// Throws CommandError when there is no such CPU.
    void select_cpu(std::uint64_t index);
    /// Runs a line; `done` gets its text. `caller` may be null.
    void run_line(std::string_view line, ManagementCaller* caller, CommandDone done);

  private:
    class PendingCall;
    void machine_event(std::string_view name, std::string_view data) override;
    void add_offers(const Catalog& catalog);
    const Command* find(std::string_view name) const;
    const Command* find_human(std::string_view& line) const;
    void run(const Command& command, const Json& arguments, Face face, ManagementCaller* caller,
             CommandDone done);
    void run_service(const Command& command, const Json& arguments, ManagementCaller* caller,
                     CommandDone done);
    CommandHandler& handler_of(const Command& command);
    std::optional<std::uint64_t> register_value(std::string_view name);
    std::string help(std::string_view topic) const;
    std::string unknown(const std::string& line) const;
    std::vector<std::string> candidates(std::string_view before) const;
    std::vector<std::string> choices_after(std::string_view before) const;

    Machine* machine_ = nullptr;
    Program program_;
    Descriptors descriptors_;
    std::vector<Command> commands_;
    std::vector<ManifestEvent> events_;
    std::list<std::unique_ptr<PendingCall>> pending_;
    std::vector<ManagementListener*> listeners_;
    std::uint64_t current_cpu_ = 0;
};

}  // namespace backplane::kernel
