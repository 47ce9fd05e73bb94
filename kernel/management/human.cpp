// The human face of the commands: words to arguments, help, completion.
#include "kernel/launch/suboptions.h"
#include "kernel/management/management.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

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

std::uint64_t read_number(const char* name, const std::string& word) {
    try {
        return number_value(name, word, ~std::uint64_t{0});
    } catch (const LaunchError& error) {
        fail_command(error.what());
    }
}

void read_options(Json& arguments, const char* first_key, const std::string& text) {
    try {
        SubOptions options = SubOptions::parse_either(text, first_key);
        for (const auto& [key, value] : options.rest()) arguments[key] = value;
    } catch (const LaunchError& error) {
        fail_command(error.what());
    }
}

/// True when the next word is the flag that the argument declares.
bool take_flag(std::string_view& text, const char* name) {
    const std::string_view rest = skip_space(text);
    const bool found =
        rest.size() >= 2 && rest[0] == '-' && rest[1] == name[0] && (rest.size() == 2 || rest[2] == ' ');
    if (found) text = rest.substr(2);
    return found;
}

}  // namespace

Json read_human_arguments(const Command& command, std::string_view text) {
    Json arguments = Json::object();
    for (const Argument& argument : command.arguments) {
        text = skip_space(text);
        switch (argument.kind) {
        case Argument::Kind::Flag:
            if (take_flag(text, argument.name)) arguments[argument.name] = true;
            continue;
        case Argument::Kind::Format:
            if (!text.starts_with('/')) continue;
            text.remove_prefix(1);
            arguments[argument.name] = next_word(text);
            continue;
        case Argument::Kind::Rest:
            if (!text.empty()) arguments[argument.name] = std::string(text);
            text = {};
            continue;
        default: break;
        }
        if (text.empty()) continue;
        const std::string word = next_word(text);
        if (argument.kind == Argument::Kind::Number)
            arguments[argument.name] = read_number(argument.name, word);
        else if (argument.kind == Argument::Kind::Options) read_options(arguments, argument.name, word);
        else arguments[argument.name] = word;
    }
    if (text = skip_space(text); !text.empty())
        fail_command("'" + std::string(text) + "' is too much: " + command.human + " " + command.syntax);
    return arguments;
}

/// The command that `line` begins with, the longest name first; `line` moves behind it.
const Command* ManagementHost::find_human(std::string_view& line) const {
    const Command* best = nullptr;
    std::size_t length = 0;
    for (const Command& command : commands_) {
        std::string_view names = command.human ? command.human : "";
        while (!names.empty()) {
            const std::size_t bar = names.find('|');
            const std::string_view name = names.substr(0, bar);
            const bool whole =
                line.size() == name.size() ||
                (line.size() > name.size() && (line[name.size()] == ' ' || line[name.size()] == '/'));
            if (line.starts_with(name) && whole && name.size() > length) {
                best = &command;
                length = name.size();
            }
            names.remove_prefix(bar == std::string_view::npos ? names.size() : bar + 1);
        }
    }
    line.remove_prefix(length);
    return best;
}

std::string ManagementHost::help(std::string_view topic) const {
    std::string text;
    for (const Command& command : commands_) {
        if (!command.human) continue;
        const std::string_view human = command.human;
        const bool info = human.starts_with("info ");
        const bool wanted = topic.empty()
                                ? !info
                                : human == topic || (info && (topic == "info" || human.substr(5) == topic)) ||
                                      ("|" + std::string(human) + "|").find("|" + std::string(topic) + "|") !=
                                          std::string::npos;
        if (!wanted) continue;
        text +=
            std::string(human) + (*command.syntax ? " " : "") + command.syntax + " -- " + command.help + "\n";
    }
    if (topic.empty())
        text += "info [subcommand] -- show what the machine is and does; help info lists the subcommands\n"
                "help|? [command] -- show the help of all commands, or of one\n";
    return text.empty() ? "unknown command: '" + std::string(topic) + "'\n" : text;
}

void ManagementHost::execute_human(Str text, TextSink& out) {
    std::string line(skip_space(text.view()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\n' || line.back() == '\r'))
        line.pop_back();
    if (line.empty()) return;
    if (line == "info") line = "help info";
    for (const std::string_view word : {"help", "?"})
        if (line == word || line.starts_with(std::string(word) + " "))
            return out.append(help(skip_space(std::string_view(line).substr(word.size()))));
    std::string_view rest = line;
    const Command* command = find_human(rest);
    try {
        if (!command) {
            const std::string_view name = std::string_view(line).substr(0, line.find(' '));
            std::vector<std::string> names = candidates(name == "info" ? "info " : "");
            const std::string wanted = name == "info" ? line.substr(5) : std::string(name);
            const std::string near = nearest(wanted, names);
            fail_command("unknown command: '" + line + "'" +
                         (near.empty() ? "; help lists them" : "; did you mean '" + near + "'?"));
        }
        const Json result = run(*command, read_human_arguments(*command, rest));
        if (command->show) out.append(command->show(result));
        else if (result.is_object() && result.contains("human-readable-text"))
            out.append(result["human-readable-text"].get<std::string>());
    } catch (const CommandError& error) {
        out.append("Error: " + error.description + "\n");
    } catch (const std::exception& error) {  // the host's: no memory, no threads
        out.append("Error: " + std::string(error.what()) + "\n");
    }
}

/// What may follow `before` (empty, or "info ").
std::vector<std::string> ManagementHost::candidates(std::string_view before) const {
    std::vector<std::string> words;
    if (before.empty()) words = {"help", "info"};
    for (const Command& command : commands_) {
        std::string_view names = command.human ? command.human : "";
        while (!names.empty()) {
            const std::size_t bar = names.find('|');
            const std::string_view name = names.substr(0, bar);
            if (before.empty() ? !name.starts_with("info ") : name.starts_with(before))
                words.emplace_back(name.substr(before.size()));
            names.remove_prefix(bar == std::string_view::npos ? names.size() : bar + 1);
        }
    }
    return words;
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
        for (const Catalog::Listed& listed : machine_->catalog().list("device"))
            if (listed.type->user_creatable) words.push_back(listed.type->name);
    std::erase_if(words, [&](const std::string& candidate) { return !candidate.starts_with(word); });
    std::ranges::sort(words);
    return words;
}

}  // namespace backplane::kernel
