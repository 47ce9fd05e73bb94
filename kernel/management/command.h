// A management command: one row, two faces. Programs call it by `name` with JSON arguments; people type `human`
// and read what `show` makes of the result.
#pragma once

#include <string>
#include <vector>
#include <nlohmann/json_fwd.hpp>

namespace backplane::kernel {

class Machine;
class ManagementHost;

using Json = nlohmann::ordered_json;

struct CommandError {
    std::string error_class;
    std::string description;
};
[[noreturn]] void fail_command(std::string description, const char* error_class = "GenericError");

struct Argument {
    enum class Kind {
        Text,     ///< a word
        Rest,     ///< the rest of the line
        Number,   ///< an unsigned number, also 0x…
        Flag,     ///< on the line "-x", where x is the name's first letter
        Value,    ///< any JSON scalar; a word
        Object,   ///< a JSON object; people have no way to type it
        Options,  ///< all further members; on the line "FIRST,key=value", FIRST being the value of `name`
        Format,   ///< on the line "/4xw", without the slash
    };
    const char* name;
    Kind kind = Kind::Text;
    bool required = true;
};

struct Call {
    Machine& machine;
    ManagementHost& host;
    const Json& arguments;

    std::string text(const char* name, const std::string& otherwise = {}) const;
    std::uint64_t number(const char* name, std::uint64_t otherwise = 0) const;
    bool flag(const char* name) const;
};

struct Command {
    const char* name;    ///< null: for people only
    const char* human;   ///< "info status"; null: for programs only
    const char* syntax;  ///< of the human face's arguments
    const char* help;
    std::vector<Argument> arguments;
    Json (*run)(const Call& call);
    /// Null: nothing to read, or the result's "human-readable-text".
    std::string (*show)(const Json& result) = nullptr;
};

std::vector<Command> run_commands();
std::vector<Command> object_commands();
std::vector<Command> inspect_commands();
std::vector<Command> memory_commands();

/// {"human-readable-text": text}
Json readable(std::string text);
/// A property's text as a JSON value of its kind, and back.
Json json_value(const std::string& kind, const std::string& text);
std::string text_value(const Json& value, const std::string& name);

}  // namespace backplane::kernel
