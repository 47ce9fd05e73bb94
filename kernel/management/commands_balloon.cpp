// balloon and query-balloon: a device that the guest gives pages of its memory to. It is known by its two properties:
// `num-pages`, how many of 4 KiB it is to have, and `actual-pages`, how many it has.
#include "kernel/management/management.h"
#include "kernel/management/memory_modules.h"
#include "kernel/management/object_arguments.h"
#include "kernel/vocabulary/suboptions.h"

#include <cstdlib>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

constexpr const char* kWantedPages = "num-pages";
constexpr const char* kHeldPages = "actual-pages";
constexpr unsigned kPageShift = 12;

Instance& balloon_of(const Call& call) {
    Instance* found = nullptr;
    call.machine.objects().walk(call.machine.objects().root(), [&](Instance& each) {
        if (!found && each.is_a("device") && each.realized() && each.has_property(kWantedPages) &&
            each.has_property(kHeldPages))
            found = &each;
    });
    if (!found) fail_command("No balloon device has been activated", "DeviceNotActive");
    return *found;
}

/// What the guest has without the balloon, with what was plugged in.
std::uint64_t whole_memory(const Call& call) {
    std::uint64_t bytes = call.machine.ram_size();
    for (const PluggedModule& each : plugged_modules(call.machine)) bytes += each.size;
    return bytes;
}

Json query_balloon(const Call& call) {
    ErrorText errors;
    TextBuffer pages;
    expect(balloon_of(call).get_property(kHeldPages, pages, errors), errors);
    const std::uint64_t held = std::strtoull(pages.text().c_str(), nullptr, 0) << kPageShift;
    const std::uint64_t whole = whole_memory(call);
    return {{"actual", whole > held ? whole - held : 0}};
}

std::string show_balloon(const Json& result) {
    return "balloon: actual=" + std::to_string(result["actual"].get<std::uint64_t>() >> 20) + "\n";
}

/// The guest is to have `bytes`, which it may take its time for; more than there is means all.
Json set_memory(const Call& call, std::uint64_t bytes) {
    Instance& balloon = balloon_of(call);
    if (bytes == 0) fail_command("Parameter 'value' expects a size");
    const std::uint64_t whole = whole_memory(call);
    const std::uint64_t pages = bytes < whole ? (whole - bytes) >> kPageShift : 0;
    ErrorText errors;
    expect(balloon.set_property(kWantedPages, std::to_string(pages), errors), errors);
    return Json::object();
}

Json balloon(const Call& call) { return set_memory(call, call.number("value")); }

Json balloon_typed(const Call& call) {
    try {
        return set_memory(call, size_value("value", call.text("value"), 1u << 20));
    } catch (const UserError& error) {
        fail_command(error.what());
    }
}

constexpr ArgumentInfo kBytes[] = {{.name = "value", .kind = ArgumentKind::Number, .summary = "bytes"}};
constexpr ArgumentInfo kMebibytes[] = {{.name = "value", .summary = "MiB, or with a unit"}};
constexpr ArgumentInfo kActual[] = {{.name = "actual", .kind = ArgumentKind::Integer}};
constexpr CoreCommand kBalloonCommands[] = {
    {{.name = "balloon", .summary = "how much memory the guest is to have", .arguments = kBytes}, balloon},
    {{.human = "balloon", .summary = "how much memory the guest is to have", .arguments = kMebibytes},
     balloon_typed},
    {{.name = "query-balloon",
      .human = "info balloon",
      .summary = "how much memory the guest has, without what it gave to the balloon",
      .returns = "BalloonInfo"},
     query_balloon,
     show_balloon,
     kActual},
};

}  // namespace

Slice<const CoreCommand> balloon_commands() { return kBalloonCommands; }

}  // namespace backplane::kernel
