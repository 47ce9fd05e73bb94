// The option table, read by Boost.Program_options: "-name value" and "--name value" are the same option.
#include "kernel/launch/command_line.h"

#include "kernel/launch/launch_error.h"
#include "kernel/object/instance.h"

#include <algorithm>
#include <utility>
#include <boost/program_options.hpp>

namespace backplane::kernel {
namespace {

namespace options = boost::program_options;

const std::vector<OptionGroup>& table() {
    static const std::vector<OptionGroup> groups{machine_options(), boot_options(),      block_options(),
                                                 network_options(), character_options(), device_options(),
                                                 process_options()};
    return groups;
}

const OptionRow* find_row(std::string_view name) {
    for (const OptionGroup& group : table())
        for (const OptionRow& row : group.rows)
            if (name == row.name) return &row;
    return nullptr;
}

std::string without_dashes(std::string_view option) {
    option = option.substr(0, option.find_first_of("=,"));
    while (option.starts_with('-')) option.remove_prefix(1);
    return std::string(option);
}

[[noreturn]] void unknown_option(const std::string& text) {
    std::vector<std::string> names;
    for (const OptionGroup& group : table())
        for (const OptionRow& row : group.rows) names.emplace_back(row.name);
    const std::string near = nearest(without_dashes(text), names);
    throw LaunchError(text + ": invalid option" + (near.empty() ? "" : "; did you mean -" + near + "?") +
                      "; -help lists them");
}

/// A value as messages show it.
std::string shown_value(const std::string& value) { return value.empty() ? "''" : value; }

options::options_description describe_options() {
    options::options_description all;
    for (const OptionGroup& group : table())
        for (const OptionRow& row : group.rows) {
            if (row.argument) all.add_options()(row.name, options::value<std::string>(), "");
            else all.add_options()(row.name, "");
        }
    return all;
}

void apply_parsed(PlanBuilder& builder, const options::option& parsed) {
    const std::string& word = parsed.original_tokens.front();
    const bool positional = parsed.position_key >= 0;
    if (parsed.unregistered || (positional && word.starts_with('-') && word != "-")) {
        unknown_option(word);
    } else if (positional) {
        builder.apply_as("disk image " + shown_value(word), "hda", word);
    } else {
        builder.apply(parsed.string_key, parsed.value.empty() ? "" : parsed.value.front());
    }
}

std::vector<options::option> parse_words(const std::vector<std::string>& arguments) {
    const options::options_description all = describe_options();
    using namespace options::command_line_style;
    try {
        return options::command_line_parser(arguments)
            .options(all)
            .style(allow_long | long_allow_next | long_allow_adjacent | allow_long_disguise)
            .allow_unregistered()
            .run()
            .options;
    } catch (const options::error_with_option_name& error) {
        const std::string name = without_dashes(error.get_option_name());
        const OptionRow* row = find_row(name);
        if (!row) unknown_option("-" + name);
        if (row->argument) throw LaunchError("-" + name + ": requires an argument: " + row->argument);
        throw LaunchError("-" + name + ": takes no argument");
    }
}

/// -qtest and -qtest-log are properties of the accelerator of that name.
void connect_qtest(PlanBuilder& builder) {
    if (builder.qtest.empty() && builder.qtest_log.empty()) return;
    std::vector<AcceleratorPlan>& accelerators = builder.plan().accelerators;
    if (accelerators.empty()) accelerators.push_back({"-qtest", "qtest", {}});
    bool found = false;
    for (AcceleratorPlan& accelerator : accelerators) {
        if (accelerator.name != "qtest") continue;
        found = true;
        if (!builder.qtest.empty()) accelerator.properties.emplace_back("chardev", builder.qtest);
        if (!builder.qtest_log.empty()) accelerator.properties.emplace_back("log", builder.qtest_log);
    }
    if (!found) throw LaunchError("-qtest: is for -accel qtest, and another accelerator was given");
}

/// The backend that -mem-path and -mem-prealloc stand for. Its size is the machine's, which is known later.
void add_memory_backend(PlanBuilder& builder) {
    LaunchPlan& plan = builder.plan();
    if (builder.memory_path.empty() && !builder.memory_prealloc) return;
    const std::string option = builder.memory_path.empty() ? "-mem-prealloc" : builder.memory_path_option;
    if (!plan.memory_backend.empty())
        throw LaunchError(option + ": -machine memory-backend= was given; set mem-path= and prealloc= there");
    plan.memory_backend = "ram";
    plan.memory_backend_option = option;
    ObjectPlan backend{
        option, builder.memory_path.empty() ? "memory-backend-ram" : "memory-backend-file", "ram", {}};
    if (!builder.memory_path.empty()) backend.properties.emplace_back("mem-path", builder.memory_path);
    if (builder.memory_prealloc) backend.properties.emplace_back("prealloc", "on");
    builder.claim_id("object", backend.id);
    plan.ram_object = std::move(backend);
}

/// Without a display, the console is the terminal unless the user said where it goes.
void add_default_consoles(PlanBuilder& builder) {
    LaunchPlan& plan = builder.plan();
    const bool terminal = builder.nographic || (!builder.display_none && plan.default_devices);
    if (!terminal) return;
    builder.option = builder.nographic ? "-nographic" : "the default console";
    const bool serial = !builder.serial_given && (plan.default_devices || builder.nographic);
    const bool monitor = !builder.monitor_given && (plan.default_devices || builder.nographic);
    if (!serial && !monitor) return;
    const bool taken =
        std::ranges::any_of(plan.chardevs, [](const ObjectPlan& c) { return c.type == "stdio"; });
    if (taken) return;
    const std::string id = builder.chardev_for("stdio", serial ? "serial0" : "compat_monitor0", true);
    if (serial) plan.serials.push_back(id);
    if (monitor) plan.monitors.push_back({.option = builder.option, .chardev = id});
}

}  // namespace

void PlanBuilder::claim_id(std::string_view kind, const std::string& id) {
    const std::string entry = std::string(kind) + " '" + id + "'";
    if (std::ranges::find(ids_, entry) != ids_.end())
        throw LaunchError("Duplicate ID '" + id + "' for " + std::string(kind) +
                          "; give each an id of its own");
    ids_.push_back(entry);
}

std::string PlanBuilder::unused_id(std::string_view stem) {
    return "#" + std::string(stem) + std::to_string(ids_.size());
}

void PlanBuilder::apply(const std::string& name, const std::string& value) {
    const OptionRow* row = find_row(name);
    if (!row) unknown_option("-" + name);
    apply_as("-" + name + (row->argument ? " " + shown_value(value) : ""), name, value);
}

void PlanBuilder::apply_as(const std::string& shown, const std::string& name, const std::string& value) {
    const OptionRow* row = find_row(name);
    const std::string outer = std::exchange(option, shown);
    try {
        row->apply(*this, value);
    } catch (const LaunchError& error) {
        const std::string_view message = error.what();
        throw LaunchError(message.starts_with(option) ? std::string(message)
                                                      : option + ": " + std::string(message));
    }
    option = outer;
}

CommandLine read_command_line(const std::vector<std::string>& arguments) {
    PlanBuilder builder;
    for (const options::option& parsed : parse_words(arguments)) apply_parsed(builder, parsed);
    if (builder.result.topic) return std::move(builder.result);
    connect_qtest(builder);
    add_memory_backend(builder);
    add_default_consoles(builder);
    builder.add_overlays();
    return std::move(builder.result);
}

std::string usage() {
    constexpr std::size_t kColumn = 24;
    std::string text = "usage: backplane [options] [disk_image]\n"
                       "       backplane plugin list | plugin info NAME\n\n"
                       "'disk_image' is a raw disk image, as -hda takes it\n";
    for (const OptionGroup& group : table()) {
        text += "\n" + std::string(group.title) + ":\n";
        for (const OptionRow& row : group.rows) {
            std::string left = "-" + std::string(row.name);
            if (row.argument) left += " " + std::string(row.argument);
            text += left;
            std::string_view help = row.help;
            bool first = left.size() < kColumn;
            if (first) text += std::string(kColumn - left.size(), ' ');
            else text += "\n" + std::string(kColumn, ' ');
            while (true) {
                const std::size_t line = help.find('\n');
                text += std::string(help.substr(0, line)) + "\n";
                if (line == std::string_view::npos) break;
                help.remove_prefix(line + 1);
                text += std::string(kColumn, ' ');
            }
        }
    }
    return text;
}

}  // namespace backplane::kernel
