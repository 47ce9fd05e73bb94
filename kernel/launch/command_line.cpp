// The option table, read by Boost.Program_options: "-name value" and "--name value" are the same option.
#include "kernel/launch/command_line.h"

#include "kernel/launch/option_table.h"
#include "kernel/module/catalog.h"
#include "kernel/vocabulary/user_error.h"

#include <backplane/screen.h>
#include <algorithm>
#include <utility>
#include <boost/program_options.hpp>

namespace backplane::kernel {
namespace {

namespace options = boost::program_options;

/// A value as messages show it.
std::string shown_value(const std::string& value) { return value.empty() ? "''" : value; }

options::options_description describe_options(const OptionTable& table) {
    options::options_description all;
    for (const OptionTable::Group& group : table.groups())
        for (const OptionTable::Row& row : group.rows) {
            if (row.argument.empty()) all.add_options()(row.name.c_str(), "");
            else all.add_options()(row.name.c_str(), options::value<std::string>(), "");
        }
    return all;
}

void apply_parsed(PlanBuilder& builder, const OptionTable& table, const options::option& parsed) {
    const std::string& word = parsed.original_tokens.front();
    const bool positional = parsed.position_key >= 0;
    if (parsed.unregistered || (positional && word.starts_with('-') && word != "-")) {
        table.refuse_unknown(word);
    } else if (positional) {
        builder.apply_as("disk image " + shown_value(word), "hda", word);
    } else {
        builder.apply(parsed.string_key, parsed.value.empty() ? "" : parsed.value.front());
    }
}

std::vector<options::option> parse_words(const OptionTable& table,
                                         const std::vector<std::string>& arguments) {
    const options::options_description all = describe_options(table);
    using namespace options::command_line_style;
    try {
        return options::command_line_parser(arguments)
            .options(all)
            .style(allow_long | long_allow_next | long_allow_adjacent | allow_long_disguise)
            .allow_unregistered()
            .run()
            .options;
    } catch (const options::error_with_option_name& error) {
        const std::string option = error.get_option_name();
        const std::string name = option.substr(std::min(option.find_first_not_of('-'), option.size()));
        const OptionTable::Row* row = table.find(name);
        if (!row) table.refuse_unknown("-" + name);
        if (!row->argument.empty()) throw UserError("-" + name + ": requires an argument: " + row->argument);
        throw UserError("-" + name + ": takes no argument");
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
    if (!found) throw UserError("-qtest: is for -accel qtest, and another accelerator was given");
}

/// The backend that -mem-path and -mem-prealloc stand for. Its size is the machine's, which is known later.
void add_memory_backend(PlanBuilder& builder) {
    LaunchPlan& plan = builder.plan();
    if (builder.memory_path.empty() && !builder.memory_prealloc) return;
    const std::string option = builder.memory_path.empty() ? "-mem-prealloc" : builder.memory_path_option;
    if (!plan.memory_backend.empty())
        throw UserError(option + ": -machine memory-backend= was given; set mem-path= and prealloc= there");
    plan.memory_backend = "ram";
    plan.memory_backend_option = option;
    ObjectPlan backend{
        option, builder.memory_path.empty() ? "memory-backend-ram" : "memory-backend-file", "ram", {}};
    if (!builder.memory_path.empty()) backend.properties.emplace_back("mem-path", builder.memory_path);
    if (builder.memory_prealloc) backend.properties.emplace_back("prealloc", "on");
    builder.claim_id("object", backend.id);
    plan.ram_object = std::move(backend);
}

/// Is there a service through which people look at the machine?
bool has_display(const LaunchPlan& plan, const Catalog* catalog) {
    return catalog && std::ranges::any_of(plan.services, [&](const ServicePlan& service) {
               const ManifestType* type = catalog->find_type(service.type);
               return type && std::ranges::find(type->interfaces, Display::kId) != type->interfaces.end();
           });
}

/// Without a display, the console is the terminal unless the user said where it goes.
void add_default_consoles(PlanBuilder& builder, const Catalog* catalog) {
    LaunchPlan& plan = builder.plan();
    if (plan.process.daemonize && plan.process.exit_with_parent)
        throw UserError("-daemonize: its parent ends at once; leave out -run-with exit-with-parent=on");
    const bool display = has_display(plan, catalog);
    const bool terminal = builder.nographic || (!builder.display_none && plan.default_devices && !display);
    plan.graphics = !terminal;
    plan.default_display = display && plan.default_devices && plan.display_option.empty();
    if (builder.nographic) plan.unseen_ports = "null";
    plan.default_serial = !builder.serial_given && plan.default_devices;
    plan.default_parallel = !builder.parallel_given && plan.default_devices;
    if (!terminal) return;
    if (plan.process.daemonize)
        throw UserError(builder.nographic
                            ? "-nographic cannot be used with -daemonize; use -display none"
                            : "-daemonize: the console would be this terminal; use -display none, and "
                              "-serial for a console elsewhere");
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
        throw UserError("Duplicate ID '" + id + "' for " + std::string(kind) +
                        "; give each an id of its own");
    ids_.push_back(entry);
}

std::string PlanBuilder::unused_id(std::string_view stem) {
    return "#" + std::string(stem) + std::to_string(ids_.size());
}

void PlanBuilder::ask_parameters(const std::string& name) {
    std::string text = std::string(group_of_option(name)) + " options:\n";
    for (const OptionParameter& parameter : parameters_of(table_.find(name)->argument))
        text += "  " + parameter.name + "=<" + parameter.value + ">\n";
    ask({HelpTopic::Kind::Text, {}, text});
}

void PlanBuilder::apply(const std::string& name, const std::string& value) {
    const OptionTable::Row* row = table_.find(name);
    if (!row) table_.refuse_unknown("-" + name);
    apply_as("-" + name + (row->argument.empty() ? "" : " " + shown_value(value)), name, value);
}

void PlanBuilder::apply_as(const std::string& shown, const std::string& name, const std::string& value) {
    const OptionTable::Row* row = table_.find(name);
    const std::string outer = std::exchange(option, shown);
    try {
        apply_option(*this, *row, value);
    } catch (const UserError& error) {
        const std::string_view message = error.what();
        throw UserError(message.starts_with(option) ? std::string(message)
                                                    : option + ": " + std::string(message));
    }
    option = outer;
}

CommandLine read_command_line(const std::vector<std::string>& arguments, const Catalog* catalog) {
    const OptionTable table(catalog);
    PlanBuilder builder(table);
    for (const options::option& parsed : parse_words(table, arguments)) apply_parsed(builder, table, parsed);
    if (builder.result.topic) return std::move(builder.result);
    connect_qtest(builder);
    add_memory_backend(builder);
    add_default_consoles(builder, catalog);
    connect_legacy_networks(builder);
    if (builder.escape)
        for (ObjectPlan& chardev : builder.plan().chardevs)
            if (chardev.type == "mux")
                chardev.properties.emplace_back("escape", std::to_string(*builder.escape));
    builder.add_overlays();
    return std::move(builder.result);
}

std::vector<std::filesystem::path> plugin_directories(const std::vector<std::string>& arguments) {
    constexpr std::string_view kName = "plugin-dir";
    const OptionTable own(nullptr);
    std::vector<std::filesystem::path> directories;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view word = arguments[i];
        if (!word.starts_with('-')) continue;
        word.remove_prefix(word.starts_with("--") ? 2 : 1);
        if (word.starts_with(std::string(kName) + "="))
            directories.emplace_back(word.substr(kName.size() + 1));
        const OptionTable::Row* row = own.find(word);
        if (!row || row->argument.empty() || i + 1 == arguments.size()) continue;
        ++i;
        if (word == kName) directories.emplace_back(arguments[i]);
    }
    return directories;
}

namespace {

constexpr std::size_t kHelpColumn = 24;
constexpr std::size_t kHelpWidth = 76;

/// Lines of a column; what a plugin says in one long line is broken at its spaces.
std::string help_column(std::string_view help) {
    std::string text;
    while (true) {
        std::string_view line = help.substr(0, help.find('\n'));
        if (line.size() > kHelpWidth)
            if (const std::size_t space = line.rfind(' ', kHelpWidth);
                space != std::string_view::npos && space != 0)
                line = line.substr(0, space);
        text += std::string(line) + "\n";
        if (line.size() == help.size()) return text;
        help.remove_prefix(line.size() + 1);
        text += std::string(kHelpColumn, ' ');
    }
}

/// An option that takes much, on lines that fit a page.
std::string broken_at_parameters(std::string_view text) {
    constexpr std::size_t kWidth = 90;
    std::string out;
    while (text.size() > kWidth) {
        const std::size_t at = text.rfind("[,", kWidth);
        if (at == std::string_view::npos || at == 0) break;
        out += std::string(text.substr(0, at)) + "\n    ";
        text.remove_prefix(at);
    }
    return out + std::string(text);
}

}  // namespace

std::string usage(const Catalog* catalog) {
    const OptionTable table(catalog);
    std::string text = "usage: backplane [options] [disk_image]\n"
                       "       backplane plugin list | plugin info NAME | plugin why NAME\n\n"
                       "'disk_image' is a raw disk image, as -hda takes it\n";
    for (const OptionTable::Group& group : table.groups()) {
        text += "\n" + group.title + ":\n";
        for (const OptionTable::Row& row : group.rows) {
            std::string left = "-" + row.name;
            if (!row.argument.empty()) left += " " + row.argument;
            text += broken_at_parameters(left);
            if (left.size() < kHelpColumn) text += std::string(kHelpColumn - left.size(), ' ');
            else text += "\n" + std::string(kHelpColumn, ' ');
            text += help_column(row.help);
        }
    }
    return text;
}

}  // namespace backplane::kernel
