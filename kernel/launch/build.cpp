// Launch plan → machine: backends first, then the machine, its accelerator and chips, then what is plugged in.
//
// The plan names types as their options do; here they become types of the catalogue. Everything that depends on
// the machine (the interface of a drive, the model of a NIC, how many serial ports there are) is decided here,
// from the machine's traits.
#include "kernel/launch/build.h"

#include "kernel/launch/boot_files.h"
#include "kernel/launch/device_type.h"
#include "kernel/launch/launch_error.h"
#include "kernel/launch/topology.h"
#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine.h"
#include "kernel/module/install.h"

#include <algorithm>
#include <set>
#include <sys/sysinfo.h>

namespace backplane::kernel {
namespace {

constexpr const char* kFirmwareDirectories[] = {"/usr/local/share/backplane", "/usr/share/backplane",
                                                "/usr/share/qemu"};

std::string size_text(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    while (unit < 6 && bytes >= 1024 && bytes % 1024 == 0) bytes >>= 10, ++unit;
    while (unit < 6 && bytes >= 10240) bytes >>= 10, ++unit;
    return std::to_string(bytes) + " " + kUnits[unit];
}

/// Everything in the catalogue that executes code, by name; what is marked as the default works anywhere, and so
/// comes last.
std::vector<AcceleratorChoice> default_accelerators(const Catalog& catalog) {
    constexpr std::string_view kTestCategory = "Test";
    std::vector<AcceleratorChoice> choices, anywhere;
    for (const Catalog::Listed& listed : catalog.list("accelerator")) {
        const std::string& name = listed.type->option.empty() ? listed.type->name : listed.type->option;
        if (catalog.category_of(*listed.type) == kTestCategory) continue;
        (listed.type->is_default ? anywhere : choices).push_back({name, {}});
    }
    choices.insert(choices.end(), anywhere.begin(), anywhere.end());
    return choices;
}

std::string default_machine(const Catalog& catalog) {
    for (const Catalog::Listed& listed : catalog.list("machine"))
        if (listed.type->is_default)
            return listed.type->option.empty() ? listed.type->name : listed.type->option;
    throw LaunchError(
        "no machine specified, and there is no default; use -machine help to list the machines");
}

std::string machine_name(const LaunchPlan& plan, const Catalog& catalog) {
    return plan.machine.empty() ? default_machine(catalog) : plan.machine;
}

/// The type that `name` stands for; `listing` is the question that lists them.
std::string resolve_type(const Catalog& catalog, const std::string& option, const std::string& name,
                         std::string_view ancestor, std::string_view what, const std::string& listing) {
    ErrorText errors;
    std::string type = catalog.resolve_option(name, ancestor, what, errors);
    if (type.empty()) throw LaunchError(option + ": " + errors.text() + "; " + listing + " help lists them");
    return type;
}

class Builder {
  public:
    Builder(const LaunchPlan& plan, Machine& machine)
        : plan_(plan), machine_(machine), catalog_(machine.catalog()) {}

    void run() {
        const std::lock_guard guard(machine_.lock());
        for (const GlobalPlan& g : plan_.globals)
            machine_.objects().add_global({g.type, g.property, g.value});
        const std::string type = machine_type();
        make_backends();
        make_machine(type);
        open_accelerator();
        check_boot_files(plan_, firmware_path());
        check_board(machine_.build(errors_));
        for (const DevicePlan& device : plan_.devices) add_device(device);
        add_nics();
        plug_drives();
        make_monitors();
        check_board(machine_.finish(errors_));
        expect_drives_used();
        for (const ServicePlan& service : plan_.services)
            check(machine_.create_service(service.type, service.properties, errors_), service.option);
        for (const PropertyDefault& unused : machine_.objects().unused_globals())
            machine_.log().write(LogLevel::Warning, "global",
                                 "-global " + unused.type + "." + unused.property + "=" + unused.value +
                                     ": no object has that property");
    }

  private:
    /// Throws what the last call said, unless it went well.
    void check(bool ok, const std::string& option) {
        if (ok) return;
        const std::string text = errors_.failed() ? errors_.text() : "failed without a reason";
        errors_.clear();
        throw LaunchError(option.empty() ? text : option + ": " + text);
    }

    /// A board's error, with the option that it is about before it.
    void check_board(bool ok) {
        if (ok) return;
        std::string option = option_of_message(plan_, errors_.text());
        if (option.empty() && half_made_cpu()) option = cpu_option_;
        check(ok, option.empty() ? machine_option() : option);
    }

    /// Is there a CPU that the board made and could not finish?
    bool half_made_cpu() {
        bool found = false;
        machine_.objects().walk(machine_.objects().root(), [&](Instance& instance) {
            found = found || (!instance.realized() && query<Cpu>(instance));
        });
        return found;
    }

    std::vector<std::string> firmware_path() const {
        std::vector<std::string> path = plan_.firmware_path;
        path.push_back(installed_data().string());
        path.insert(path.end(), std::begin(kFirmwareDirectories), std::end(kFirmwareDirectories));
        return path;
    }

    void open_accelerator() {
        const std::vector<AcceleratorChoice> choices = accelerators();
        if (machine_.open_accelerator(choices, errors_)) return;
        std::string text = errors_.text();
        ErrorText unused;
        if (!choices.empty() &&
            catalog_.resolve_option(choices.back().name, "accelerator", "accelerator", unused).empty())
            text += "; -accel help lists them";
        throw LaunchError(text);
    }

    void make_backend(const ObjectPlan& plan, std::string_view ancestor, std::string_view what,
                      std::string_view container, const std::string& listing) {
        const std::string type = resolve_type(catalog_, plan.option, plan.type, ancestor, what, listing);
        check(machine_.create_backend(type, plan.id, plan.properties, container, errors_), plan.option);
    }

    /// An object that names a backend comes after the backends, the others (secrets, threads) before.
    void make_backends() {
        std::set<std::string> backends;
        for (const auto* list : {&plan_.chardevs, &plan_.block_nodes, &plan_.netdevs})
            for (const ObjectPlan& backend : *list) backends.insert(backend.id);
        const auto needs_backend = [&](const ObjectPlan& object) {
            return std::ranges::any_of(object.properties,
                                       [&](const auto& p) { return backends.contains(p.second); });
        };
        for (const ObjectPlan& object : plan_.objects)
            if (!needs_backend(object)) make_object(object);
        for (const ObjectPlan& chardev : plan_.chardevs)
            make_backend(chardev, "chardev", "character device backend", "chardevs", "-chardev");
        for (const ObjectPlan& node : plan_.block_nodes)
            make_backend(node, "block-node", "block driver", "blockdevs", "-blockdev");
        for (const ObjectPlan& netdev : plan_.netdevs)
            make_backend(netdev, "netdev", "network backend", "netdevs", "-netdev");
        for (const ObjectPlan& object : plan_.objects)
            if (needs_backend(object)) make_object(object);
    }

    void make_object(const ObjectPlan& object) {
        const std::string type =
            resolve_type(catalog_, object.option, object.type, "object", "object type", "-object");
        const ManifestType* listed = catalog_.find_type(type);
        const bool creatable = listed && listed->user_creatable && !catalog_.is_a(*listed, "device");
        if (!creatable)
            errors_.fail("type '" + object.type +
                         "' is not made by -object; -object help lists those that are");
        check(creatable, object.option);
        check(machine_.create_backend(type, object.id, object.properties, "objects", errors_), object.option);
    }

    std::string machine_option() const {
        return plan_.machine_option.empty() ? "-machine " + machine_name_ : plan_.machine_option;
    }

    std::string machine_type() {
        machine_name_ = machine_name(plan_, catalog_);
        return resolve_type(catalog_, machine_option(), machine_name_, "machine", "machine type", "-machine");
    }

    void make_machine(const std::string& type) {
        check(machine_.set_type(type, errors_), machine_option());
        const BoardTraits& traits = machine_.traits();
        for (const auto& [name, value] : plan_.machine_properties)
            check(machine_.machine_object().set_property(name, value, errors_),
                  option_of_property(plan_, name, value));
        try {
            machine_.set_topology(resolve_topology(plan_.smp, traits.max_cpus, machine_name_));
        } catch (const LaunchError& error) {
            throw LaunchError((plan_.smp.option.empty() ? "-smp 1" : plan_.smp.option) + ": " + error.what());
        }
        set_memory(traits);
        set_cpu(traits);
        set_serials(traits);
        place_drives(traits);
        machine_.set_default_devices(plan_.default_devices);
        RtcOptions rtc;
        rtc.base = plan_.rtc.base == RtcPlan::Base::Utc         ? RtcOptions::Base::Utc
                   : plan_.rtc.base == RtcPlan::Base::LocalTime ? RtcOptions::Base::LocalTime
                                                                : RtcOptions::Base::Date;
        rtc.date_ns = plan_.rtc.date_ns;
        rtc.virtual_clock = plan_.rtc.virtual_clock;
        machine_.set_rtc(rtc);
        if (plan_.seed) machine_.set_seed(*plan_.seed);
        machine_.set_firmware_path(firmware_path());
        machine_.set_reboot_policy(plan_.no_reboot, plan_.no_shutdown);
    }

    void set_memory(const BoardTraits& traits) {
        const std::uint64_t size = plan_.ram_size.value_or(traits.default_ram);
        const std::string option = plan_.ram_option.empty() ? "-m" : plan_.ram_option;
        if (!plan_.memory_backend.empty()) return use_memory_backend(traits);
        if (size > traits.max_ram)
            throw LaunchError(option + ": machine '" + machine_name_ + "' takes at most " +
                              size_text(traits.max_ram));
        struct sysinfo host {};
        if (sysinfo(&host) == 0) {
            const std::uint64_t memory = std::uint64_t(host.totalram) * host.mem_unit;
            const std::uint64_t swap = std::uint64_t(host.totalswap) * host.mem_unit;
            if (size > memory + swap)
                throw LaunchError(option + ": " + size_text(size) + " is more than this host has (" +
                                  size_text(memory) + " of memory, " + size_text(swap) +
                                  " of swap); ask for less");
        }
        machine_.set_ram_size(size);
    }

    void use_memory_backend(const BoardTraits& traits) {
        const std::string& option = plan_.memory_backend_option;
        if (plan_.ram_object) {
            ObjectPlan object = *plan_.ram_object;
            object.properties.emplace_back("size",
                                           std::to_string(plan_.ram_size.value_or(traits.default_ram)));
            make_object(object);
        }
        Instance* backend = machine_.objects().find_id(plan_.memory_backend);
        if (!backend)
            throw LaunchError(option + ": there is no object '" + plan_.memory_backend +
                              "'; make it with -object memory-backend-ram,id=" + plan_.memory_backend +
                              ",size=…");
        check(machine_.set_ram_backend(*backend, errors_), option);
        const std::uint64_t size = machine_.ram_size();
        if (plan_.ram_size.value_or(size) != size)
            throw LaunchError(plan_.ram_option + ": memory backend '" + plan_.memory_backend + "' has " +
                              size_text(size) + "; ask for the same, or leave out -m");
        if (size > traits.max_ram)
            throw LaunchError(option + ": machine '" + machine_name_ + "' takes at most " +
                              size_text(traits.max_ram));
    }

    void set_cpu(const BoardTraits& traits) {
        const std::string family = traits.cpu_family ? traits.cpu_family : "cpu";
        if (!plan_.cpu && !traits.default_cpu) return;
        const std::string model = plan_.cpu ? plan_.cpu->model : traits.default_cpu;
        cpu_option_ = plan_.cpu ? plan_.cpu->option : "-cpu " + model;
        std::string type = resolve_type(catalog_, cpu_option_, model, family, "CPU model", "-cpu");
        machine_.set_cpu(std::move(type), plan_.cpu ? plan_.cpu->features : PropertyList{});
    }

    void set_serials(const BoardTraits& traits) {
        if (plan_.serials.size() > traits.serial_ports)
            throw LaunchError("-serial: given " + std::to_string(plan_.serials.size()) +
                              " times, and machine '" + machine_name_ + "' has " +
                              std::to_string(traits.serial_ports) + " serial ports; leave the others out");
        std::vector<Instance*> serials;
        for (const std::string& id : plan_.serials) {
            Instance* chardev = id.empty() ? nullptr : machine_.objects().find_id(id);
            if (!id.empty() && !chardev)
                throw LaunchError("-serial chardev:" + id + ": there is no chardev '" + id + "'");
            serials.push_back(chardev);
        }
        machine_.set_serials(std::move(serials));
    }

    /// Drives for chips of the board go to the board; those for plugged devices wait for the buses.
    void place_drives(const BoardTraits& traits) {
        std::set<std::pair<std::string, unsigned>> places;
        for (const DrivePlan& drive : plan_.drives) {
            if (drive.interface == "none") continue;
            if (traits.drive_interfaces.empty())
                throw LaunchError(drive.option + ": machine '" + machine_name_ +
                                  "' has no disk interface of its own; use if=none with -device");
            const std::string interface =
                drive.interface.empty() ? traits.drive_interfaces[0].name : drive.interface;
            const ShortName* row = find_short_name(traits.drive_interfaces, interface);
            unsigned index = drive.index.value_or(0);
            while (!drive.index && places.contains({interface, index})) ++index;
            if (!places.emplace(interface, index).second)
                throw LaunchError(drive.option + ": drive with if=" + interface +
                                  ", index=" + std::to_string(index) + " exists; give another index=");
            if (row && row->device)
                plugged_drives_.push_back({drive.option, row->device, "", "", {{"drive", drive.node}}});
            else board_drives_[{interface, index}] = drive.option;
            if (board_drives_.contains({interface, index}))
                machine_.add_drive(interface, index, machine_.objects().find_id(drive.node));
        }
    }

    void expect_drives_used() {
        for (const auto& place : machine_.unused_drives())
            throw LaunchError(board_drives_[place] + ": machine '" + machine_name_ +
                              "' has no drive if=" + place.first + ", index=" + std::to_string(place.second) +
                              "; use if=none with -device");
    }

    std::vector<AcceleratorChoice> accelerators() const {
        std::vector<AcceleratorChoice> choices;
        for (const AcceleratorPlan& a : plan_.accelerators) choices.push_back({a.name, a.properties});
        if (!choices.empty()) return choices;
        return default_accelerators(catalog_);
    }

    void add_device(const DevicePlan& device) {
        const std::string type = device_type_name(machine_, device.type, errors_);
        if (type.empty())
            throw LaunchError(device.option + ": " + errors_.text() + "; -device help lists them");
        check(machine_.add_device(type, device.id, device.bus, device.properties, errors_), device.option);
    }

    void add_nics() {
        std::vector<NicPlan> nics = plan_.nics;
        const bool wanted = plan_.default_devices && plan_.default_network && machine_.traits().default_nic;
        ErrorText unused;
        const std::string user =
            wanted ? catalog_.resolve_option("user", "netdev", "network backend", unused) : "";
        if (!user.empty()) {
            check(machine_.create_backend(user, "#default-net", {}, "netdevs", errors_),
                  "the default network");
            nics.push_back({"the default NIC", "#default-net", "", {}});
        }
        for (const NicPlan& nic : nics) {
            if (nic.model.empty() && !machine_.traits().default_nic)
                throw LaunchError(nic.option + ": machine '" + machine_name_ +
                                  "' prefers no NIC; name one with model= (-device help lists them)");
            const std::string model = nic.model.empty() ? machine_.traits().default_nic : nic.model;
            PropertyList properties = nic.properties;
            properties.emplace_back("netdev", nic.netdev);
            const std::string type = nic_type_name(machine_, model, errors_);
            check(!type.empty(), nic.option);
            add_device({nic.option, type, "", "", std::move(properties)});
        }
    }

    void plug_drives() {
        for (const DevicePlan& drive : plugged_drives_) add_device(drive);
    }

    void make_monitors() {
        unsigned number = 0;
        for (const MonitorPlan& monitor : plan_.monitors) {
            PropertyList properties{{"chardev", monitor.chardev}};
            if (monitor.control && monitor.pretty) properties.emplace_back("pretty", "on");
            const char* type = monitor.control ? "monitor-qmp" : "monitor-hmp";
            const std::string id = "#monitor" + std::to_string(number++);
            check(machine_.create_backend(type, id, properties, "monitors", errors_), monitor.option);
        }
    }

    const LaunchPlan& plan_;
    Machine& machine_;
    Catalog& catalog_;
    ErrorText errors_;
    std::string machine_name_;
    std::string cpu_option_;
    std::vector<DevicePlan> plugged_drives_;
    std::map<std::pair<std::string, unsigned>, std::string> board_drives_;
};

}  // namespace

void check_machine_type(const LaunchPlan& plan, const Catalog& catalog) {
    const std::string name = machine_name(plan, catalog);
    const std::string option = plan.machine_option.empty() ? "-machine " + name : plan.machine_option;
    resolve_type(catalog, option, name, "machine", "machine type", "-machine");
}

void build_machine(const LaunchPlan& plan, Machine& machine) { Builder(plan, machine).run(); }

Slice<const LogItem> log_items() {
    static constexpr LogItem kItems[] = {
        {"in_asm", "the guest's code, as it is translated"},
        {"op", "the translator's intermediate code"},
        {"out_asm", "the host's code that is made of it"},
        {"int", "interrupts and exceptions that a CPU takes"},
        {"exec", "each translated block as it is entered"},
        {"cpu", "the CPU's registers before each translated block"},
        {"mmu", "address translation"},
        {"guest_errors", "what a guest does and should not, once each"},
        {"unimp", "what a guest uses and the model has not, once each"},
        {"all", "everything"},
    };
    return kItems;
}

bool known_log_item(const Catalog& catalog, const std::string& name, Errors& errors) {
    std::vector<std::string> names;
    for (const LogItem& item : log_items()) names.emplace_back(item.name);
    for (const PluginFile& file : catalog.plugins()) {
        names.push_back(file.manifest.plugin);
        for (const ManifestType& type : file.manifest.types) names.push_back(type.name);
    }
    if (std::ranges::find(names, name) != names.end()) return true;
    const std::string near = nearest(name, names);
    errors.fail("there is no such log item" + (near.empty() ? "" : "; did you mean '" + near + "'?") +
                "; -d help lists them");
    return false;
}

void configure_log(const LaunchPlan& plan, const Catalog& catalog, LogHub& log) {
    ErrorText errors;
    if (!plan.log_file.empty() && !log.set_file(plan.log_file, errors))
        throw LaunchError("-D " + plan.log_file + ": " + errors.text());
    for (const std::string& item : plan.log_items) {
        if (!known_log_item(catalog, item, errors)) throw LaunchError("-d " + item + ": " + errors.text());
        log.enable(item);
    }
}

}  // namespace backplane::kernel
