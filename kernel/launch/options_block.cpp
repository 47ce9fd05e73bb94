// -blockdev, -drive and the short forms: images of the host as block nodes, and where -drive plugs them in.
//
// Not here: throttling.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

constexpr std::string_view kBelow = "file.";  ///< ahead of what is said of the node below

/// A blockdev's nested "file.driver=…" members become a node of their own that "file" then names.
void add_node(PlanBuilder& builder, SubOptions options, const std::string& name) {
    ObjectPlan node{builder.option, options.require("driver"), name, {}};
    SubOptions inner;
    JsonKinds own_kinds, inner_kinds;
    for (const auto& [key, kind] : options.kinds()) {
        if (key.starts_with(kBelow)) inner_kinds[key.substr(kBelow.size())] = kind;
        else own_kinds[key] = kind;
    }
    PropertyList own;
    bool nested = false;
    for (auto& [key, value] : options.rest()) {
        nested |= key.starts_with(kBelow);
        if (key.starts_with(kBelow)) inner.add(key.substr(kBelow.size()), value);
        else own.emplace_back(key, value);
    }
    if (nested) {
        inner.set_kinds(std::move(inner_kinds));
        // What is asked of the whole holds for the node below, unless that says otherwise.
        for (const std::string key : {"read-only", "cache.direct", "cache.no-flush"})
            for (const auto& [name, value] : own)
                if (name == key && !inner.has(key)) inner.add(key, value);
        const std::string inner_name = inner.take_or("node-name", name + "-file");
        check_id(inner_name);
        if (!inner.has("driver")) inner.add("driver", "file");
        add_node(builder, std::move(inner), inner_name);
        builder.plan().block_nodes.back().own = true;
        own.emplace_back("file", inner_name);
    }
    node.json = std::move(own_kinds);
    builder.claim_id("block node", name);
    node.properties = std::move(own);
    builder.plan().block_nodes.push_back(std::move(node));
}

void apply_blockdev(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "driver");
    const auto driver = options.take("driver");
    if (options.help())
        return builder.ask(driver ? HelpTopic{Kind::TypeProperties, "block-node", *driver}
                                  : HelpTopic{Kind::BlockDrivers, {}, {}});
    if (driver) options.add("driver", *driver);
    const std::string name = options.require("node-name");
    check_id(name);
    if (!options.has("driver")) throw UserError("parameter 'driver' is missing; -blockdev help lists them");
    add_node(builder, std::move(options), name);
}

/// The classic cache modes as what they stand for: bypass the host's cache, report writes as cached, skip flushes.
void apply_cache_mode(const std::string& mode, PropertyList& properties) {
    struct Mode {
        const char* name;
        bool direct, writeback, no_flush;
    };
    constexpr Mode kModes[] = {{"writeback", false, true, false},  {"none", true, true, false},
                               {"off", true, true, false},         {"writethrough", false, false, false},
                               {"directsync", true, false, false}, {"unsafe", false, true, true}};
    for (const Mode& known : kModes) {
        if (mode != known.name) continue;
        if (known.direct) properties.emplace_back("cache.direct", "on");
        if (known.no_flush) properties.emplace_back("cache.no-flush", "on");
        if (!known.writeback) properties.emplace_back("cache.writeback", "off");
        return;
    }
    throw UserError("invalid cache option '" + mode +
                    "': none, writeback, writethrough, directsync or unsafe");
}

void refuse(SubOptions& options, const char* key, const char* harmless, const char* reason) {
    const auto value = options.take(key);
    if (value && *value != harmless) throw UserError(std::string(key) + "=" + *value + ": " + reason);
}

/// What becomes of the disk's errors, where its device does not say it. Diskettes and flash have nobody to ask.
void take_error_policies(SubOptions& options, DrivePlan& drive) {
    constexpr std::string_view kReads[] = {"report", "ignore", "stop"};
    constexpr std::string_view kWrites[] = {"report", "ignore", "stop", "enospc"};
    drive.read_errors = options.take_or("rerror", "");
    drive.write_errors = options.take_or("werror", "");
    const auto known = [](std::span<const std::string_view> choices, const std::string& value) {
        return value.empty() || std::ranges::find(choices, value) != choices.end();
    };
    if (!known(kReads, drive.read_errors))
        throw UserError("'" + drive.read_errors + "' invalid read error action: report, ignore or stop");
    if (!known(kWrites, drive.write_errors))
        throw UserError("'" + drive.write_errors +
                        "' invalid write error action: report, ignore, enospc or stop");
    for (const auto& [name, value] :
         {std::pair("rerror", drive.read_errors), std::pair("werror", drive.write_errors)})
        if (!value.empty() && value != "report" &&
            (drive.interface == "floppy" || drive.interface == "pflash"))
            throw UserError(std::string(name) + "=" + value + " is not supported by if=" + drive.interface);
}

void refuse_throttling(SubOptions& options) {
    constexpr const char* kLimits[] = {"iops", "iops_rd", "iops_wr", "bps", "bps_rd", "bps_wr"};
    for (const char* limit : kLimits)
        refuse(options, limit, "0", "disks are not throttled; limit the process, with a cgroup's io.max");
    constexpr const char* kNewLimits[] = {"iops-total", "iops-read", "iops-write",
                                          "bps-total",  "bps-read",  "bps-write"};
    for (const char* limit : kNewLimits)
        refuse(options, (std::string("throttling.") + limit).c_str(), "0",
               "disks are not throttled; limit the process, with a cgroup's io.max");
}

/// What file= names, also where it is spelled out: file.driver=file,file.filename=FILE. Empty: the drive is.
std::string image_of(SubOptions& options) {
    if (!options.has("file.filename")) return options.take_or("file", "");
    const std::string driver = options.take_or("file.driver", "file");
    if (driver != "file" && driver != "host_device")
        throw UserError("file.driver=" + driver + ": images are files and devices of this host");
    return options.require("file.filename");
}

/// A drive that is to get its medium later.
void add_empty_drive(PlanBuilder& builder, DrivePlan drive, SubOptions& options) {
    for (const auto& [name, value] : options.rest())
        throw UserError(name + "=" + value +
                        ": the drive is empty, and this is said of its image; give file=");
    if (!drive.named) drive.node = builder.unused_id("drive");
    builder.claim_id("block node", drive.node);
    builder.plan().block_nodes.push_back({builder.option, "blockdev-empty", drive.node, {}});
    builder.plan().drives.push_back(std::move(drive));
}

void add_drive(PlanBuilder& builder, SubOptions options) {
    LaunchPlan& plan = builder.plan();
    DrivePlan drive{
        .option = builder.option, .interface = options.take_or("if", ""), .index = {}, .node = {}};
    if (const auto index = options.take_number("index", 1023)) drive.index = unsigned(*index);
    if (const auto unit = options.take_number("unit", 1023)) drive.index = unsigned(*unit);
    refuse(options, "bus", "0", "a drive is placed by index=; to name a bus, use if=none with -device");
    const std::string media = options.take_or("media", "disk");
    if (media != "disk" && media != "cdrom") throw UserError("'" + media + "' invalid media: disk or cdrom");
    drive.removable = media == "cdrom";

    const std::string file = image_of(options);
    const std::string format = options.take_or("format", options.take_or("driver", "raw"));
    const std::string cache = options.take_or("cache", "writeback");
    bool read_only = drive.removable;
    for (const char* key : {"readonly", "read-only"}) read_only = options.take_flag(key).value_or(read_only);
    const auto snapshot = options.take_flag("snapshot");
    take_error_policies(options, drive);
    refuse(options, "copy-on-read", "off", "no format has a backing file to copy from");
    refuse_throttling(options);

    drive.node = options.take_id();
    drive.named = !drive.node.empty();
    if (file.empty()) return add_empty_drive(builder, std::move(drive), options);
    if (!drive.named) drive.node = builder.unused_id("drive");
    builder.claim_id("block node", drive.node);

    ObjectPlan node{builder.option, "file", format == "raw" ? drive.node : drive.node + "-file", {}};
    node.own = true;
    node.properties.emplace_back("filename", file);
    apply_cache_mode(cache, node.properties);
    if (read_only) node.properties.emplace_back("read-only", "on");
    for (auto& [name, value] : options.rest())
        node.properties.emplace_back(name.starts_with(kBelow) ? name.substr(kBelow.size()) : name, value);
    if (!read_only && snapshot.value_or(false)) builder.kept_drives.push_back(drive.node);
    if (!read_only && !snapshot) builder.unspecific_drives.push_back(drive.node);
    const std::string below = node.id;
    plan.block_nodes.push_back(std::move(node));
    if (format != "raw") {
        ObjectPlan upper{builder.option, format, drive.node, {{"file", below}}};
        if (read_only) upper.properties.emplace_back("read-only", "on");
        plan.block_nodes.push_back(std::move(upper));
    }
    plan.drives.push_back(std::move(drive));
}

/// The node that `drive` names becomes an overlay on what it was.
void add_overlay(PlanBuilder& builder, const std::string& drive) {
    std::vector<ObjectPlan>& nodes = builder.plan().block_nodes;
    const auto node = std::ranges::find(nodes, drive, &ObjectPlan::id);
    const std::string below = drive + "-original";
    builder.claim_id("block node", below);
    node->id = below;
    // The nodes of a drive stand together, and none of them is written.
    for (ObjectPlan& own : nodes)
        if (own.id == below || own.id == drive + "-file") own.properties.emplace_back("read-only", "on");
    nodes.insert(std::next(node), {node->option, "temporary-overlay", drive, {{"file", below}}});
}

void apply_drive(PlanBuilder& builder, const std::string& value) {
    add_drive(builder, SubOptions::parse(value, ""));
}

template <int Index, bool Removable = false>
void apply_short(PlanBuilder& builder, const std::string& value) {
    SubOptions options;
    options.add("file", value);
    options.add("index", std::to_string(Index));
    if (Removable) options.add("media", "cdrom");
    add_drive(builder, std::move(options));
}

template <int Index>
void apply_floppy(PlanBuilder& builder, const std::string& value) {
    SubOptions options;
    options.add("file", value);
    options.add("if", "floppy");
    options.add("index", std::to_string(Index));
    add_drive(builder, std::move(options));
}

void apply_flash(PlanBuilder& builder, const std::string& value) {
    SubOptions options;
    options.add("file", value);
    options.add("if", "pflash");
    add_drive(builder, std::move(options));
}

}  // namespace

void PlanBuilder::add_overlays() {
    for (const std::string& drive : kept_drives) add_overlay(*this, drive);
    if (!snapshot) return;
    for (const std::string& drive : unspecific_drives) add_overlay(*this, drive);
}

OptionGroup block_options() {
    return {"Disks",
            {{"blockdev", "[driver=]DRIVER,node-name=NAME[,PROPERTY=VALUE...]",
              "a block node, also as a JSON object; file.PROPERTY=VALUE describes\n"
              "the node below it (-blockdev help lists the drivers)",
              apply_blockdev},
             {"drive", "[file=FILE][,if=INTERFACE][,index=N][,format=F][,id=ID][,media=disk|cdrom]",
              "[,readonly=on|off][,snapshot=on|off]\n"
              "[,cache=writeback|none|writethrough|directsync|unsafe]\n"
              "[,PROPERTY=VALUE...]  an image and the disk that shows it to the guest;\n"
              "if=none makes the node alone, for -device ...,drive=ID; without file=\n"
              "the drive is empty",
              apply_drive},
             {"snapshot", nullptr,
              "drives stay as they are: what is written goes to temporary files, and is\n"
              "gone at the end (but for those with snapshot=off)",
              [](PlanBuilder& builder, const std::string&) { builder.snapshot = true; }},
             {"hda", "FILE", "drive 0 of the machine's own interface", apply_short<0>},
             {"hdb", "FILE", "drive 1", apply_short<1>},
             {"hdc", "FILE", "drive 2", apply_short<2>},
             {"hdd", "FILE", "drive 3", apply_short<3>},
             {"cdrom", "FILE", "drive 2 as a CD-ROM", apply_short<2, true>},
             {"fda", "FILE", "the diskette in floppy drive 0", apply_floppy<0>},
             {"fdb", "FILE", "the diskette in floppy drive 1", apply_floppy<1>},
             {"pflash", "FILE", "the contents of the machine's next flash chip", apply_flash}}};
}

}  // namespace backplane::kernel
