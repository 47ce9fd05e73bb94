// The RISC-V "virt" board: type "riscv-virt-machine".
//
// A made-up board; its map is in map.h, its chips and wires are in tables.cpp, its device tree in device_tree.cpp.
// Not modelled: AIA interrupt controllers (aia=none only), NUMA, ACPI.
#include "boot.h"
#include "map.h"
#include "tables.h"

#include <backplane/board.h>
#include <backplane/boot.h>
#include <backplane/platform.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/riscv.h>
#include <backplane/text.h>

#include <cstdio>
#include <map>

namespace backplane::riscv_virt {
namespace {

constexpr std::size_t kSeedSize = 32;

class VirtBoard final : public Board, public BootChoice, public FirmwareRoot {
  public:
    static const PropertyInfo kProperties[];

    explicit VirtBoard(Object&) {}

    bool build(BoardContext& context, Errors& errors) override {
        return find_flash_images(context, errors) && build_memory(context, errors) &&
               build_harts(context, errors) && build_interrupts(context, errors) &&
               build_chips(context, errors) && wire(context, errors);
    }
    bool finish(BoardContext& context, Errors& errors) override;
    void reset(BoardContext& context) override;

    bool orders_drives() const override { return false; }
    bool set_boot_order(Str, Str, Errors&) override { return true; }
    void set_boot_strict(bool strict) override {
        boot_strict_ = strict;
        boot_order_changed();
    }
    void boot_order_changed() override {
        IgnoredErrors none;
        fill_boot_order(none);
    }
    bool chip_path(const Object& chip, TextSink& out) const override;

  private:
    using Settings = std::map<std::string, std::string>;
    template <unsigned Unit>
    static constexpr PropertyInfo flash_property(const char* name, const char* summary);

    std::uint32_t harts() const { return std::uint32_t(harts_.size()); }
    Object& chip(const char* name) { return *chips_.at(name); }
    PlatformBus& platform_bus() {
        return require<PlatformBus>(*chip("platform-bus").child("platform-bus"), "platform bus");
    }

    bool add(BoardContext& context, const char* name, const char* type, const Settings& settings,
             Errors& errors);
    bool build_memory(BoardContext& context, Errors& errors);
    bool build_harts(BoardContext& context, Errors& errors);
    bool build_interrupts(BoardContext& context, Errors& errors);
    bool build_chips(BoardContext& context, Errors& errors);
    bool wire(BoardContext& context, Errors& errors);
    bool attach(BoardContext& context, const Chip& chip, Object& object, Errors& errors);
    bool tell_facts(BoardContext& context, Object& tables, Errors& errors);
    bool find_flash_images(BoardContext& context, Errors& errors);

    bool describe_harts(TreeContents& contents, Errors& errors);
    bool make_tree(BoardContext& context, const BootPlan& plan, TreeBytes& tree, Errors& errors);
    bool dump_tree(const TreeBytes& tree, Errors& errors);
    bool fill_fw_cfg(FwCfg& fw_cfg, Errors& errors);
    bool fill_boot_order(Errors& errors);

    bool aclint_ = false;
    // Switches that stand still.
    std::uint32_t acpi_ = 0, aia_ = 0, iommu_ = 0;
    bool graphics_ = false, usb_ = false;
    std::string compatible_;
    Object* flashes_[2] = {};
    BootFiles files_;
    std::string firmware_, kernel_, initrd_, append_, dtb_, dumpdtb_;

    std::vector<Object*> harts_;
    std::map<std::string, Object*> chips_;
    BoardContext* context_ = nullptr;  ///< from finish() on
    bool boot_strict_ = false;
    GuestAddress seed_;  ///< of the seed in the device tree; 0: it has none
};

bool VirtBoard::add(BoardContext& context, const char* name, const char* type, const Settings& settings,
                    Errors& errors) {
    Object* object = context.create(type, name, errors);
    if (!object) return false;
    chips_[name] = object;
    for (const auto& [property, value] : settings)
        if (!object->set_property(property, value, errors)) return false;
    return context.realize(*object, errors);
}

bool VirtBoard::build_memory(BoardContext& context, Errors& errors) {
    MemoryRegion* mrom = context.memory().rom("riscv_virt_board.mrom", kMrom.size, errors);
    return mrom && context.system_memory().add(*mrom, Offset(kMrom.base), 0, errors) &&
           context.system_memory().add(context.ram(), Offset(kDram), 0, errors);
}

bool VirtBoard::build_harts(BoardContext& context, Errors& errors) {
    const std::string reset = std::to_string(kMrom.base);
    const std::string timebase = std::to_string(kTimebase);
    for (std::uint32_t i = 0; i < context.topology().cpus; ++i) {
        Object* hart = context.create_cpu(i, errors);
        if (!hart || !hart->set_property("resetvec", reset, errors) ||
            !hart->set_property("timebase-frequency", timebase, errors) || !context.realize(*hart, errors))
            return false;
        harts_.push_back(hart);
    }
    return true;
}

/// The interrupt controllers, which have something for each hart.
bool VirtBoard::build_interrupts(BoardContext& context, Errors& errors) {
    std::string contexts;
    for (std::uint32_t i = 0; i < harts(); ++i) contexts += i ? ",MS" : "MS";
    const std::string count = std::to_string(harts());
    if (!add(context, "plic", "riscv.sifive.plic",
             {{"hart-config", contexts}, {"num-sources", std::to_string(kPlicSources)}}, errors) ||
        !add(context, "mswi", "riscv.aclint.swi", {{"num-harts", count}}, errors) ||
        !add(context, "mtimer", "riscv.aclint.mtimer",
             {{"num-harts", count}, {"timebase-freq", std::to_string(kTimebase)}}, errors))
        return false;
    if (aclint_ && !add(context, "sswi", "riscv.aclint.swi", {{"num-harts", count}, {"sswi", "on"}}, errors))
        return false;
    if (!context.map(chip("plic"), "registers", GuestAddress(kPlic.base), errors) ||
        !context.map(chip("mswi"), "registers", GuestAddress(kMswi.base), errors) ||
        !context.map(chip("mtimer"), "registers", GuestAddress(kMtimer.base), errors))
        return false;
    return !aclint_ || context.map(chip("sswi"), "registers", GuestAddress(kSswi.base), errors);
}

/// An image comes from the machine's own property or from -drive if=pflash.
bool VirtBoard::find_flash_images(BoardContext& context, Errors& errors) {
    for (unsigned unit = 0; unit < std::size(flashes_); ++unit) {
        Object* drive = context.drive("pflash", unit).node;
        if (drive && flashes_[unit]) {
            const std::string number = std::to_string(unit);
            BoardPropertyErrors(errors, "pflash" + number)
                .fail("the flash has an image from -drive if=pflash,unit=" + number +
                      " already; leave one of the two out");
            return false;
        }
        if (drive) flashes_[unit] = drive;
    }
    return true;
}

/// What SMBIOS tables say of the machine.
bool VirtBoard::tell_facts(BoardContext& context, Object& tables, Errors& errors) {
    const Topology& topology = context.topology();
    const auto set = [&](const char* name, std::uint64_t value) {
        return tables.set_property(name, std::to_string(value), errors);
    };
    return tables.set_link("fw_cfg", &chip("fw-cfg"), errors) && set("memory-base", kDram) &&
           set("memory-size", context.ram().size()) && set("sockets", topology.sockets) &&
           set("cores", topology.cores) && set("threads", topology.threads);
}

/// What a chip is given beside its settings.
bool VirtBoard::attach(BoardContext& context, const Chip& chip, Object& object, Errors& errors) {
    const std::string_view name = chip.name;
    if (name == "uart") {
        Object* chardev = context.serial(0);
        return !chardev || object.set_link("chardev", chardev, errors);
    }
    if (name == "flash0" || name == "flash1") {
        Object* image = flashes_[name == "flash1"];
        return !image || object.set_link("drive", image, errors);
    }
    if (name == "smbios") return tell_facts(context, object, errors);
    return true;
}

bool VirtBoard::build_chips(BoardContext& context, Errors& errors) {
    const std::uint64_t high = pci_mmio64_base(context.ram().size());
    for (const Chip& chip : kChips) {
        Object* object = context.create(chip.type, chip.name, errors);
        if (!object) return false;
        chips_[chip.name] = object;
        for (const Setting& setting : chip.settings)
            if (!object->set_property(setting.property, setting.value, errors)) return false;
        if (Str(chip.name) == Str("pci-host") &&
            !object->set_property("mmio64-base", std::to_string(high), errors))
            return false;
        if (!attach(context, chip, *object, errors) || !context.realize(*object, errors)) return false;
    }
    for (const Placement& placement : kPlacements)
        if (!context.map(chip(placement.chip), placement.region, GuestAddress(placement.address), errors))
            return false;
    return context.map(chip("pci-host"), "mmio64", GuestAddress(high), errors);
}

bool VirtBoard::wire(BoardContext& context, Errors& errors) {
    for (const InterruptLine& line : kInterrupts)
        if (!context.connect(chip(line.chip), line.output, line.index, chip("plic"), "", line.source, errors))
            return false;
    for (unsigned i = 0; i < kPlatformBusLines; ++i)
        if (!context.connect(chip("platform-bus"), "irq", i, chip("plic"), "", kPlatformBusSource + i,
                             errors))
            return false;
    platform_bus().set_base(GuestAddress(kPlatformBus.base));
    auto* time = query<riscv::TimeSource>(chip("mtimer"));
    for (std::uint32_t i = 0; i < harts(); ++i) {
        Object& hart = *harts_[i];
        if (!context.connect(chip("plic"), "", 2 * i, hart, "irq", kMachineExternal, errors) ||
            !context.connect(chip("plic"), "", 2 * i + 1, hart, "irq", kSupervisorExternal, errors) ||
            !context.connect(chip("mswi"), "", i, hart, "irq", kMachineSoftware, errors) ||
            !context.connect(chip("mtimer"), "", i, hart, "irq", kMachineTimer, errors))
            return false;
        if (aclint_ && !context.connect(chip("sswi"), "", i, hart, "irq", kSupervisorSoftware, errors))
            return false;
        if (auto* control = query<riscv::HartControl>(hart)) time->add_hart(*control);
    }
    return true;
}

/// What stands between commas.
std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> all;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        all.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return all;
}

bool VirtBoard::describe_harts(TreeContents& contents, Errors& errors) {
    for (Object* hart : harts_) {
        TextBuffer id, isa, extensions, mmu;
        if (!hart->get_property("hartid", id, errors) || !hart->get_property("isa-string", isa, errors) ||
            !hart->get_property("isa-extensions", extensions, errors) ||
            !hart->get_property("mmu-type", mmu, errors))
            return false;
        contents.harts.push_back({std::stoull(id.text()), isa.text(), words(extensions.text()), mmu.text()});
    }
    return true;
}

bool VirtBoard::make_tree(BoardContext& context, const BootPlan& plan, TreeBytes& tree, Errors& errors) {
    if (dtb_.empty()) {
        TreeContents contents{.harts = {}, .ram_size = context.ram().size(), .aclint = aclint_};
        if (!compatible_.empty()) contents.compatible = compatible_;
        contents.numa = &numa_of(context);
        contents.platform = &platform_bus();
        if (!describe_harts(contents, errors) || !make_device_tree(contents, tree, errors)) return false;
    } else {
        Bytes file;
        BoardPropertyErrors of_dtb(errors, "dtb");
        if (!context.read_file(dtb_, false, context.ram().size(), file, of_dtb)) return false;
        class Named final : public Errors {
          public:
            Named(Errors& errors, const std::string& path) : errors_(errors), path_(path) {}
            void fail(Str message) override {
                errors_.fail("'" + path_ + "' " + std::string(message.view()));
            }

          private:
            Errors& errors_;
            const std::string& path_;
        } named(of_dtb, dtb_);
        if (!check_device_tree(file, named)) return false;
        tree.assign(file.begin(), file.end());
    }
    ChosenContents chosen{.arguments = files_.arguments,
                          .initrd_start = plan.initrd_start,
                          .initrd_end = plan.initrd_end,
                          .seed = TreeBytes(kSeedSize)};
    context.random(chosen.seed);
    return set_chosen(tree, chosen, errors);
}

bool VirtBoard::fill_fw_cfg(FwCfg& fw_cfg, Errors& errors) {
    constexpr std::uint8_t kWaitForEver[] = {0xff, 0xff, 0xff, 0xff};
    return set_fw_cfg_number(fw_cfg, FwCfgKey::CpuCount, std::uint16_t(harts()), errors) &&
           fw_cfg.set_file("bios-geometry", {}, errors) &&
           fw_cfg.set_file("etc/boot-fail-wait", Bytes(kWaitForEver, sizeof kWaitForEver), errors);
}

bool VirtBoard::dump_tree(const TreeBytes& tree, Errors& errors) {
    std::FILE* file = std::fopen(dumpdtb_.c_str(), "wb");
    const bool written = file && std::fwrite(tree.data(), 1, tree.size(), file) == tree.size();
    if ((file && std::fclose(file) != 0) || !written) {
        BoardPropertyErrors(errors, "dumpdtb").fail("could not write '" + dumpdtb_ + "'");
        return false;
    }
    device_context(chip("test")).request_failure(0);  // ends the process, with success, before the guest runs
    return true;
}

bool VirtBoard::finish(BoardContext& context, Errors& errors) {
    constexpr std::uint64_t kUnit = 2 << 20;  // of the tree's place
    context_ = &context;
    files_ = {.firmware = firmware_,
              .kernel = kernel_,
              .initrd = initrd_,
              .arguments = append_,
              .flash0 = flashes_[0] != nullptr,
              .tree_room =
                  (tree_room(harts_.size(), platform_bus().device_count(), numa_of(context).nodes()) +
                   append_.size() + kUnit - 1) /
                  kUnit * kUnit};
    FwCfg& fw_cfg = *query<FwCfg>(chip("fw-cfg"));
    BootPlan plan;
    TreeBytes tree;
    if (!fill_fw_cfg(fw_cfg, errors) || !fill_boot_order(errors) ||
        !load_files(context, fw_cfg, files_, plan, errors) || !make_tree(context, plan, tree, errors))
        return false;
    const GuestAddress address(tree_address(context.ram().size(), tree.size()));
    if (!context.add_blob("the device tree", address, tree, errors) ||
        !context.add_blob("the reset vector", GuestAddress(kMrom.base), reset_vector(plan, address.value),
                          errors))
        return false;
    const std::size_t seed = seed_offset(tree);
    seed_ = seed ? address + seed : GuestAddress();
    return dumpdtb_.empty() || dump_tree(tree, errors);
}

bool VirtBoard::fill_boot_order(Errors& errors) {
    return BootOrder().put(*query<FwCfg>(chip("fw-cfg")), context_->machine(), boot_strict_, errors);
}

/// What guests of this board have always been told: the PCI host has no address of its own there.
bool VirtBoard::chip_path(const Object& chip, TextSink& out) const {
    for (const auto& [name, object] : chips_) {
        if (object != &chip) continue;
        for (const Placement& placement : kPlacements) {
            if (placement.chip != std::string_view(name) ||
                !std::string_view(name).starts_with("virtio-mmio"))
                continue;
            char text[48];
            std::snprintf(text, sizeof text, "/virtio-mmio@%016llx",
                          static_cast<unsigned long long>(placement.address));
            out.append(text);
            return true;
        }
        if (name == "pci-host") out.append("/pci@ffffffffffffffff");
        return name == "pci-host";
    }
    return false;
}

/// Each start of the guest gets a seed of its own. Users may have changed the order meanwhile.
void VirtBoard::reset(BoardContext& context) {
    boot_order_changed();
    if (seed_ == GuestAddress()) return;
    std::uint8_t seed[kSeedSize];
    context.random({seed});
    context.dma().write(seed_, Bytes(seed, sizeof seed));
}

template <unsigned Unit>
constexpr PropertyInfo VirtBoard::flash_property(const char* name, const char* summary) {
    return {.name = name,
            .kind = PropertyKind::Link,
            .summary = summary,
            .set = [](void* part, const PropertyValue& v, Errors&) {
                static_cast<VirtBoard*>(part)->flashes_[Unit] = v.object;
                return true;
            }};
}

/// A switch of which one position is not there: choosing that is refused with what could be done instead.
template <auto Member>
constexpr PropertyInfo without(PropertyInfo info,
                               bool (*set)(void* part, const PropertyValue& value, Errors& errors)) {
    using Value = typename MemberOf<Member>::Value;
    if constexpr (std::is_same_v<Value, bool>) info = property<Member>(info);
    else info = enum_property<Member>(info);
    info.set = set;
    return info;
}
bool refuse(Errors& errors, const char* reason) {
    errors.fail(reason);
    return false;
}

constexpr PropertyInfo VirtBoard::kProperties[] = {
    property<&VirtBoard::aclint_>({.name = "aclint",
                                   .summary = "timers and software interrupts as ACLINT devices",
                                   .default_text = "off"}),
    without<&VirtBoard::acpi_>(
        {.name = "acpi",
         .summary = "describe the machine in ACPI tables; there are none",
         .default_text = "auto",
         .choices = "on|off|auto"},
        [](void* part, const PropertyValue& v, Errors& errors) {
            if (v.text == Str("on"))
                return refuse(errors, "this board has no ACPI tables, guests find it by its device "
                                      "tree; use acpi=off");
            static_cast<VirtBoard*>(part)->acpi_ = std::uint32_t(v.number);
            return true;
        }),
    without<&VirtBoard::aia_>(
        {.name = "aia",
         .summary = "advanced interrupt architecture; there is none",
         .default_text = "none",
         .choices = "none|aplic|aplic-imsic"},
        [](void*, const PropertyValue& v, Errors& errors) {
            return v.text == Str("none") ||
                   refuse(errors, "this board has a PLIC and no advanced interrupt controller; use "
                                  "aia=none");
        }),
    without<&VirtBoard::graphics_>(
        {.name = "graphics", .summary = "have a display; there is none", .default_text = "off"},
        [](void*, const PropertyValue& v, Errors& errors) {
            return !v.boolean || refuse(errors, "there are no displays; use graphics=off");
        }),
    without<&VirtBoard::iommu_>({.name = "iommu-sys",
                                 .summary = "have an IOMMU; there is none",
                                 .default_text = "auto",
                                 .choices = "on|off|auto"},
                                [](void* part, const PropertyValue& v, Errors& errors) {
                                    if (v.text == Str("on"))
                                        return refuse(errors, "this board has no IOMMU; use iommu-sys=off");
                                    static_cast<VirtBoard*>(part)->iommu_ = std::uint32_t(v.number);
                                    return true;
                                }),
    without<&VirtBoard::usb_>(
        {.name = "usb", .summary = "have a USB controller; there is none", .default_text = "off"},
        [](void*, const PropertyValue& v, Errors& errors) {
            return !v.boolean || refuse(errors, "this board has no USB controller; use usb=off");
        }),
    property<&VirtBoard::compatible_>(
        {.name = "dt-compatible", .summary = "what the device tree's root says that it is compatible with"}),
    flash_property<0>("pflash0", "the block node in the first flash, which firmware starts"),
    flash_property<1>("pflash1", "the block node in the second flash, for variables"),
    property<&VirtBoard::firmware_>(
        {.name = "firmware", .summary = "firmware file; \"none\": the machine starts without"}),
    property<&VirtBoard::kernel_>({.name = "kernel", .summary = "kernel file (Image or ELF)"}),
    property<&VirtBoard::initrd_>({.name = "initrd", .summary = "initial ramdisk file"}),
    property<&VirtBoard::append_>({.name = "append", .summary = "the kernel's command line"}),
    property<&VirtBoard::dtb_>({.name = "dtb", .summary = "device-tree file instead of the machine's own"}),
    property<&VirtBoard::dumpdtb_>(
        {.name = "dumpdtb", .summary = "write the device tree to this file and quit"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<VirtBoard, Board>(), offers<VirtBoard, BootChoice>(),
                                         offers<VirtBoard, FirmwareRoot>()};

constexpr ShortName kDriveInterfaces[] = {{"virtio", "virtio-blk-pci"}, {"pflash", nullptr}};
constexpr ShortName kNicModels[] = {{"virtio", "virtio-net-pci"}};
constexpr ShortName kDeviceAliases[] = {{"virtio-blk", "virtio-blk-pci"},
                                        {"virtio-net", "virtio-net-pci"},
                                        {"virtio-rng", "virtio-rng-pci"},
                                        {"virtio-serial", "virtio-serial-pci"},
                                        {"virtio-balloon", "virtio-balloon-pci"}};

constexpr BoardTraits kTraits{
    .max_cpus = kMaximumHarts,
    .default_ram = 128u << 20,
    .max_ram = std::uint64_t{1} << 40,
    .default_cpu = "rv64",
    .cpu_family = "riscv-cpu",
    .drive_interfaces = kDriveInterfaces,
    .nic_models = kNicModels,
    .device_aliases = kDeviceAliases,
    .serial_ports = 1,
    .topology_levels = 0,
};

constexpr TypeInfo kTypes[] = {
    {
        .name = "riscv-virt-machine",
        .parent = "machine",
        .summary = "RISC-V VirtIO board",
        .option_name = "riscv-virt",
        .aliases = "virt",
        .is_default = true,
        .interfaces = kInterfaces,
        .properties = VirtBoard::kProperties,
        .class_data = &kTraits,
        .instance_init = make_part<VirtBoard>,
        .instance_finalize = free_part<VirtBoard>,
        .architecture = "riscv64",
    },
};

}  // namespace
}  // namespace backplane::riscv_virt

BACKPLANE_PLUGIN("riscv-virt", "1.0", "Backplane", backplane::riscv_virt::kTypes)
