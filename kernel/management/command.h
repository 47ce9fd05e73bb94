// A management command: one row, two faces. Programs call it by `name` with JSON arguments; people type `human`
// and read what `show` makes of the result. The core's own rows and those that plugins offer have one shape.
#pragma once

#include "kernel/management/expression.h"
#include "kernel/module/manifest.h"

#include <functional>
#include <string>
#include <vector>
#include <nlohmann/json_fwd.hpp>

namespace backplane {
class ManagementCaller;
struct ManagementReply;
}  // namespace backplane

namespace backplane::kernel {

class Machine;
class ManagementHost;

using Json = nlohmann::ordered_json;

struct CommandError {
    std::string error_class;
    std::string description;
};
[[noreturn]] void fail_command(std::string description, const char* error_class = "GenericError");

/// Whom an answer is for. People write the values of options as text.
enum class Face { Programs, People };

struct Call {
    Machine& machine;
    ManagementHost& host;
    const Json& arguments;
    ManagementCaller* caller = nullptr;  ///< null: nobody who waits
    Face face = Face::Programs;

    std::string text(const char* name, const std::string& otherwise = {}) const;
    std::uint64_t number(const char* name, std::uint64_t otherwise = 0) const;
    bool flag(const char* name) const;
};

/// Takes the answer of a call. What is thrown before is the answer as well.
using CommandDone = std::function<void(const ManagementReply&)>;

/// One of the core's own. It is allowed while a saved machine is awaited as well.
struct CoreCommand {
    CommandInfo info;
    Json (*run)(const Call& call) = nullptr;
    /// What people read; null: nothing, or the result's "human-readable-text".
    std::string (*show)(const Json& result) = nullptr;
    Slice<const ArgumentInfo> results{};  ///< the members of what comes back, for the schema
    /// In place of `run`: the answer comes when it comes.
    void (*start)(const Call& call, CommandDone done) = nullptr;
};
Slice<const CoreCommand> run_commands();
Slice<const CoreCommand> query_commands();
Slice<const CoreCommand> object_commands();
Slice<const CoreCommand> inspect_commands();
Slice<const CoreCommand> hot_plug_commands();
Slice<const CoreCommand> block_commands();
Slice<const CoreCommand> media_commands();
Slice<const CoreCommand> memory_commands();
Slice<const CoreCommand> calculate_commands();
Slice<const CoreCommand> network_commands();
Slice<const CoreCommand> balloon_commands();
Slice<const CoreCommand> descriptor_commands();
Slice<const EventInfo> core_events();
/// All of the core's.
std::vector<const CoreCommand*> core_commands();

struct Command {
    ManifestCommand row;
    const CoreCommand* core = nullptr;      ///< the core's own
    std::string service;                    ///< or the type whose object serves it
    std::vector<ManifestArgument> results;  ///< the members of what comes back
    std::string key;                        ///< what it is called by: `name`, or the human face
};

/// The core's rows in the shape that manifests are read into.
ManifestCommand row_of(const CommandInfo& info);
std::vector<ManifestArgument> rows_of(Slice<const ArgumentInfo> infos);
ManifestEvent row_of(const EventInfo& info);

/// Throws CommandError when `arguments` are not what the row says.
void check_arguments(const ManifestCommand& row, const Json& arguments);
/// The human face's arguments: "path [value]".
std::string syntax_of(const ManifestCommand& row);
/// "stop|s": each alternative.
std::vector<TextPart> human_names(const ManifestCommand& row);
/// What a text may be; empty: anything.
std::vector<TextPart> choices_of(const ManifestArgument& argument);
/// Reads a human line's arguments as the row declares them. Throws CommandError.
Json read_human_arguments(const ManifestCommand& row, std::string_view text, const ReadRegister& registers);

/// The rows as the protocol's introspection has them: commands, events and the types that they name.
Json schema_of(const std::vector<Command>& commands, const std::vector<ManifestEvent>& events);

/// {"human-readable-text": text}
Json readable(std::string text);
/// A property's text as a JSON value of its kind, and back.
Json json_value(const std::string& kind, const std::string& text);
std::string text_value(const Json& value, const std::string& name);

}  // namespace backplane::kernel
