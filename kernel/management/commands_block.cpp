// Commands on block nodes, and on the drives that they are in.
#include "kernel/machine/drives.h"
#include "kernel/management/management.h"
#include "kernel/management/object_arguments.h"
#include "kernel/vocabulary/suboptions.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

std::string text_of(Instance& object, const char* name) {
    IgnoredErrors none;
    TextBuffer value;
    return object.get_property(name, value, none) ? value.text() : "";
}

bool empty(const Instance* node) { return !node || node->type_name() == Str("blockdev-empty"); }

/// What users call its type; an image of no format is shown as the peers of this program show it.
std::string driver_of(const Call& call, const Instance& node) {
    const ManifestType* type = call.machine.catalog().find_type(node.type_name().view());
    return type ? type->option_name() : std::string(node.type_name().view());
}

/// The file at the bottom.
std::string file_of(const Call& call, Instance& node) {
    const std::string file = text_of(node, "filename");
    if (!file.empty()) return file;
    const std::string path = text_of(node, "file");
    Instance* below = path.empty() ? nullptr : call.machine.objects().find_path(path);
    return below ? file_of(call, *below) : "";
}

bool is_on(Instance& node, const char* property) { return text_of(node, property) == "on"; }

Json describe(const Call& call, Instance& node) {
    const auto& block = *query<BlockBackend>(node);
    const std::string file = file_of(call, node);
    const std::string driver = driver_of(call, node);
    Json json{{"node-name", std::string(node.id().view())},
              {"drv", driver},
              {"ro", block.read_only()},
              {"image", {{"virtual-size", block.size()}, {"filename", file}, {"format", driver}}},
              {"cache",
               {{"writeback", block.write_cache()},
                {"direct", is_on(node, "cache.direct")},
                {"no-flush", is_on(node, "cache.no-flush")}}}};
    if (!file.empty()) json["file"] = file;
    return json;
}

/// As management tools look for a device: "/machine/peripheral/disk0/…".
std::string path_without_buses(const Instance& device) {
    const Object* above = device.parent();
    const std::string name = "/" + std::string(device.name().view());
    if (!above) return "";
    const auto& parent = static_cast<const Instance&>(*above);
    return parent.is_a("bus") ? path_without_buses(static_cast<const Instance&>(*parent.parent())) + name
                              : path_without_buses(parent) + name;
}

Json query_block(const Call& call) {
    Json list = Json::array();
    for (const Drives::Drive& drive : call.machine.drives().all()) {
        const auto* medium = drive.device ? query<MediumDrive>(*drive.device) : nullptr;
        Json row{{"device", drive.name},
                 {"type", "unknown"},
                 {"removable", !drive.device || medium},
                 {"locked", medium && medium->locked()}};
        if (medium && medium->has_tray()) row["tray_open"] = medium->tray_open();
        if (!empty(drive.node)) row["inserted"] = describe(call, *drive.node);
        if (drive.device) {
            const std::string id(drive.device->id().view());
            row["qdev"] = id.empty() ? path_without_buses(*drive.device) : id;
        }
        list.push_back(std::move(row));
    }
    return list;
}

Json query_nodes(const Call& call) {
    Json list = Json::array();
    if (Instance* folder = call.machine.objects().find_path("/blockdevs"))
        for (const auto& node : folder->children())
            if (!empty(node.get()) && query<BlockBackend>(*node)) list.push_back(describe(call, *node));
    return list;
}

std::string cache_text(const Json& node) {
    const Json& cache = node["cache"];
    return std::string("    Cache mode:       ") +
           (cache["writeback"].get<bool>() ? "writeback" : "writethrough") +
           (cache["direct"].get<bool>() ? ", direct" : "") +
           (cache["no-flush"].get<bool>() ? ", ignore flushes" : "") + "\n";
}

std::string image_text(const Json& node) {
    return node.value("file", "") + " (" + node["drv"].get<std::string>() +
           (node["ro"].get<bool>() ? ", read-only" : "") + ")";
}

std::string show_drive(const Json& row) {
    const Json node = row.value("inserted", Json());
    std::string name = row["device"].get<std::string>();
    const std::string node_name = node.is_null() ? "" : node["node-name"].get<std::string>();
    if (name.empty()) name = node.is_null() ? row.value("qdev", "") : node_name;
    else if (!node.is_null()) name += " (" + node_name + ")";
    std::string text = name + ": " + (node.is_null() ? "[not inserted]" : image_text(node)) + "\n";
    if (row.contains("qdev")) text += "    Attached to:      " + row["qdev"].get<std::string>() + "\n";
    if (row["removable"].get<bool>())
        text += std::string("    Removable device: ") + (row["locked"].get<bool>() ? "" : "not ") +
                "locked, tray " + (row.value("tray_open", false) ? "open" : "closed") + "\n";
    return text + (node.is_null() ? "" : cache_text(node));
}

/// info block [-n] [NAME]
Json info_block(const Call& call) {
    const std::string wanted = call.text("name");
    std::string text;
    const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "\n") + more; };
    if (call.flag("nodes")) {
        for (const Json& node : query_nodes(call))
            if (wanted.empty() || node["node-name"] == wanted)
                add(node["node-name"].get<std::string>() + ": " + image_text(node) + "\n" + cache_text(node));
    } else {
        for (const Json& row : query_block(call))
            if (wanted.empty() || row["device"] == wanted) add(show_drive(row));
    }
    return readable(text);
}

/// A node as it is described, and those below it that are described within: "file": {"driver": …}.
class NodeMaker {
  public:
    explicit NodeMaker(const Call& call) : call_(call) {}
    Instance& make(const Json& described, const std::string& name, const std::string& shown) {
        const std::string driver = member_text(described, "driver");
        if (driver.empty()) fail_command("Parameter '" + shown + "driver' is missing");
        if (call_.machine.objects().find_id(name))
            fail_command("Duplicate nodes with node-name='" + name + "'");
        const std::string type =
            call_.machine.catalog().resolve_option(driver, "block-node", "block driver", errors_);
        expect(!type.empty(), errors_);
        const JsonProperties properties(call_, type);
        PropertyList list;
        Instance* below = nullptr;
        for (const auto& [member, value] : described.items()) {
            if (member == "driver" || member == "node-name") continue;
            if (member == "file" && value.is_object()) {
                below = &make(with_defaults(value, described), below_name(value, name), shown + "file.");
                list.emplace_back("file", std::string(below->id().view()));
            } else {
                properties.add(value, member, shown + member, list);
            }
        }
        Instance* made = call_.machine.create_backend(type, name, list, "blockdevs", errors_);
        if (!made && below) call_.machine.objects().destroy(*below);
        expect(made != nullptr, errors_);
        if (below) call_.machine.drives().own(*below);
        return *made;
    }

  private:
    /// What is asked of the whole holds for the node below, unless that says otherwise.
    static Json with_defaults(Json below, const Json& whole) {
        if (whole.contains("read-only") && !below.contains("read-only"))
            below["read-only"] = whole["read-only"];
        if (!whole.contains("cache") || !whole["cache"].is_object()) return below;
        Json cache = below.value("cache", Json::object());
        if (!cache.is_object()) return below;  // which is refused where it is read
        for (const auto& [member, value] : whole["cache"].items())
            if (!cache.contains(member)) cache[member] = value;
        below["cache"] = cache;
        return below;
    }
    static std::string below_name(const Json& below, const std::string& name) {
        const std::string own = member_text(below, "node-name");
        return own.empty() ? name + "-file" : own;
    }

    const Call& call_;
    ErrorText errors_;
};

Json blockdev_add(const Call& call) {
    if (!call.arguments.contains("node-name"))
        fail_command("'node-name' must be specified for the root node");
    Json named{{"id", call.arguments["node-name"]}};
    NodeMaker(call).make(call.arguments, required_id(named), "");
    return Json::object();
}

Json blockdev_del(const Call& call) {
    const std::string name = call.text("node-name");
    Instance* node = call.machine.objects().find_id(name);
    if (!node || !query<BlockBackend>(*node))
        fail_command("Failed to find node with node-name='" + name + "'");
    ErrorText errors;
    if (call.machine.drives().owned(*node))
        fail_command("Node " + name +
                     " was made for its drive, and goes when its medium is changed or ejected");
    expect(call.machine.drives().remove_node(*node, errors), errors);
    return Json::object();
}

/// A node by its own name, or the one in a drive.
Instance& node_to_resize(const Call& call) {
    const std::string drive = call.text("device"), name = call.text("node-name");
    Instance* node = name.empty() ? nullptr : call.machine.objects().find_id(name);
    if (name.empty())
        if (const Drives::Drive* found = call.machine.drives().find(drive)) node = found->node;
    if (!node || !query<BlockBackend>(*node))
        fail_command("Cannot find device='" + drive + "' nor node-name='" + name + "'");
    return *node;
}

void resize(Instance& node, std::uint64_t bytes) {
    if (bytes > std::uint64_t(INT64_MAX)) fail_command("Parameter 'size' expects a >0 size");
    auto* resizable = query<BlockResize>(node);
    if (!resizable)
        fail_command("Block node '" + std::string(node.id().view()) + "' (" +
                     std::string(node.type_name().view()) + ") does not support being resized");
    ErrorText errors;
    expect(resizable->resize(bytes, errors), errors);
}

Json block_resize(const Call& call) {
    resize(node_to_resize(call), call.number("size"));
    return Json::object();
}

/// People's sizes are in MiB where they have no unit.
Json block_resize_typed(const Call& call) {
    std::uint64_t bytes = 0;
    try {
        bytes = size_value("size", call.text("size"), 1u << 20);
    } catch (const UserError& error) {
        fail_command(error.what());
    }
    resize(node_to_resize(call), bytes);
    return Json::object();
}

constexpr ArgumentInfo kResized[] = {{.name = "device", .required = false},
                                     {.name = "node-name", .required = false},
                                     {.name = "size", .kind = Kind::Number}};
constexpr ArgumentInfo kResizedTyped[] = {{.name = "device"}, {.name = "size"}};
constexpr ArgumentInfo kInfo[] = {{.name = "nodes", .kind = Kind::Flag, .required = false},
                                  {.name = "name", .required = false}};
constexpr ArgumentInfo kNode[] = {{.name = "driver", .kind = Kind::Options}};
constexpr ArgumentInfo kNodeName[] = {{.name = "node-name"}};
constexpr CoreCommand kBlockCommands[] = {
    {{.name = "query-block", .summary = "drives, and what is in them", .returns = "[BlockInfo]"},
     query_block},
    {{.name = "query-named-block-nodes", .summary = "block nodes", .returns = "[BlockDeviceInfo]"},
     query_nodes},
    {{.human = "info block",
      .summary = "drives, and what is in them; -n: block nodes",
      .arguments = kInfo,
      .returns = "HumanReadableText"},
     info_block},
    {{.name = "blockdev-add", .summary = "make a block node", .arguments = kNode}, blockdev_add},
    {{.name = "block_resize", .summary = "make a disk's image longer or shorter", .arguments = kResized},
     block_resize},
    {{.human = "block_resize",
      .summary = "make a disk's image longer or shorter: SIZE in MiB, or with a unit",
      .arguments = kResizedTyped},
     block_resize_typed},
    {{.name = "blockdev-del", .summary = "remove a block node", .arguments = kNodeName}, blockdev_del},
};

}  // namespace

Slice<const CoreCommand> block_commands() { return kBlockCommands; }

}  // namespace backplane::kernel
