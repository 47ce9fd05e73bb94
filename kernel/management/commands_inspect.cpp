// Commands that show: trees, lines, CPUs, backends, plugins.
#include "kernel/machine/machine_configuration.h"
#include "kernel/management/management.h"
#include "kernel/management/memory_modules.h"
#include "kernel/management/stopped_cpus.h"
#include "kernel/vocabulary/plugin_listing.h"

#include <backplane/block.h>
#include <backplane/draft/cpu.h>

#include <lib/json.h>

#include <unistd.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

Json mtree(const Call& call) { return readable(call.machine.info_mtree(call.flag("flat"))); }
Json qtree(const Call& call) { return readable(call.machine.info_qtree()); }
Json wires(const Call& call) { return readable(call.machine.info_wires()); }
Json plugins(const Call& call) { return readable(plugin_list(call.machine.catalog()).text); }

void print_objects(const Instance& object, std::size_t depth, std::string& out) {
    out += std::string(2 * depth, ' ') + "/" + std::string(object.name().view()) + " (" +
           std::string(object.type_name().view()) + ")\n";
    for (const auto& child : object.children()) print_objects(*child, depth + 1, out);
}

Json qom_tree(const Call& call) {
    const std::string path = call.text("path", "/");
    Instance* from = path == "/" ? &call.machine.objects().root() : call.machine.objects().find(path);
    if (!from) fail_command("Path '" + path + "' could not be resolved", "DeviceNotFound");
    std::string text;
    print_objects(*from, 0, text);
    return readable(text);
}

Json registers(const Call& call) {
    TextBuffer out;
    Cpu* current = call.host.current_cpu();
    if (!current) fail_command("no CPU available");
    const StoppedCpus stopped(call.machine);
    for (Cpu* cpu : call.machine.cpus()) {
        if (cpu != current && !call.flag("all")) continue;
        out.append("\nCPU#" + std::to_string(cpu->index()) + "\n");
        cpu->dump(out);
    }
    return readable(out.text());
}

Json query_cpus(const Call& call) {
    Json list = Json::array();
    for (Cpu* cpu : call.machine.cpus()) {
        const std::uint32_t index = cpu->index();
        TextBuffer path;
        cpu->object().path(path);
        // What has no thread of its own runs in the program's first.
        const std::int32_t thread = cpu->run_state().thread_id.load();
        list.push_back({{"cpu-index", index},
                        {"qom-path", path.text()},
                        {"props", place_json(processor_place(call.machine, index))},
                        {"target", std::string(cpu->architecture().view())},
                        {"thread-id", thread ? thread : getpid()},
                        {"halted", cpu->run_state().halted.load() != 0}});
    }
    return list;
}

/// Bytes that were plugged in, of each node.
std::vector<std::uint64_t> plugged_memory(const Call& call) {
    std::vector<std::uint64_t> bytes(call.machine.numa().nodes.size());
    for (const PluggedModule& each : plugged_modules(call.machine))
        if (const std::uint32_t node = each.module.place().node; node < bytes.size())
            bytes[node] += each.size;
    return bytes;
}

Json numa_nodes(const Call& call) {
    const NumaConfiguration& numa = call.machine.numa();
    const std::vector<std::uint64_t> plugged = plugged_memory(call);
    std::string text = std::to_string(numa.nodes.size()) + " nodes\n";
    for (std::uint32_t node = 0; node < numa.nodes.size(); ++node) {
        const std::string which = "node " + std::to_string(node);
        text += which + " cpus:";
        for (const Cpu* cpu : call.machine.cpus())
            if (numa.node_of_cpu[cpu->index()] == node) text += " " + std::to_string(cpu->index());
        text += "\n" + which + " size: " + std::to_string((numa.nodes[node].memory + plugged[node]) >> 20) +
                " MB\n" + which + " plugged: " + std::to_string(plugged[node] >> 20) + " MB\n";
    }
    return {{"human-readable-text", text}};
}

/// A star is before the one that "cpu" chose.
Json list_cpus(const Call& call) {
    std::string text;
    for (const Json& cpu : query_cpus(call))
        text += std::string(cpu["cpu-index"] == call.host.current_cpu_index() ? "*" : " ") + " CPU #" +
                std::to_string(cpu["cpu-index"].get<unsigned>()) + ": " + cpu["target"].get<std::string>() +
                (cpu["halted"].get<bool>() ? ", halted" : "") +
                ", thread_id=" + std::to_string(cpu["thread-id"].get<int>()) + ", " +
                cpu["qom-path"].get<std::string>() + "\n";
    return readable(text);
}

Json select_cpu(const Call& call) {
    call.host.select_cpu(call.number("index"));
    return Json::object();
}

/// Calls `visit` for the backends that stand below a container.
template <class Visit>
void each_backend(const Call& call, const char* container, Visit visit) {
    if (Instance* parent = call.machine.objects().find_path(container))
        for (const auto& child : parent->children()) visit(*child);
}

std::string property_text(Instance& object, const char* name) {
    ErrorText unreadable;
    TextBuffer value;
    return object.get_property(name, value, unreadable) ? value.text() : "";
}

std::string short_type(const Call& call, const Instance& object) {
    const ManifestType* type = call.machine.catalog().find_type(object.type_name().view());
    return type && !type->option.empty() ? type->option : std::string(object.type_name().view());
}

Json query_chardev(const Call& call) {
    Json list = Json::array();
    each_backend(call, "/chardevs", [&](Instance& object) {
        std::string filename = property_text(object, "filename");
        if (filename.empty()) filename = short_type(call, object);
        list.push_back({{"frontend-open", object.users() > 0},
                        {"filename", filename},
                        {"label", std::string(object.id().view())}});
    });
    return list;
}

std::string show_chardevs(const Json& result) {
    std::string text;
    for (const Json& row : result)
        text += row["label"].get<std::string>() + ": filename=" + row["filename"].get<std::string>() + "\n";
    return text;
}

constexpr ArgumentInfo kFlat[] = {{.name = "flat", .kind = Kind::Flag, .required = false}};
constexpr ArgumentInfo kAll[] = {{.name = "all", .kind = Kind::Flag, .required = false}};
constexpr ArgumentInfo kOptionalPath[] = {{.name = "path", .required = false}};
constexpr ArgumentInfo kIndex[] = {{.name = "index", .kind = Kind::Number}};
constexpr const char* kText = "HumanReadableText";
constexpr CoreCommand kInspectCommands[] = {
    {{.name = "x-query-mtree",
      .human = "info mtree",
      .summary = "the memory map; -f: as CPUs see it",
      .arguments = kFlat,
      .returns = kText},
     mtree},
    {{.name = "x-query-qtree",
      .human = "info qtree",
      .summary = "devices and the buses that they are on",
      .returns = kText},
     qtree},
    {{.human = "info wires", .summary = "interrupt lines and other wires", .returns = kText}, wires},
    {{.human = "info qom-tree", .summary = "the tree of objects", .arguments = kOptionalPath}, qom_tree},
    {{.name = "x-query-registers",
      .human = "info registers",
      .summary = "the CPU's registers; -a: of all",
      .arguments = kAll,
      .returns = kText},
     registers},
    {{.name = "query-cpus-fast", .summary = "the CPUs", .returns = "[CpuInfoFast]"}, query_cpus},
    {{.human = "info cpus", .summary = "the CPUs; a star is before the chosen one", .returns = kText},
     list_cpus},
    {{.human = "info numa", .summary = "nodes of memory and CPUs", .returns = kText}, numa_nodes},
    {{.human = "cpu", .summary = "the CPU that x and info registers are about", .arguments = kIndex},
     select_cpu},
    {{.name = "query-chardev",
      .human = "info chardev",
      .summary = "character devices",
      .returns = "[ChardevInfo]"},
     query_chardev,
     show_chardevs},
    {{.name = "x-query-plugins",
      .human = "info plugins",
      .summary = "the plugins that were found",
      .returns = kText},
     plugins},
};

}  // namespace

Slice<const CoreCommand> inspect_commands() { return kInspectCommands; }

}  // namespace backplane::kernel
