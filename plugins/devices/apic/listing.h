// "info pic": what the machine's interrupt controllers hold; "info irq": how often each of their inputs has risen.
#pragma once

#include <backplane/backend.h>
#include <backplane/interrupt_text.h>
#include <backplane/management.h>
#include <backplane/text.h>
#include <backplane/type.h>

#include <map>
#include <string>

namespace backplane::apic {

/// Thread: as CommandHandler.
class InterruptListing final : public CommandHandler {
  public:
    explicit InterruptListing(Object& object) : object_(object) {}
    void execute(Str command, Str, CommandReply& reply) override {
        if (command == Str("x-query-irq")) return reply.succeed_text(counts());
        TextBuffer text;
        for_each_below(root_of(object_), [&](Object& each) {
            if (auto* controller = query<InterruptControllerText>(each)) controller->describe(text);
        });
        if (text.text().empty())
            return reply.fail("this machine has no interrupt controller that shows itself");
        reply.succeed_text(text.text());
    }

  private:
    /// By type, as users know it.
    std::string counts() {
        std::map<std::string, std::map<unsigned, std::uint64_t>> all;
        for_each_below(root_of(object_), [&](Object& each) {
            const auto* controller = query<InterruptCounts>(each);
            if (!controller) return;
            auto& lines = all[std::string(each.type_name().view())];
            unsigned line = controller->first_line();
            for (const std::uint64_t count : controller->counts()) lines[line++] += count;
        });
        std::string text;
        for (const auto& [type, lines] : all) {
            text += "IRQ statistics for " + type + ":\n";
            for (const auto& [line, count] : lines) {
                const std::string number = std::to_string(line);
                if (count)
                    text += (number.size() < 2 ? " " : "") + number + ": " + std::to_string(count) + "\n";
            }
        }
        return text;
    }

    Object& object_;
};

inline constexpr CommandInfo kListingCommands[] = {
    {.human = "info pic",
     .summary = "what interrupt controllers hold",
     .when = command_when::kBuilt | command_when::kIncoming},
    {.name = "x-query-irq",
     .human = "info irq",
     .summary = "how often each input of interrupt controllers has risen",
     .returns = "HumanReadableText",
     .when = command_when::kBuilt | command_when::kIncoming},
};

}  // namespace backplane::apic
