// "info usb": what is plugged into the machine's USBs.
#pragma once

#include "bus.h"
#include "function.h"

#include <backplane/backend.h>
#include <backplane/management.h>
#include <backplane/text.h>
#include <backplane/type.h>

namespace backplane::usb {

/// Thread: as CommandHandler.
class UsbListing final : public CommandHandler {
  public:
    explicit UsbListing(Object& object) : object_(object) {}
    void execute(Str, Str, CommandReply& reply) override {
        TextBuffer text;
        unsigned buses = 0;
        for_each_below(root_of(object_), [&](Object& each) {
            if (auto* bus = static_cast<BusPart*>(each.part("usb-bus"))) bus->describe(buses++, text);
        });
        if (buses == 0) return reply.fail("USB support not enabled");
        reply.succeed_text(text.text());
    }

  private:
    Object& object_;
};

inline constexpr CommandInfo kListingCommands[] = {
    {.human = "info usb",
     .summary = "what is plugged into USBs",
     .when = command_when::kBuilt | command_when::kIncoming},
};

}  // namespace backplane::usb
