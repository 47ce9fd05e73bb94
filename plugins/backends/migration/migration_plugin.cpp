#include "migration.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::migration {
namespace {

using namespace command_when;

constexpr PropertyInfo kProperties[] = {
    property<&Migration::incoming_>({.name = "incoming", .summary = "where the machine's state comes from"}),
};

constexpr OptionInfo kOptions[] = {
    {.name = "incoming",
     .argument = "PLACE",
     .summary = "waits for a saved machine from file:PATH, exec:COMMAND, unix:PATH,\n"
                "tcp:HOST:PORT or fd:NUMBER; defer: the command migrate-incoming says where from",
     .group = "Debug",
     .first_property = "incoming",
     .verbatim = true},
};

constexpr ArgumentInfo kMigrate[] = {
    {.name = "uri", .summary = "file:PATH, exec:COMMAND, unix:PATH, tcp:HOST:PORT or fd:NAME"},
    {.name = "detach", .kind = ArgumentKind::Flag, .required = false, .summary = "programs never wait"},
};
constexpr ArgumentInfo kMigrateHuman[] = {
    {.name = "detach", .kind = ArgumentKind::Flag, .required = false, .summary = "do not wait for its end"},
    {.name = "destination", .summary = "file:PATH, exec:COMMAND, unix:PATH, tcp:HOST:PORT or fd:NAME"},
};
constexpr ArgumentInfo kIncoming_[] = {
    {.name = "uri", .summary = "file:PATH, exec:COMMAND, unix:PATH, tcp:HOST:PORT or fd:NAME"},
    {.name = "exit-on-error",
     .kind = ArgumentKind::Flag,
     .required = false,
     .summary = "end when it fails (the default)"},
};
constexpr ArgumentInfo kCapabilities[] = {{.name = "capabilities", .kind = ArgumentKind::Array}};
constexpr ArgumentInfo kCapability[] = {{.name = "capability"}, {.name = "state", .choices = "on|off"}};
constexpr ArgumentInfo kParameters[] = {
    {.name = "max-bandwidth", .kind = ArgumentKind::Number, .required = false, .summary = "bytes per second"},
    {.name = "multifd-channels", .kind = ArgumentKind::Number, .required = false, .summary = "threads"},
    {.name = "multifd-compression", .required = false, .choices = "none|zstd"},
    {.name = "multifd-zstd-level", .kind = ArgumentKind::Number, .required = false},
};
constexpr ArgumentInfo kParameter[] = {{.name = "parameter"}, {.name = "value", .kind = ArgumentKind::Value}};

constexpr CommandInfo kCommands[] = {
    {.name = "migrate", .summary = "saves the machine, which stops for it", .arguments = kMigrate},
    {.human = "migrate", .summary = "saves the machine, which stops for it", .arguments = kMigrateHuman},
    {.name = "migrate_cancel", .human = "migrate_cancel", .summary = "gives up saving; the machine goes on"},
    {.name = "migrate-incoming",
     .human = "migrate_incoming",
     .summary = "says where a machine started with -incoming defer comes from",
     .arguments = kIncoming_,
     .when = kBuilt | kIncoming},
    {.name = "query-migrate",
     .summary = "how far saving or loading is",
     .returns = "MigrationInfo",
     .when = kBuilt | kIncoming},
    {.human = "info migrate", .summary = "how far saving or loading is", .when = kBuilt | kIncoming},
    {.name = "migrate-set-capabilities",
     .summary = "switches what saving and loading do",
     .arguments = kCapabilities,
     .when = kBuilt | kIncoming},
    {.human = "migrate_set_capability",
     .summary = "switches what saving and loading do",
     .arguments = kCapability,
     .when = kBuilt | kIncoming},
    {.name = "query-migrate-capabilities",
     .summary = "what can be switched",
     .returns = "[MigrationCapabilityStatus]",
     .when = kBuilt | kIncoming},
    {.human = "info migrate_capabilities", .summary = "what can be switched", .when = kBuilt | kIncoming},
    {.name = "migrate-set-parameters",
     .summary = "sets how machines are saved",
     .arguments = kParameters,
     .when = kBuilt | kIncoming},
    {.human = "migrate_set_parameter",
     .summary = "sets how machines are saved",
     .arguments = kParameter,
     .when = kBuilt | kIncoming},
    {.name = "query-migrate-parameters",
     .summary = "how machines are saved",
     .returns = "MigrationParameters",
     .when = kBuilt | kIncoming},
    {.human = "info migrate_parameters", .summary = "how machines are saved", .when = kBuilt | kIncoming},
};

constexpr ArgumentInfo kStatus[] = {{.name = "status"}};
constexpr EventInfo kEvents[] = {
    {.name = "MIGRATION", .summary = "the status changed (with the capability 'events')", .members = kStatus},
};

constexpr InterfaceInfo kInterfaces[] = {
    offers<Migration, Completable>(), offers<Migration, CommandHandler>(), offers<Migration, StateSource>()};

constexpr TypeInfo kTypes[] = {{
    .name = "migration",
    .parent = "service",
    .summary = "saves machines and loads them",
    .interfaces = kInterfaces,
    .properties = kProperties,
    .options = kOptions,
    .commands = kCommands,
    .events = kEvents,
    .instance_init = make_part<Migration>,
    .instance_finalize = free_part<Migration>,
}};

}  // namespace
}  // namespace backplane::migration

BACKPLANE_PLUGIN("migration", "1.0", "Backplane", backplane::migration::kTypes)
