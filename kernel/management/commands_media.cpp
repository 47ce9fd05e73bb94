// Commands that change what is in a drive, step by step (blockdev-open-tray …) or at once (eject, change).
#include "kernel/machine/drives.h"
#include "kernel/management/management.h"
#include "kernel/management/object_arguments.h"

#include <backplane/whereabouts.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

bool holds_medium(const Instance* node) { return node && node->type_name() != Str("blockdev-empty"); }

/// The drive that a call is about, and its part that users may open.
struct Target {
    Instance& device;
    MediumDrive& drive;
    std::string name;  ///< for messages
};

[[noreturn]] void not_found(const std::string& name) {
    fail_command("Device '" + name + "' not found", "DeviceNotFound");
}

Instance& device_by_name(const Call& call, const std::string& name) {
    const Drives::Drive* drive = call.machine.drives().find(name);
    if (!drive) not_found(name);
    if (!drive->device) fail_command("Device '" + name + "' is in no machine's drive: no device has it");
    return *drive->device;
}

Instance& device_by_id(const Call& call, const std::string& id) {
    Instance* device = call.machine.objects().find(id);
    if (!device || !device->is_a("device")) not_found(id);
    return *device;
}

/// `device`, the name of a drive, or `id`, that of a device.
Target target(const Call& call) {
    const std::string name = call.text("device"), id = call.text("id");
    if (call.arguments.contains("device") == call.arguments.contains("id"))
        fail_command("Need exactly one of 'device' and 'id'");
    const std::string& shown = name.empty() ? id : name;
    Instance& device = name.empty() ? device_by_id(call, id) : device_by_name(call, name);
    if (auto* drive = query<MediumDrive>(device)) return {device, *drive, shown};
    if (device.has_property("drive")) fail_command("Device '" + shown + "' is not removable");
    fail_command("Device does not have a block device backend");
}

/// False: the guest has locked it, and was asked.
bool open_tray(const Target& target, bool force) {
    if (!target.drive.has_tray() || target.drive.tray_open()) return true;
    if (target.drive.locked()) {
        target.drive.ask_for_medium();
        if (!force) return false;
    }
    target.drive.move_tray(true);
    return true;
}

void close_tray(const Target& target) {
    if (target.drive.has_tray() && target.drive.tray_open()) target.drive.move_tray(false);
}

void open_for_change(const Call& call, const Target& target) {
    if (open_tray(target, call.flag("force"))) return;
    fail_command("Device '" + target.name +
                 "' is locked and force was not specified, wait for tray to open and try again");
}

void change(const Call& call, const Target& target, Instance* node) {
    ErrorText errors;
    expect(call.machine.drives().change(target.device, node, errors), errors);
}

Json eject(const Call& call) {
    const Target drive = target(call);
    open_for_change(call, drive);
    change(call, drive, nullptr);
    return Json::object();
}

Json blockdev_open_tray(const Call& call) {
    open_tray(target(call), call.flag("force"));
    return Json::object();
}

Json blockdev_close_tray(const Call& call) {
    close_tray(target(call));
    return Json::object();
}

void require_open(const Target& target, const std::string& otherwise) {
    if (target.drive.has_tray() && !target.drive.tray_open()) fail_command(otherwise);
}

Json blockdev_remove_medium(const Call& call) {
    const Target drive = target(call);
    require_open(drive, "Tray of device '" + drive.name + "' is not open");
    change(call, drive, nullptr);
    return Json::object();
}

Json blockdev_insert_medium(const Call& call) {
    const Target drive = target(call);
    const std::string name = call.text("node-name");
    Instance* node = call.machine.objects().find_id(name);
    if (!node || !query<BlockBackend>(*node)) fail_command("Node '" + name + "' not found");
    if (node->user_outside()) fail_command("Node '" + name + "' is already in use");
    require_open(drive, "Tray of the device is not open");
    if (holds_medium(call.machine.drives().medium_of(drive.device)))
        fail_command("There already is a medium in device '" + drive.name + "'");
    change(call, drive, node);
    return Json::object();
}

/// Is the next medium not to be written?
bool wants_read_only(const Call& call, const Target& target) {
    if (!target.drive.writes()) return true;
    const std::string mode = call.text("read-only-mode", "retain");
    if (mode != "retain") return mode == "read-only";
    Instance* before = call.machine.drives().medium_of(target.device);
    return holds_medium(before) && query<BlockBackend>(*before)->read_only();
}

std::string unused_name(const Call& call) {
    unsigned number = 0;
    std::string name;
    while (call.machine.objects().find_id(name = "medium" + std::to_string(number))) ++number;
    return name;
}

/// The nodes of an image, as -drive makes them; they go with the medium.
Instance& open_image(const Call& call, const Target& target) {
    ErrorText errors;
    const std::string format = call.text("format", "raw");
    const std::string name = unused_name(call);
    const bool plain = format == "raw";
    const std::string type =
        call.machine.catalog().resolve_option(plain ? "file" : format, "block-node", "block driver", errors);
    expect(!type.empty(), errors);
    PropertyList properties{{"filename", call.text("filename")},
                            {"read-only", wants_read_only(call, target) ? "on" : "off"}};
    Drives& drives = call.machine.drives();
    if (!plain) {
        const std::string below_type =
            call.machine.catalog().resolve_option("file", "block-node", "block driver", errors);
        Instance* below =
            call.machine.create_backend(below_type, name + "-file", properties, "blockdevs", errors);
        expect(below != nullptr, errors);
        drives.own(*below);
        properties = {{"file", name + "-file"}, properties[1]};
    }
    Instance* node = call.machine.create_backend(type, name, properties, "blockdevs", errors);
    if (!node && !plain) {
        ErrorText unused;
        drives.remove_node(*call.machine.objects().find_id(name + "-file"), unused);
    }
    expect(node != nullptr, errors);
    drives.own(*node);
    return *node;
}

/// The image of a medium that is to go may be that of the next one: it keeps nobody off meanwhile.
class Unlocked {
  public:
    Unlocked(const Call& call, Instance* node) {
        for (; node; node = below(call, *node))
            if (auto* image = query<Exclusive>(*node)) {
                image->let_go();
                images_.push_back(image);
            }
    }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;
    ~Unlocked() {
        IgnoredErrors none;
        for (Exclusive* image : images_) image->take(none);
    }
    /// The medium went.
    void forget() { images_.clear(); }

  private:
    static Instance* below(const Call& call, Instance& node) {
        IgnoredErrors none;
        TextBuffer path;
        if (!node.get_property("file", path, none) || path.text().empty()) return nullptr;
        return call.machine.objects().find_path(path.text());
    }
    std::vector<Exclusive*> images_;
};

Json blockdev_change_medium(const Call& call) {
    const Target drive = target(call);
    Drives& drives = call.machine.drives();
    Instance* before = drives.medium_of(drive.device);
    Unlocked old(call, before && drives.owned(*before) ? before : nullptr);
    Instance& node = open_image(call, drive);
    try {
        open_for_change(call, drive);
        change(call, drive, &node);
    } catch (const CommandError&) {
        ErrorText unused;
        drives.remove_node(node, unused);
        throw;
    }
    old.forget();
    close_tray(drive);
    return Json::object();
}

constexpr ArgumentInfo kDrive[] = {{.name = "device", .required = false}, {.name = "id", .required = false}};
constexpr ArgumentInfo kEject[] = {{.name = "force", .kind = Kind::Flag, .required = false},
                                   {.name = "device", .required = false},
                                   {.name = "id", .required = false}};
constexpr ArgumentInfo kMedium[] = {{.name = "id"}};
constexpr ArgumentInfo kNewMedium[] = {{.name = "id"}, {.name = "node-name"}};
constexpr const char* kModes = "retain|read-only|read-write";
constexpr ArgumentInfo kImage[] = {{.name = "device", .required = false},
                                   {.name = "id", .required = false},
                                   {.name = "filename"},
                                   {.name = "format", .required = false},
                                   {.name = "force", .kind = Kind::Flag, .required = false},
                                   {.name = "read-only-mode", .required = false, .choices = kModes}};
constexpr ArgumentInfo kChange[] = {{.name = "force", .kind = Kind::Flag, .required = false},
                                    {.name = "device"},
                                    {.name = "filename"},
                                    {.name = "format", .required = false},
                                    {.name = "read-only-mode", .required = false, .choices = kModes}};
constexpr CoreCommand kMediaCommands[] = {
    {{.name = "eject",
      .human = "eject",
      .summary = "take out what is in a drive; -f: also where the guest has locked it",
      .arguments = kEject},
     eject},
    {{.human = "change", .summary = "put an image into a drive", .arguments = kChange},
     blockdev_change_medium},
    {{.name = "blockdev-change-medium", .summary = "put an image into a drive", .arguments = kImage},
     blockdev_change_medium},
    {{.name = "blockdev-open-tray", .summary = "open a drive's tray", .arguments = kEject},
     blockdev_open_tray},
    {{.name = "blockdev-close-tray", .summary = "close a drive's tray", .arguments = kDrive},
     blockdev_close_tray},
    {{.name = "blockdev-remove-medium", .summary = "take a node out of an open drive", .arguments = kMedium},
     blockdev_remove_medium},
    {{.name = "blockdev-insert-medium", .summary = "put a node into an open drive", .arguments = kNewMedium},
     blockdev_insert_medium},
};

}  // namespace

Slice<const CoreCommand> media_commands() { return kMediaCommands; }

}  // namespace backplane::kernel
