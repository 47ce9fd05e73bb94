// The human face of the commands: words to arguments, help, completion.
#include "kernel/management/management.h"
#include "kernel/management/stopped_cpus.h"
#include "kernel/vocabulary/suboptions.h"

#include <backplane/draft/debug.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

std::string_view skip_space(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

/// The next word; in quotes it may hold spaces, and \" and \\ stand for themselves.
std::string next_word(std::string_view& text) {
    text = skip_space(text);
    std::string word;
    if (!text.starts_with('"')) {
        const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
        word = text.substr(0, end);
        text.remove_prefix(end);
        return word;
    }
    for (text.remove_prefix(1); !text.empty(); text.remove_prefix(1)) {
        if (text.front() == '"') {
            text.remove_prefix(1);
            return word;
        }
        if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
        word += text.front();
    }
    fail_command("a quoted word is not closed");
}

std::int64_t read_integer(const std::string& name, const std::string& word) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size()) return value;
    fail_command("parameter '" + name + "' expects a whole number, not '" + word + "'");
}

void read_options(Json& arguments, const std::string& first_key, const std::string& text) {
    try {
        SubOptions options = SubOptions::parse_either(text, first_key);
        for (const auto& [key, value] : options.rest()) arguments[key] = value;
    } catch (const UserError& error) {
        fail_command(error.what());
    }
}

/// True when the next word is the flag, or the switch, that the argument declares.
bool take_flag(std::string_view& text, const std::string& name) {
    const std::string_view rest = skip_space(text);
    const bool found =
        rest.size() >= 2 && rest[0] == '-' && rest[1] == name[0] && (rest.size() == 2 || rest[2] == ' ');
    if (found) text = rest.substr(2);
    return found;
}

/// Is it typed where its row says, without a word or sign of its own?
bool positional(ArgumentKind kind) {
    return kind != ArgumentKind::Flag && kind != ArgumentKind::Switch && kind != ArgumentKind::Object &&
           kind != ArgumentKind::Array && kind != ArgumentKind::Format;
}

/// The switch that `word` is ("-f"); null when it is none.
const ManifestArgument* switch_of(const ManifestCommand& row, std::string_view word) {
    for (const ManifestArgument& argument : row.arguments)
        if (argument.kind == ArgumentKind::Switch && word.size() == 2 && word[0] == '-' &&
            word[1] == argument.name[0])
            return &argument;
    return nullptr;
}

std::vector<std::string> words_of(const ManifestArgument& argument) {
    const std::vector<TextPart> choices = choices_of(argument);
    return {choices.begin(), choices.end()};
}

/// The switches that stand next, each with its word.
void take_switches(const ManifestCommand& row, std::string_view& text, Json& arguments) {
    bool any = true;
    while (std::exchange(any, false))
        for (const ManifestArgument& argument : row.arguments) {
            if (argument.kind != ArgumentKind::Switch || !take_flag(text, argument.name)) continue;
            const std::string word = next_word(text);
            if (word.empty())
                fail_command("-" + std::string(1, argument.name[0]) + " expects its " + argument.name);
            arguments[argument.name] = word;
            any = true;
        }
}

}  // namespace

Json read_human_arguments(const ManifestCommand& row, std::string_view text, const ReadRegister& registers) {
    Json arguments = Json::object();
    for (const ManifestArgument& argument : row.arguments) {
        take_switches(row, text, arguments);
        text = skip_space(text);
        switch (argument.kind) {
        case ArgumentKind::Object:
        case ArgumentKind::Array:
        case ArgumentKind::Switch: continue;
        case ArgumentKind::Flag:
            if (take_flag(text, argument.name)) arguments[argument.name] = true;
            continue;
        case ArgumentKind::Format:
            if (!text.starts_with('/')) continue;
            text.remove_prefix(1);
            arguments[argument.name] = next_word(text);
            continue;
        case ArgumentKind::Rest:
            if (!text.empty()) arguments[argument.name] = std::string(text);
            text = {};
            continue;
        default: break;
        }
        if (text.empty()) continue;
        if (argument.kind == ArgumentKind::Number) {
            arguments[argument.name] = read_expression(text, registers);
            continue;
        }
        const std::string word = next_word(text);
        if (argument.kind == ArgumentKind::Integer)
            arguments[argument.name] = read_integer(argument.name, word);
        else if (argument.kind == ArgumentKind::Options) read_options(arguments, argument.name, word);
        else arguments[argument.name] = word;
    }
    take_switches(row, text, arguments);
    if (text = skip_space(text); !text.empty())
        fail_command("'" + std::string(text) + "' is too much: " + row.human + " " + syntax_of(row));
    return arguments;
}

/// The command that `line` begins with, the longest name first; `line` moves behind it.
const Command* ManagementHost::find_human(std::string_view& line) const {
    const Command* best = nullptr;
    std::size_t length = 0;
    for (const Command& command : commands_) {
        for (const TextPart name : human_names(command.row)) {
            const bool whole =
                line.size() == name.size() ||
                (line.size() > name.size() && (line[name.size()] == ' ' || line[name.size()] == '/'));
            if (!line.starts_with(name) || !whole || name.size() <= length) continue;
            best = &command;
            length = name.size();
        }
    }
    line.remove_prefix(length);
    return best;
}

std::string ManagementHost::help(std::string_view topic) const {
    std::string text;
    for (const Command& command : commands_) {
        const TextPart human = command.row.human;
        if (human.empty()) continue;
        const bool info = human.starts_with("info ");
        const std::vector<TextPart> names = human_names(command.row);
        const bool wanted = topic.empty()
                                ? !info
                                : human == topic || (info && topic == "info") ||
                                      std::ranges::any_of(names, [&](TextPart name) {
                                          return name == topic || name == "info " + std::string(topic);
                                      });
        if (!wanted) continue;
        const std::string syntax = syntax_of(command.row);
        text += human + (syntax.empty() ? "" : " ") + syntax + " -- " + command.row.summary + "\n";
    }
    if (topic.empty())
        text += "info [subcommand] -- show what the machine is and does; help info lists the subcommands\n"
                "help|? [command] -- show the help of all commands, or of one\n";
    return text.empty() ? "unknown command: '" + std::string(topic) + "'\n" : text;
}

void ManagementHost::execute_human(Str line, ManagementCaller& caller) {
    run_line(line.view(), &caller,
             [&caller](const ManagementReply& reply) { caller.management_reply(reply); });
}

void ManagementHost::run_line(std::string_view text, ManagementCaller* caller, CommandDone done) {
    const auto answer = [&](std::string shown) { done({true, {}, {}, {}, std::move(shown)}); };
    std::string line(skip_space(text));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\n' || line.back() == '\r'))
        line.pop_back();
    if (line.empty()) return answer({});
    if (line == "info") line = "help info";
    for (const std::string_view word : {"help", "?"})
        if (line == word || line.starts_with(std::string(word) + " "))
            return answer(help(skip_space(std::string_view(line).substr(word.size()))));
    std::string_view rest = line;
    const Command* command = find_human(rest);
    Json arguments;
    try {
        if (!command) fail_command(unknown(line));
        arguments = read_human_arguments(command->row, rest,
                                         [this](std::string_view name) { return register_value(name); });
    } catch (const CommandError& error) {
        return answer("Error: " + error.description + "\n");
    }
    run(*command, arguments, Face::People, caller, std::move(done));
}

/// Of the current CPU, as a debugger names it; "pc" on each.
std::optional<std::uint64_t> ManagementHost::register_value(std::string_view name) {
    Cpu* cpu = current_cpu();
    if (!cpu) return std::nullopt;
    const StoppedCpus stopped(*machine_);
    if (name == "pc") return cpu->program_counter();
    auto* debug = backplane::query<CpuDebug>(cpu->object());
    if (!debug) return std::nullopt;
    for (const DebugFeature& feature : debug->debug_features())
        for (const DebugRegister& each : feature.registers) {
            std::uint8_t bytes[8] = {};
            if (each.name.view() != name || each.bits > 8 * sizeof bytes) continue;
            if (!debug->read_register(each, {bytes, each.bits / 8u})) return std::nullopt;
            std::uint64_t value = 0;
            for (unsigned i = 0; i < sizeof bytes; ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
            return value;
        }
    return std::nullopt;
}

std::string ManagementHost::unknown(const std::string& line) const {
    const std::string name = line.substr(0, line.find(' '));
    const bool info = name == "info";
    const std::string near = nearest(info ? line.substr(5) : name, candidates(info ? "info " : ""));
    return "unknown command: '" + line + "'" +
           (near.empty() ? "; help lists them" : "; did you mean '" + near + "'?");
}

/// What may follow `before` (empty, or "info ").
std::vector<std::string> ManagementHost::candidates(std::string_view before) const {
    std::vector<std::string> words;
    if (before.empty()) words = {"help", "info"};
    for (const Command& command : commands_)
        for (const TextPart name : human_names(command.row))
            if (before.empty() ? !name.starts_with("info ") : name.starts_with(before))
                words.emplace_back(name.substr(before.size()));
    return words;
}

/// The choices of the argument that is being typed after a whole command.
std::vector<std::string> ManagementHost::choices_after(std::string_view before) const {
    const Command* command = find_human(before);
    if (!command) return {};
    std::size_t index = 0;
    for (before = skip_space(before); !before.empty(); before = skip_space(before)) {
        const std::string_view word = before.substr(0, before.find(' '));
        before.remove_prefix(word.size());
        if (const ManifestArgument* named = switch_of(command->row, word)) {
            before = skip_space(before);
            if (before.empty()) return words_of(*named);
            before.remove_prefix(std::min(before.find(' '), before.size()));
        } else if (!word.starts_with('-')) {
            ++index;
        }
    }
    for (const ManifestArgument& argument : command->row.arguments) {
        if (!positional(argument.kind) || index-- != 0) continue;
        return words_of(argument);
    }
    return {};
}

std::vector<std::string> ManagementHost::complete(Str text) {
    const std::string_view line = text.view();
    const std::size_t space = line.rfind(' ');
    const std::string_view word = space == std::string_view::npos ? line : line.substr(space + 1);
    const std::string_view before = space == std::string_view::npos ? "" : line.substr(0, space + 1);
    std::vector<std::string> words;
    if (before.empty() || before == "help ") words = candidates("");
    else if (before == "info " || before == "help info ") words = candidates("info ");
    else if (before == "device_del " || before == "object_del ")
        machine_->objects().walk(machine_->objects().root(), [&](Instance& instance) {
            if (!instance.id().empty()) words.emplace_back(instance.id().view());
        });
    else if (before == "device_add ")
        for (const Catalog::Listed& listed : machine_->catalog().list("device")) {
            if (listed.type->user_creatable) words.push_back(listed.type->name);
        }
    else words = choices_after(before);
    std::erase_if(words, [&](const std::string& candidate) { return !candidate.starts_with(word); });
    std::ranges::sort(words);
    return words;
}

}  // namespace backplane::kernel
