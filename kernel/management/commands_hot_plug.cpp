// Commands that show what may come and go: places for CPUs, and memory modules.
#include "kernel/management/management.h"
#include "kernel/management/memory_modules.h"
#include "kernel/management/processor_places.h"

#include <backplane/slots.h>
#include <backplane/text.h>

namespace backplane::kernel {
namespace {

/// The last place first, as users have it.
Json hotpluggable_cpus(const Call& call) {
    auto* places = backplane::query<ProcessorPlaces>(call.machine.machine_object());
    if (!places) fail_command("machine does not support hot-plugging CPUs");
    Json list = Json::array();
    for (std::uint32_t number = places->count(); number-- > 0;) {
        const ProcessorPlace place = places->place(number);
        Json row{{"props", place_json(place)}, {"vcpus-count", 1}};
        if (place.processor) {
            TextBuffer path;
            place.processor->path(path);
            row["qom-path"] = path.text();
        }
        row["type"] = call.machine.cpu_type();
        list.push_back(std::move(row));
    }
    return list;
}

std::string show_hotpluggable_cpus(const Json& result) {
    std::string text = "Hotpluggable CPUs:\n";
    const auto quoted = [](const Json& value) {
        return "\"" + (value.is_string() ? value.get<std::string>() : value.dump()) + "\"\n";
    };
    for (const Json& row : result) {
        text += "  type: " + quoted(row["type"]) + "  vcpus_count: " + quoted(row["vcpus-count"]);
        if (row.contains("qom-path")) text += "  qom_path: " + quoted(row["qom-path"]);
        text += "  CPUInstance Properties:\n";
        for (const auto& [name, value] : row["props"].items()) text += "    " + name + ": " + quoted(value);
    }
    return text;
}

Json memory_devices(const Call& call) {
    Json list = Json::array();
    for (const auto& [instance, module, size] : plugged_modules(call.machine)) {
        const MemoryPlace place = module.place();
        TextBuffer backend;
        module.backend()->path(backend);
        Json data = Json::object();
        if (!instance.id().empty()) data["id"] = std::string(instance.id().view());
        data["addr"] = place.address;
        data["slot"] = place.slot;
        data["node"] = place.node;
        data["size"] = size;
        data["memdev"] = backend.text();
        data["hotplugged"] = place.hot_plugged;
        data["hotpluggable"] = true;
        list.push_back({{"type", std::string(module.kind().view())}, {"data", data}});
    }
    return list;
}

std::string show_memory_devices(const Json& result) {
    std::string text;
    for (const Json& row : result) {
        const Json& data = row["data"];
        text += "Memory device [" + row["type"].get<std::string>() + "]: \"" + data.value("id", "") + "\"\n";
        text += "  addr: 0x" + hex(data["addr"].get<std::uint64_t>()) + "\n";
        for (const char* name : {"slot", "node", "size"})
            text += std::string("  ") + name + ": " + data[name].dump() + "\n";
        text += "  memdev: " + data["memdev"].get<std::string>() + "\n";
        for (const char* name : {"hotplugged", "hotpluggable"})
            text += std::string("  ") + name + ": " + data[name].dump() + "\n";
    }
    return text;
}

Json memory_size(const Call& call) {
    std::uint64_t plugged = 0;
    for (const PluggedModule& each : plugged_modules(call.machine)) plugged += each.size;
    return {{"base-memory", call.machine.ram_size()}, {"plugged-memory", plugged}};
}

std::string show_memory_size(const Json& result) {
    return "base memory: " + result["base-memory"].dump() +
           "\nplugged memory: " + result["plugged-memory"].dump() + "\n";
}

constexpr CoreCommand kHotPlugCommands[] = {
    {{.name = "query-hotpluggable-cpus",
      .human = "info hotpluggable-cpus",
      .summary = "places for CPUs, and the CPUs that are there",
      .returns = "[HotpluggableCPU]"},
     hotpluggable_cpus,
     show_hotpluggable_cpus},
    {{.name = "query-memory-devices",
      .human = "info memory-devices",
      .summary = "memory modules that were added",
      .returns = "[MemoryDeviceInfo]"},
     memory_devices,
     show_memory_devices},
    {{.name = "query-memory-size-summary",
      .human = "info memory_size_summary",
      .summary = "how much memory there is, and how much of it was added",
      .returns = "MemoryInfo"},
     memory_size,
     show_memory_size},
};

}  // namespace

Slice<const CoreCommand> hot_plug_commands() { return kHotPlugCommands; }

}  // namespace backplane::kernel
