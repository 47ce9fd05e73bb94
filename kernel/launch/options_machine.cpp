// -machine, -accel, -cpu, -smp, -m, -global, -rtc: what the machine is.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

#include <backplane/text.h>

#include <cstdio>
#include <ctime>

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

void add_accelerators(PlanBuilder& builder, std::string names, const PropertyList& properties) {
    while (true) {
        const std::size_t colon = names.find(':');
        const std::string name = names.substr(0, colon);
        if (name.empty())
            throw UserError("expects accelerator names with ':' between them; -accel help lists them");
        builder.plan().accelerators.push_back({builder.option, name, properties});
        if (colon == std::string::npos) return;
        names.erase(0, colon + 1);
    }
}

void apply_machine(PlanBuilder& builder, const std::string& value) {
    LaunchPlan& plan = builder.plan();
    SubOptions options = SubOptions::parse(value, "type");
    const auto type = options.take("type");
    if (type) plan.machine = *type;
    if (type && type->empty()) throw UserError("expects a machine type; -machine help lists them");
    if (options.help())
        return builder.ask({type ? Kind::MachineProperties : Kind::Machines, "machine", plan.machine});
    plan.machine_option = builder.option;
    if (const auto accelerators = options.take("accel")) {
        if (!plan.accelerators.empty() && !builder.machine_accelerator)
            throw UserError("the -accel and \"-machine accel=\" options are incompatible; use -accel alone");
        plan.accelerators.clear();
        builder.machine_accelerator = true;
        add_accelerators(builder, *accelerators, {});
    }
    if (const auto backend = options.take("memory-backend")) {
        plan.memory_backend = *backend;
        plan.memory_backend_option = builder.option;
    }
    for (auto& property : options.rest()) {
        std::erase_if(plan.property_options,
                      [&](const auto& other) { return other.first == property.first; });
        plan.property_options.emplace_back(property.first, builder.option);
        plan.machine_properties.push_back(std::move(property));
    }
}

void apply_accel(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "accel");
    const auto name = options.take("accel");
    if (options.help())
        return builder.ask(name ? HelpTopic{Kind::TypeProperties, "accelerator", *name}
                                : HelpTopic{Kind::Accelerators, {}, {}});
    if (builder.machine_accelerator)
        throw UserError("the -accel and \"-machine accel=\" options are incompatible; use -accel alone");
    const std::string names = name.value_or("");
    add_accelerators(builder, names, options.rest());
}

void apply_usb(PlanBuilder& builder, const std::string&) { apply_machine(builder, "usb=on"); }

void apply_enable_kvm(PlanBuilder& builder, const std::string&) { apply_accel(builder, "kvm"); }

void apply_cpu(PlanBuilder& builder, const std::string& value) {
    if (value.empty()) throw UserError("-cpu option cannot be empty; -cpu help lists the models");
    SubOptions options = SubOptions::parse(value, "model");
    const auto model = options.take("model");
    if (options.help())
        return builder.ask(model ? HelpTopic{Kind::TypeProperties, "cpu", *model}
                                 : HelpTopic{Kind::Cpus, {}, {}});
    CpuPlan cpu{builder.option, model.value_or(""), {}};
    if (cpu.model.empty()) throw UserError("parameter 'model' is missing");
    if (cpu.model.starts_with('+') || cpu.model.starts_with('-'))
        throw UserError("the model comes first, then its features; -cpu help lists the models");
    for (const auto& [name, text] : options.rest()) {
        if (name.starts_with('+') || name.starts_with('-'))
            cpu.features.emplace_back(name.substr(1), name.starts_with('+') ? "on" : "off");
        else cpu.features.emplace_back(name, text);
        if (cpu.features.back().first.empty()) throw UserError("a feature without a name");
    }
    builder.plan().cpu = std::move(cpu);
}

void apply_smp(PlanBuilder& builder, const std::string& value) {
    constexpr std::uint64_t kLimit = 1u << 20;
    SubOptions options = SubOptions::parse(value, "cpus");
    if (options.help()) return builder.ask_parameters("smp");
    SmpPlan& smp = builder.plan().smp;
    smp.option = builder.option;
    const auto take = [&](const char* key, std::optional<std::uint32_t>& target) {
        const auto number = options.take_number(key, kLimit);
        if (!number) return;
        if (*number == 0)
            throw UserError("Invalid CPU topology: CPU topology parameters must be greater than zero, " +
                            std::string(key) + " is 0");
        target = std::uint32_t(*number);
    };
    take("cpus", smp.cpus);
    take("maxcpus", smp.max_cpus);
    for (std::size_t i = 0; i < kTopologyLevelCount; ++i) take(kTopologyLevels[i].name, smp.levels[i]);
    // Levels that no machine has may be named as long as they hold one of each.
    for (const char* level : {"drawers", "books"}) {
        std::optional<std::uint32_t> count;
        take(level, count);
        if (count.value_or(1) != 1)
            throw UserError(std::string(level) + " > 1 not supported by this machine's CPU topology");
    }
    options.expect_empty();
}

std::string in_hex(std::uint64_t bytes) { return "0x" + hex(bytes); }

void check_memory_room(std::uint64_t size, std::uint64_t slots, const std::optional<std::uint64_t>& most) {
    constexpr std::uint64_t kPage = 4096;
    if (!most && slots > 0) throw UserError("slots specified but no max-size");
    if (!most) return;
    const std::string maximum = "maximum memory size (" + in_hex(*most) + ")";
    if (*most < size)
        throw UserError("invalid value of maxmem: " + maximum +
                        " must be at least the initial memory size (" + in_hex(size) + ")");
    if (slots > 0 && *most == size)
        throw UserError("invalid value of maxmem: memory slots were specified but " + maximum +
                        " is equal to the initial memory size (" + in_hex(size) + ")");
    if (*most % kPage != 0) throw UserError("maximum memory size must be aligned to multiple of 4096 bytes");
}

void apply_memory(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "size");
    if (options.help()) return builder.ask_parameters("m");
    const auto size = options.take_size("size", 1u << 20);
    const auto slots = options.take_number("slots", 0xffffffff);
    const auto most = options.take_size("maxmem", 1u << 20);
    options.expect_empty();
    if (!size) throw UserError("parameter 'size' is missing");
    if (*size == 0) throw UserError("a machine needs memory: give a size such as 512M");
    check_memory_room(*size, slots.value_or(0), most);
    builder.plan().ram_slots = std::uint32_t(slots.value_or(0));
    builder.plan().ram_maximum = most;
    builder.plan().ram_size = *size;
    builder.plan().ram_option = builder.option;
}

/// -mem-path and -mem-prealloc stand for a backend of the memory that -m asks for.
void apply_memory_path(PlanBuilder& builder, const std::string& value) {
    builder.memory_path = value;
    builder.memory_path_option = builder.option;
}

void apply_memory_prealloc(PlanBuilder& builder, const std::string&) { builder.memory_prealloc = true; }

void apply_global(PlanBuilder& builder, const std::string& value) {
    GlobalPlan global{.option = builder.option, .type = {}, .property = {}, .value = {}};
    const std::size_t equals = value.find('=');
    const std::string left = value.substr(0, equals);
    // "driver.property=value", unless it is spelled out as driver=,property=,value=.
    if (const std::size_t dot = left.find('.'); dot != std::string::npos && equals != std::string::npos) {
        global.type = left.substr(0, dot);
        global.property = left.substr(dot + 1);
        global.value = value.substr(equals + 1);
    } else {
        SubOptions options = SubOptions::parse(value, "");
        global.type = options.require("driver");
        global.property = options.require("property");
        global.value = options.take_or("value", "");
        options.expect_empty();
    }
    builder.plan().globals.push_back(std::move(global));
}

/// "2006-06-17T16:01:21" or "2006-06-17" in UTC: ns since 1970.
std::optional<std::int64_t> parse_date(const std::string& text) {
    std::tm date{};
    int length = 0;
    const char* s = text.c_str();
    const bool day =
        std::sscanf(s, "%4d-%2d-%2d%n", &date.tm_year, &date.tm_mon, &date.tm_mday, &length) == 3;
    if (!day) return std::nullopt;
    if (s[length] != '\0') {
        int rest = 0;
        if (std::sscanf(s + length, "T%2d:%2d:%2d%n", &date.tm_hour, &date.tm_min, &date.tm_sec, &rest) !=
                3 ||
            s[length + rest] != '\0')
            return std::nullopt;
    }
    if (date.tm_mon < 1 || date.tm_mon > 12 || date.tm_mday < 1 || date.tm_mday > 31 || date.tm_hour > 23 ||
        date.tm_min > 59 || date.tm_sec > 60)
        return std::nullopt;
    date.tm_year -= 1900;
    date.tm_mon -= 1;
    // A time_t of ns must fit 64 bits: the years 1678 to 2262 do.
    if (date.tm_year < -220 || date.tm_year > 361) return std::nullopt;
    return std::int64_t(timegm(&date)) * 1'000'000'000;
}

void apply_rtc(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "base");
    if (options.help()) return builder.ask_parameters("rtc");
    RtcPlan& rtc = builder.plan().rtc;
    if (const auto base = options.take("base")) {
        const auto date = parse_date(*base);
        if (*base == "utc") rtc.base = RtcPlan::Base::Utc;
        else if (*base == "localtime") rtc.base = RtcPlan::Base::LocalTime;
        else if (!date)
            throw UserError("invalid datetime format '" + *base +
                            "': base is utc, localtime, 2006-06-17T16:01:21 or 2006-06-17");
        else rtc = {RtcPlan::Base::Date, *date, rtc.virtual_clock, rtc.slew};
    }
    if (const auto clock = options.take("clock")) {
        if (*clock != "host" && *clock != "rt" && *clock != "vm")
            throw UserError("invalid option value '" + *clock + "': clock is host, rt or vm");
        rtc.virtual_clock = *clock == "vm";
    }
    if (const auto drift = options.take("driftfix")) {
        if (*drift != "none" && *drift != "slew")
            throw UserError("invalid option value '" + *drift + "': driftfix is none or slew");
        rtc.slew = *drift == "slew";
    }
    options.expect_empty();
}

void apply_seed(PlanBuilder& builder, const std::string& value) {
    builder.plan().seed = number_value("seed", value, ~std::uint64_t(0));
}

}  // namespace

OptionGroup machine_options() {
    return {
        "Machine",
        {{"machine", "[type=]NAME[,PROPERTY=VALUE...]",
          "the kind of machine and its properties (-machine help lists the\n"
          "kinds, -machine NAME,help the properties); accel=A[:B...] as -accel",
          apply_machine},
         {"M", "[type=]NAME[,PROPERTY=VALUE...]", "the same", apply_machine},
         {"usb", nullptr, "as -machine usb=on", apply_usb},
         {"accel", "NAME[:NAME...][,PROPERTY=VALUE...]",
          "what executes the guest's code; the first that works is taken, and\n"
          "the option may be repeated (-accel help lists them)",
          apply_accel},
         {"enable-kvm", nullptr, "as -accel kvm", apply_enable_kvm},
         {"cpu", "MODEL[,+FEATURE|-FEATURE|PROPERTY=VALUE...]", "the CPU model (-cpu help lists them)",
          apply_cpu},
         {"smp", "[cpus=]N[,maxcpus=N][,sockets=N][,dies=N][,clusters=N][,modules=N][,cores=N][,threads=N]",
          "the number of CPUs and how they are grouped", apply_smp},
         {"m", "[size=]SIZE[,slots=N][,maxmem=SIZE]", "guest memory in MiB, or with a suffix: 512M, 2G",
          apply_memory},
         {"mem-path", "PATH", "take the guest's memory from a file, or from one made in a folder",
          apply_memory_path},
         {"mem-prealloc", nullptr, "take all of the guest's memory at the start", apply_memory_prealloc},
         {"rtc", "[base=utc|localtime|DATE][,clock=host|rt|vm][,driftfix=none|slew]",
          "the guest's date at start, and the clock that drives it", apply_rtc},
         {"seed", "NUMBER", "the random numbers of this run follow from it, and are no secrets then",
          apply_seed},
         {"global", "TYPE.PROPERTY=VALUE", "a default for every object of a type", apply_global}}};
}

}  // namespace backplane::kernel
