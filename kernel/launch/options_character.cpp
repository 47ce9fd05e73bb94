// -chardev, -serial, -monitor, -qmp, -mon, -nographic, -display: what is connected to what end of a byte stream.
//
// "stdio", "file:PATH", "unix:PATH,server=on" and the like are short for a -chardev of that type.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

bool take_prefix(std::string& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.erase(0, prefix.size());
    return true;
}

/// "host:port", "[::1]:port", ":port".
void split_host_port(const std::string& text, PropertyList& properties) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon + 1 == text.size())
        throw UserError("'" + text + "' is no HOST:PORT");
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!host.empty()) properties.emplace_back("host", host);
    properties.emplace_back("port", text.substr(colon + 1));
}

/// "HOST:PORT[@[LOCAL HOST]:LOCAL PORT]".
void split_datagram_ends(const std::string& text, PropertyList& properties) {
    const std::size_t at = text.find('@');
    split_host_port(text.substr(0, at), properties);
    if (at == std::string::npos) return;
    PropertyList local;
    split_host_port(text.substr(at + 1), local);
    for (auto& [name, value] : local)
        properties.emplace_back(name == "host" ? "localaddr" : "localport", value);
}

/// "800x600" in pixels, "80Cx24C" in characters, or nothing.
void split_console_size(const std::string& text, PropertyList& properties) {
    if (text.empty()) return;
    const std::size_t x = text.find('x');
    if (x == std::string::npos) throw UserError("'" + text + "' is no WIDTHxHEIGHT");
    std::string width = text.substr(0, x), height = text.substr(x + 1);
    const bool characters = width.ends_with('C') && height.ends_with('C');
    if (characters) {
        width.pop_back();
        height.pop_back();
    }
    properties.emplace_back(characters ? "cols" : "width", width);
    properties.emplace_back(characters ? "rows" : "height", height);
}

/// What the short form says, as type and properties.
ObjectPlan expand_short_form(std::string text) {
    ObjectPlan chardev;
    const std::size_t colon = text.find(':');
    const std::string kind = text.substr(0, colon);
    const std::string argument = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (kind == "unix" || kind == "tcp" || kind == "telnet") {
        chardev.type = "socket";
        SubOptions options = SubOptions::parse(argument, kind == "unix" ? "path" : "address");
        if (kind == "unix") chardev.properties.emplace_back("path", options.require("path"));
        else split_host_port(options.require("address"), chardev.properties);
        if (kind == "telnet") chardev.properties.emplace_back("telnet", "on");
        for (auto& property : options.rest()) chardev.properties.push_back(std::move(property));
    } else if (kind == "file" || kind == "pipe") {
        chardev.type = kind;
        SubOptions options = SubOptions::parse(argument, "path");
        chardev.properties.emplace_back("path", options.require("path"));
        for (auto& property : options.rest()) chardev.properties.push_back(std::move(property));
    } else if (text.starts_with("/dev/")) {
        chardev.type = "serial";
        chardev.properties.emplace_back("path", text);
    } else if (kind == "vc") {
        chardev.type = kind;
        split_console_size(argument, chardev.properties);
    } else if (kind == "udp") {
        chardev.type = kind;
        SubOptions options = SubOptions::parse(argument, "address");
        split_datagram_ends(options.require("address"), chardev.properties);
        for (auto& property : options.rest()) chardev.properties.push_back(std::move(property));
    } else {
        SubOptions options = SubOptions::parse(text, "backend");
        chardev.type = options.require("backend");
        chardev.properties = options.rest();
    }
    return chardev;
}

void add_monitor(PlanBuilder& builder, const std::string& chardev, bool control, bool pretty) {
    builder.plan().monitors.push_back({builder.option, chardev, control, pretty});
}

void apply_chardev(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "backend");
    const auto type = options.take("backend");
    if (options.help())
        return builder.ask(type ? HelpTopic{Kind::TypeProperties, "chardev", *type}
                                : HelpTopic{Kind::Chardevs, {}, {}});
    if (!type || type->empty()) throw UserError("parameter 'backend' is missing; -chardev help lists them");
    const std::string id = options.take_id();
    if (id.empty()) throw UserError("parameter 'id' is missing");
    const bool shared = options.take_flag("mux").value_or(false);
    builder.add_chardev({builder.option, *type, id, options.rest(), options.kinds()}, shared);
}

/// The next port of a kind: "serial0", "parallel0".
void add_port(PlanBuilder& builder, const std::string& value, std::vector<std::string>& ports,
              const char* kind) {
    std::string text = value;
    const bool monitor = take_prefix(text, "mon:");
    const std::string id = builder.chardev_for(text, kind + std::to_string(ports.size()), monitor);
    ports.push_back(id);
    if (!monitor) return;
    if (id.empty()) throw UserError("a monitor cannot be on 'none'");
    builder.monitor_given = true;
    add_monitor(builder, id, false, false);
}

void apply_serial(PlanBuilder& builder, const std::string& value) {
    builder.serial_given = true;
    add_port(builder, value, builder.plan().serials, "serial");
}

void apply_parallel(PlanBuilder& builder, const std::string& value) {
    builder.parallel_given = true;
    add_port(builder, value, builder.plan().parallels, "parallel");
}

/// Where it is, and what reads it, are defaults that -global changes.
void apply_debug_console(PlanBuilder& builder, const std::string& value) {
    std::string text = value;
    const std::string id = builder.chardev_for(text, "debugcon", take_prefix(text, "mon:"));
    if (!id.empty())
        builder.plan().devices.push_back({builder.option, "isa-debugcon", "", "", {{"chardev", id}}, {}});
}

void monitor_on(PlanBuilder& builder, const std::string& value, const std::string& stem, bool control,
                bool pretty) {
    std::string text = value;
    const bool shared = take_prefix(text, "mon:");
    const std::string id =
        builder.chardev_for(text, stem + std::to_string(builder.plan().monitors.size()), shared);
    if (!id.empty()) add_monitor(builder, id, control, pretty);
}

void apply_monitor(PlanBuilder& builder, const std::string& value) {
    builder.monitor_given = true;
    monitor_on(builder, value, "compat_monitor", false, false);
}

void apply_mon(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "chardev");
    const std::string chardev = options.require("chardev");
    const std::string mode = options.take_or("mode", "readline");
    if (mode != "readline" && mode != "control")
        throw UserError("mode is readline or control, not '" + mode + "'");
    const bool pretty = options.take_flag("pretty").value_or(false);
    options.take_id();
    options.expect_empty();
    builder.monitor_given |= mode == "readline";
    add_monitor(builder, chardev, mode == "control", pretty);
}

void apply_display(PlanBuilder& builder, const std::string& value) {
    if (value == "help" || value == "?")
        return builder.ask({Kind::Text, {}, "Available display backend types:\nnone\n"});
    if (value != "none")
        throw UserError("there is no display '" + value +
                        "'; use -vnc :1 for a VNC viewer, -display none, or -nographic for a console here");
    builder.display_none = true;
}

void apply_graphics(PlanBuilder& builder, const std::string& value) {
    if (value == "help" || value == "?") return builder.ask({Kind::Text, {}, "none\nstd\n"});
    constexpr const char* kCards[] = {"none", "std", "cirrus", "vmware", "virtio", "qxl", "xenfb"};
    if (std::ranges::find(kCards, value) == std::end(kCards))
        throw UserError("there is no card '" + value + "'; leave it out, or give none");
    builder.plan().display_option = builder.option;
    builder.plan().display = value == "none" ? "" : value;
}

/// Users' lines name the layout that there is.
void expect_layout(PlanBuilder& builder, const std::string& value) {
    if (value == "help" || value == "?") return builder.ask({Kind::Text, {}, "en-us\n"});
    if (value != "en-us")
        throw UserError("there is no layout '" + value +
                        "': letters are looked up on a keyboard of the United States (en-us), and viewers "
                        "that send scan codes, as most do, need none; leave it out");
}

/// Users' lines choose that there is no sound; there is none.
void expect_silence(PlanBuilder&, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "driver");
    if (options.take_or("driver", "") != "none" || options.has("model"))
        throw UserError("there is no sound; leave it out, or give the driver none");
}

/// A byte as a number or as itself.
void apply_escape(PlanBuilder& builder, const std::string& value) {
    builder.escape = value.size() == 1 && (value[0] < '0' || value[0] > '9')
                         ? std::uint8_t(value[0])
                         : std::uint8_t(number_value("echr", value, 255));
}

/// The accelerator "qtest" serves its protocol on a chardev.
void apply_qtest(PlanBuilder& builder, const std::string& value) {
    const std::string id = builder.chardev_for(value, "qtest", false);
    if (id.empty()) throw UserError("expects a character device such as unix:PATH, not 'none'");
    builder.qtest = id;
}

}  // namespace

void PlanBuilder::add_chardev(ObjectPlan chardev, bool shared) {
    LaunchPlan& plan = this->plan();
    claim_id("chardev", chardev.id);
    if (chardev.type == "stdio") {
        const auto same = [](const ObjectPlan& other) { return other.type == "stdio"; };
        const auto first = std::ranges::find_if(plan.chardevs, same);
        if (first != plan.chardevs.end())
            throw UserError("cannot use stdio by multiple character devices: " + first->option +
                            " has it; share it with mon:stdio or a chardev with mux=on");
        const auto has_signal = [](const auto& property) { return property.first == "signal"; };
        if (shared && std::ranges::none_of(chardev.properties, has_signal))
            chardev.properties.emplace_back("signal", "off");
    }
    if (!shared) {
        plan.chardevs.push_back(std::move(chardev));
        return;
    }
    const std::string id = chardev.id, base = chardev.id + "-base";
    chardev.id = base;
    claim_id("chardev", base);
    plan.chardevs.push_back(std::move(chardev));
    plan.chardevs.push_back({option, "mux", id, {{"chardev", base}}});
}

std::string PlanBuilder::chardev_for(std::string text, const std::string& id, bool shared) {
    if (text.empty())
        throw UserError("expects a character device such as stdio, file:PATH, unix:PATH,server=on or none");
    if (text == "none") return {};
    if (take_prefix(text, "chardev:")) return text;
    ObjectPlan chardev = expand_short_form(std::move(text));
    chardev.option = option;
    chardev.id = id;
    add_chardev(std::move(chardev), shared);
    return id;
}

OptionGroup character_options() {
    return {"Consoles and monitors",
            {{"nographic", nullptr,
              "the first serial port and the monitor share this terminal: Ctrl-a x\n"
              "leaves, Ctrl-a c goes from one to the other, Ctrl-a h lists the keys.\n"
              "There is no window, so this is also what happens when nothing else is\n"
              "said; with -vnc, -display none or -nodefaults nothing is connected",
              [](PlanBuilder& builder, const std::string&) { builder.nographic = true; }},
             {"display", "none", "nothing is connected that was not asked for", apply_display},
             {"serial", "DEVICE",
              "what the next serial port is connected to: stdio, mon:stdio (shared\n"
              "with a monitor), pty, file:PATH, unix:PATH[,server=on][,wait=off],\n"
              "tcp:HOST:PORT[,server=on][,wait=off], udp:HOST:PORT[@HOST:PORT],\n"
              "pipe:PATH, /dev/TTY, vc, null, none, chardev:ID",
              apply_serial},
             {"parallel", "DEVICE", "the same of the next printer port", apply_parallel},
             {"monitor", "DEVICE", "a monitor for people, on a device as for -serial", apply_monitor},
             {"qmp", "DEVICE", "a monitor that speaks JSON",
              [](PlanBuilder& builder, const std::string& value) {
                  monitor_on(builder, value, "compat_monitor", true, false);
              }},
             {"qmp-pretty", "DEVICE", "the same, indented",
              [](PlanBuilder& builder, const std::string& value) {
                  monitor_on(builder, value, "compat_monitor", true, true);
              }},
             {"mon", "[chardev=]ID[,mode=readline|control][,pretty=on|off]", "a monitor on a -chardev",
              apply_mon},
             {"chardev", "TYPE,id=ID[,mux=on|off][,PROPERTY=VALUE...]",
              "a byte stream of the host (-chardev help lists the types)", apply_chardev},
             {"echr", "N", "the byte that begins a command on a shared terminal (1: Ctrl-a)", apply_escape},
             {"vga", "std|none", "a graphics adapter where the machine has a place for one; see screendump",
              apply_graphics},
             {"k", "en-us", "the keyboard on which viewers' letters are looked up", expect_layout},
             {"audio", "none", "there is no sound", expect_silence},
             {"audiodev", "none,id=ID", "the same", expect_silence},
             {"debugcon", "DEVICE", "what firmware says on its debug port goes to a device as for -serial",
              apply_debug_console},
             {"qtest", "DEVICE", "where -accel qtest listens", apply_qtest},
             {"qtest-log", "FILE | none", "where -accel qtest writes what it hears and says",
              [](PlanBuilder& builder, const std::string& value) { builder.qtest_log = value; }}}};
}

}  // namespace backplane::kernel
