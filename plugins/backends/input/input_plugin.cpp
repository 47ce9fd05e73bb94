// The plugin "input": the service through which monitors and displays reach the machine's keyboards and pointers.
#include "hub.h"

#include <backplane/plugin.h>

namespace backplane::input {
namespace {

constexpr ArgumentInfo kEvents[] = {
    {.name = "device", .required = false, .summary = "the display that it happens at"},
    {.name = "head", .kind = ArgumentKind::Integer, .required = false, .summary = "the display's head"},
    {.name = "events", .kind = ArgumentKind::Array, .summary = "what happens at once, as InputEvent"},
};
constexpr ArgumentInfo kKeys[] = {
    {.name = "keys", .kind = ArgumentKind::Array, .summary = "what is pressed together, as KeyValue"},
    {.name = "hold-time",
     .kind = ArgumentKind::Integer,
     .required = false,
     .summary = "ms, 100 unless given"},
};
constexpr ArgumentInfo kKeyLine[] = {
    {.name = "keys", .summary = "what is pressed together, as ctrl-alt-f1"},
    {.name = "hold-time",
     .kind = ArgumentKind::Integer,
     .required = false,
     .summary = "ms, 100 unless given"},
};
constexpr ArgumentInfo kMovement[] = {
    {.name = "dx", .kind = ArgumentKind::Integer, .summary = "to the right"},
    {.name = "dy", .kind = ArgumentKind::Integer, .summary = "down"},
    {.name = "dz", .kind = ArgumentKind::Integer, .required = false, .summary = "the wheel, up"},
};
constexpr ArgumentInfo kButtons[] = {
    {.name = "buttons",
     .kind = ArgumentKind::Number,
     .summary = "those that are held: 1 left, 2 middle, 4 right"},
};
constexpr ArgumentInfo kIndex[] = {
    {.name = "index", .kind = ArgumentKind::Number, .summary = "its number in 'info mice'"},
};
constexpr ArgumentInfo kMouse[] = {
    {.name = "name", .summary = "its type"},
    {.name = "index", .kind = ArgumentKind::Integer},
    {.name = "current", .kind = ArgumentKind::Flag, .summary = "gets what pointers get"},
    {.name = "absolute", .kind = ArgumentKind::Flag, .summary = "takes places, not movements"},
};

constexpr CommandInfo kCommands[] = {
    {.name = "input-send-event", .summary = "do what a keyboard or pointer would", .arguments = kEvents},
    {.name = "send-key", .summary = "press keys together and let them go", .arguments = kKeys},
    {.name = "query-mice", .summary = "the pointers", .returns = "[MouseInfo]", .results = kMouse},
    {.human = "sendkey", .summary = "press keys together and let them go", .arguments = kKeyLine},
    {.human = "mouse_move", .summary = "move the pointer", .arguments = kMovement},
    {.human = "mouse_button", .summary = "hold and let go buttons", .arguments = kButtons},
    {.human = "mouse_set", .summary = "choose which pointer gets what pointers get", .arguments = kIndex},
    {.human = "info mice", .summary = "the pointers"},
};

constexpr InterfaceInfo kInterfaces[] = {offers<Hub, Completable>(), offers<Hub, CommandHandler>(),
                                         offers<Hub, InputHub>()};

constexpr TypeInfo kTypes[] = {
    backend_type<Hub>({.name = "input",
                       .parent = "service",
                       .summary = "what people do at keyboards and pointers",
                       .interfaces = kInterfaces,
                       .commands = kCommands}),
};

}  // namespace
}  // namespace backplane::input

BACKPLANE_PLUGIN("input", "1.0", "Backplane", backplane::input::kTypes)
