#include "kernel/machine/run_actions.h"

#include <string>

namespace backplane::kernel {
namespace {

constexpr RunActionRow kRows[] = {{"reboot", "reset|shutdown"},
                                  {"shutdown", "poweroff|pause"},
                                  {"panic", "pause|shutdown|exit-failure|none"},
                                  {"watchdog", "reset|shutdown|poweroff|pause|debug|none|inject-nmi"}};

/// The index of `choice` in "a|b|c"; -1 when it is not there.
int index_of(std::string_view choices, std::string_view choice) {
    for (int index = 0;; ++index) {
        const std::size_t bar = choices.find('|');
        if (choices.substr(0, bar) == choice) return index;
        if (bar == std::string_view::npos) return -1;
        choices.remove_prefix(bar + 1);
    }
}

}  // namespace

Slice<const RunActionRow> run_action_rows() { return kRows; }

bool set_run_action(RunActions& actions, Str event, Str choice, Errors& errors) {
    for (const RunActionRow& row : kRows) {
        if (event != Str(row.event)) continue;
        const int index = index_of(row.choices, choice.view());
        if (index < 0) {
            std::string list = row.choices;
            for (std::size_t bar; (bar = list.find('|')) != std::string::npos;) list.replace(bar, 1, ", ");
            errors.fail("Parameter '" + std::string(event.view()) + "' does not accept value '" +
                        std::string(choice.view()) + "'; it is one of " + list);
            return false;
        }
        if (event == Str("reboot")) actions.reboot = RunActions::Reboot(index);
        if (event == Str("shutdown")) actions.shutdown = RunActions::Shutdown(index);
        if (event == Str("panic")) actions.panic = RunActions::Panic(index);
        if (event == Str("watchdog")) actions.watchdog = RunActions::Watchdog(index);
        return true;
    }
    errors.fail("Invalid parameter '" + std::string(event.view()) +
                "'; there are reboot, shutdown, panic and watchdog");
    return false;
}

}  // namespace backplane::kernel
