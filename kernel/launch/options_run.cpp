// What the machine does over time: whether it starts, what ends it, what is random in it.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

#include <backplane/text.h>

namespace backplane::kernel {
namespace {

void choose(PlanBuilder& builder, const std::string& event, const std::string& choice) {
    ErrorText errors;
    if (!set_run_action(builder.plan().actions, event, choice, errors)) throw UserError(errors.text());
}

void apply_action(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "");
    if (options.help()) return builder.ask_parameters("action");
    for (const auto& [event, choice] : options.rest()) choose(builder, event, choice);
}

}  // namespace

OptionGroup run_options() {
    return {"Starting and ending",
            {{"S", nullptr, "do not start the CPUs (the monitor's cont does)",
              [](PlanBuilder& builder, const std::string&) { builder.plan().start_paused = true; }},
             {"no-reboot", nullptr, "a guest's reset ends the machine: -action reboot=shutdown",
              [](PlanBuilder& builder, const std::string&) { choose(builder, "reboot", "shutdown"); }},
             {"no-shutdown", nullptr,
              "a guest's power-off stops the machine and keeps it for the monitor:\n"
              "-action shutdown=pause",
              [](PlanBuilder& builder, const std::string&) { choose(builder, "shutdown", "pause"); }},
             {"action",
              "[reboot=reset|shutdown][,shutdown=poweroff|pause]"
              "[,panic=pause|shutdown|exit-failure|none]"
              "[,watchdog=reset|shutdown|poweroff|pause|debug|none|inject-nmi]",
              "what follows when the guest resets, powers off or panics, and when its\n"
              "watchdog runs out",
              apply_action},
             {"only-migratable", nullptr, "no device that could not be saved: every one here can",
              [](PlanBuilder&, const std::string&) {}},
             {"watchdog-action", "ACTION", "-action watchdog=ACTION",
              [](PlanBuilder& builder, const std::string& value) { choose(builder, "watchdog", value); }}}};
}

}  // namespace backplane::kernel
