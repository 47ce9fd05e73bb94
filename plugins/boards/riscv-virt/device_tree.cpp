#include "device_tree.h"

#include "map.h"

#include <lib/flat_tree.h>
#include <lib/tree_node_writer.h>

#include <libfdt.h>

#include <cstdio>

namespace backplane::riscv_virt {

using device_tree::Cells;
using device_tree::FlatTree;
using device_tree::put64;

namespace {

/// Bytes left in the tree for firmware, which adds reserved memory and the like.
constexpr std::size_t kRoomForFirmware = 64 << 10;
constexpr std::size_t kRoomForChips = 16 << 10;
constexpr std::size_t kRoomForHart = 2048;
constexpr std::size_t kRoomForPlatformDevice = 4096;
constexpr std::size_t kRoomForNode = 256;
constexpr std::size_t kRoomForChosen = 1024;
/// What /aliases and /chosen call the UART.
constexpr const char* kUartPath = "/soc/serial@10000000";
static_assert(kUart.base == 0x1000'0000);
constexpr std::uint32_t kPciIoSpace = 0x0100'0000;
constexpr std::uint32_t kPciMemory32 = 0x0200'0000;
constexpr std::uint32_t kPciMemory64 = 0x0300'0000;

/// A distance is three cells.
constexpr std::size_t room_for_all(std::size_t harts, std::size_t platform_devices, std::size_t nodes) {
    return kRoomForChips + harts * kRoomForHart + platform_devices * kRoomForPlatformDevice +
           nodes * (kRoomForNode + nodes * 12);
}

class Maker {
  public:
    explicit Maker(const TreeContents& contents)
        : contents_(contents),
          tree_(room_for_all(contents.harts.size(), contents.platform ? contents.platform->device_count() : 0,
                             contents.numa ? contents.numa->nodes() : 0)) {}

    bool make(TreeBytes& bytes, Errors& errors) {
        tree_.begin("");
        tree_.cell("#address-cells", 2);
        tree_.cell("#size-cells", 2);
        tree_.text("compatible", contents_.compatible);
        tree_.text("model", "riscv-virtio,qemu");
        counters();
        fw_cfg();
        flash();
        aliases();
        chosen();
        power("poweroff", "syscon-poweroff", 0x5555);
        power("reboot", "syscon-reboot", 0x7777);
        distances();
        platform_bus();
        memory();
        cpus();
        soc();
        tree_.end();
        if (!tree_.finish(errors)) return false;
        bytes = tree_.take();
        return true;
    }

  private:
    std::uint32_t harts() const { return std::uint32_t(contents_.harts.size()); }
    // Phandles: the harts, their interrupt controllers, then the chips.
    std::uint32_t hart_handle(std::uint32_t hart) const { return 1 + 2 * hart; }
    std::uint32_t hart_interrupts_handle(std::uint32_t hart) const { return 2 + 2 * hart; }
    std::uint32_t plic_handle() const { return 1 + 2 * harts(); }
    std::uint32_t test_handle() const { return 2 + 2 * harts(); }

    void begin_at(const char* name, std::uint64_t address) {
        char text[64];
        std::snprintf(text, sizeof text, "%s@%llx", name, static_cast<unsigned long long>(address));
        tree_.begin(text);
    }
    void reg(const Range& range) { tree_.reg({{range.base, range.size}}); }
    void interrupt(unsigned source) {
        tree_.cell("interrupt-parent", plic_handle());
        tree_.cell("interrupts", source);
    }
    /// One or more of a hart's inputs, for each hart.
    void to_harts(std::initializer_list<unsigned> inputs) {
        Cells cells;
        for (std::uint32_t hart = 0; hart < harts(); ++hart)
            for (const unsigned input : inputs) {
                cells.push_back(hart_interrupts_handle(hart));
                cells.push_back(input);
            }
        tree_.cells("interrupts-extended", cells);
    }

    /// The fixed counters: cycles are in counter 0, instructions in counter 2.
    void counters() {
        tree_.begin("pmu");
        tree_.text("compatible", "riscv,pmu");
        tree_.cells("riscv,event-to-mhpmcounters", {1, 1, 1u << 0, 2, 2, 1u << 2});
        tree_.end();
    }
    void fw_cfg() {
        begin_at("fw-cfg", kFwCfg.base);
        tree_.text("compatible", "qemu,fw-cfg-mmio");
        reg(kFwCfg);
        tree_.flag("dma-coherent");
        tree_.end();
    }
    void flash() {
        begin_at("flash", kFlash0.base);
        tree_.text("compatible", "cfi-flash");
        tree_.reg({{kFlash0.base, kFlash0.size}, {kFlash1.base, kFlash1.size}});
        tree_.cell("bank-width", 4);
        tree_.end();
    }
    void aliases() {
        tree_.begin("aliases");
        tree_.text("serial0", kUartPath);
        tree_.end();
    }
    void chosen() {
        tree_.begin("chosen");
        tree_.text("stdout-path", kUartPath);
        tree_.end();
    }
    void power(const char* name, const char* compatible, std::uint32_t value) {
        tree_.begin(name);
        tree_.text("compatible", compatible);
        tree_.cell("regmap", test_handle());
        tree_.cell("offset", 0);
        tree_.cell("value", value);
        tree_.end();
    }
    void platform_bus() {
        begin_at("platform-bus", kPlatformBus.base);
        tree_.texts("compatible", {"qemu,platform", "simple-bus"});
        tree_.cell("#address-cells", 1);
        tree_.cell("#size-cells", 1);
        tree_.cells("ranges", {0, 0, std::uint32_t(kPlatformBus.base), std::uint32_t(kPlatformBus.size)});
        tree_.cell("interrupt-parent", plic_handle());
        for (std::size_t i = 0; contents_.platform && i < contents_.platform->device_count(); ++i)
            platform_device(contents_.platform->device(i), contents_.platform->place(i));
        tree_.end();
    }
    /// What says nothing of itself has no node: no driver would know it.
    void platform_device(Object& device, const PlatformPlace& place) {
        auto* node = query<DeviceTreeNode>(device);
        if (!node || place.windows.empty()) return;
        begin_at(std::string(node->node_name().view()).c_str(), place.windows[0].address - kPlatformBus.base);
        Cells ranges, lines;
        for (const PlatformPlace::Window& window : place.windows) {
            ranges.push_back(std::uint32_t(window.address - kPlatformBus.base));
            ranges.push_back(std::uint32_t(window.size));
        }
        for (const std::uint32_t line : place.lines) lines.push_back(kPlatformBusSource + line);
        tree_.cells("reg", ranges);
        if (!lines.empty()) {
            tree_.cell("interrupt-parent", plic_handle());
            tree_.cells("interrupts", lines);
        }
        device_tree::TreeNodeWriter writer(tree_);
        node->describe_node(writer, place);
        tree_.end();
    }
    bool has_nodes() const { return contents_.numa && contents_.numa->nodes() != 0; }
    /// Linux, "NUMA binding descriptions" (numa.txt).
    void distances() {
        if (!has_nodes() || contents_.numa->distance(0, 0) == 0) return;
        Cells cells;
        for (std::uint32_t from = 0; from < contents_.numa->nodes(); ++from)
            for (std::uint32_t to = 0; to < contents_.numa->nodes(); ++to)
                cells.insert(cells.end(), {from, to, contents_.numa->distance(from, to)});
        tree_.begin("distance-map");
        tree_.text("compatible", "numa-distance-map-v1");
        tree_.cells("distance-matrix", cells);
        tree_.end();
    }
    void memory() {
        if (!has_nodes()) return memory(kDram, contents_.ram_size, {});
        std::uint64_t start = kDram;
        for (std::uint32_t node = 0; node < contents_.numa->nodes(); ++node) {
            const std::uint64_t size = contents_.numa->memory(node);
            if (size != 0) memory(start, size, node);
            start += size;
        }
    }
    void memory(std::uint64_t start, std::uint64_t size, std::optional<std::uint32_t> node) {
        begin_at("memory", start);
        if (node) tree_.cell("numa-node-id", *node);
        tree_.text("device_type", "memory");
        tree_.reg({{start, size}});
        tree_.end();
    }

    void cpus() {
        tree_.begin("cpus");
        tree_.cell("#address-cells", 1);
        tree_.cell("#size-cells", 0);
        tree_.cell("timebase-frequency", kTimebase);
        for (std::uint32_t hart = 0; hart < harts(); ++hart) cpu(hart);
        tree_.begin("cpu-map");
        tree_.begin("cluster0");
        for (std::uint32_t hart = 0; hart < harts(); ++hart) {
            tree_.begin("core" + std::to_string(hart));
            tree_.cell("cpu", hart_handle(hart));
            tree_.end();
        }
        tree_.end();
        tree_.end();
        tree_.end();
    }
    void cpu(std::uint32_t index) {
        const HartDescription& hart = contents_.harts[index];
        begin_at("cpu", hart.id);
        tree_.cell("phandle", hart_handle(index));
        if (has_nodes()) tree_.cell("numa-node-id", contents_.numa->node_of_cpu(index));
        tree_.text("device_type", "cpu");
        tree_.cell("reg", std::uint32_t(hart.id));
        tree_.text("status", "okay");
        tree_.text("compatible", "riscv");
        tree_.text("riscv,isa", hart.isa);
        tree_.text("riscv,isa-base", "rv64i");
        tree_.texts("riscv,isa-extensions", hart.extensions);
        if (!hart.mmu.empty()) tree_.text("mmu-type", hart.mmu);
        tree_.begin("interrupt-controller");
        tree_.cell("#interrupt-cells", 1);
        tree_.flag("interrupt-controller");
        tree_.text("compatible", "riscv,cpu-intc");
        tree_.cell("phandle", hart_interrupts_handle(index));
        tree_.end();
        tree_.end();
    }

    void soc() {
        tree_.begin("soc");
        tree_.cell("#address-cells", 2);
        tree_.cell("#size-cells", 2);
        tree_.text("compatible", "simple-bus");
        tree_.flag("ranges");
        rtc();
        uart();
        test();
        pci();
        // In the order in which devices are plugged in, so that a guest numbers them so.
        for (unsigned i = kVirtioCount; i-- > 0;) virtio(i);
        plic();
        if (contents_.aclint) aclint();
        else clint();
        tree_.end();
    }
    void rtc() {
        begin_at("rtc", kRtc.base);
        tree_.text("compatible", "google,goldfish-rtc");
        reg(kRtc);
        interrupt(kRtcSource);
        tree_.end();
    }
    void uart() {
        begin_at("serial", kUart.base);
        tree_.text("compatible", "ns16550a");
        reg(kUart);
        tree_.cell("clock-frequency", kUartClock);
        interrupt(kUartSource);
        tree_.end();
    }
    void test() {
        begin_at("test", kTest.base);
        tree_.texts("compatible", {"sifive,test1", "sifive,test0", "syscon"});
        reg(kTest);
        tree_.cell("phandle", test_handle());
        tree_.end();
    }
    void virtio(unsigned index) {
        const std::uint64_t base = kVirtio.base + index * kVirtio.size;
        begin_at("virtio_mmio", base);
        tree_.text("compatible", "virtio,mmio");
        tree_.reg({{base, kVirtio.size}});
        interrupt(kVirtioSource + index);
        tree_.end();
    }
    void plic() {
        begin_at("interrupt-controller", kPlic.base);
        tree_.texts("compatible", {"sifive,plic-1.0.0", "riscv,plic0"});
        reg(kPlic);
        tree_.cell("phandle", plic_handle());
        tree_.flag("interrupt-controller");
        tree_.cell("#interrupt-cells", 1);
        tree_.cell("#address-cells", 0);
        tree_.cell("riscv,ndev", kPlicSources - 1);  // source 0 is none
        to_harts({kMachineExternal, kSupervisorExternal});
        tree_.end();
    }
    void clint() {
        begin_at("clint", kClint.base);
        tree_.texts("compatible", {"sifive,clint0", "riscv,clint0"});
        reg(kClint);
        to_harts({kMachineSoftware, kMachineTimer});
        tree_.end();
    }
    void software_interrupts(const char* name, const char* compatible, const Range& range, unsigned input) {
        begin_at(name, range.base);
        tree_.text("compatible", compatible);
        reg(range);
        tree_.flag("interrupt-controller");
        tree_.cell("#interrupt-cells", 0);
        to_harts({input});
        tree_.end();
    }
    void aclint() {
        software_interrupts("mswi", "riscv,aclint-mswi", kMswi, kMachineSoftware);
        // mtime, which stands behind the comparators, comes first (binding riscv,aclint-mtimer).
        const std::uint64_t time = kMtimer.base + 0x7ff8;
        begin_at("mtimer", time);
        tree_.text("compatible", "riscv,aclint-mtimer");
        tree_.reg({{time, kMtimer.base + kMtimer.size - time + 0x4000}, {kMtimer.base, 0x7ff8}});
        to_harts({kMachineTimer});
        tree_.end();
        software_interrupts("sswi", "riscv,aclint-sswi", kSswi, kSupervisorSoftware);
    }

    /// Pin INTA#–INTD# (1–4) of device d goes to source 32 + (d + pin - 1) mod 4.
    Cells interrupt_map() const {
        Cells cells;
        for (std::uint32_t device = 0; device < 4; ++device)
            for (std::uint32_t pin = 1; pin <= 4; ++pin)
                for (const std::uint32_t cell :
                     {device << 11, 0u, 0u, pin, plic_handle(), kPciSource + (device + pin - 1) % 4})
                    cells.push_back(cell);
        return cells;
    }
    Cells pci_ranges() const {
        Cells cells;
        const auto window = [&cells](std::uint32_t space, std::uint64_t bus, std::uint64_t cpu,
                                     std::uint64_t size) {
            cells.push_back(space);
            put64(cells, bus);
            put64(cells, cpu);
            put64(cells, size);
        };
        const std::uint64_t high = pci_mmio64_base(contents_.ram_size);
        window(kPciIoSpace, 0, kPciIo.base, kPciIo.size);
        window(kPciMemory32, kPciMmio32.base, kPciMmio32.base, kPciMmio32.size);
        window(kPciMemory64, high, high, kPciMmio64Size);
        return cells;
    }
    void pci() {
        begin_at("pci", kPciEcam.base);
        tree_.text("compatible", "pci-host-ecam-generic");
        tree_.text("device_type", "pci");
        tree_.cell("#address-cells", 3);
        tree_.cell("#size-cells", 2);
        tree_.cell("#interrupt-cells", 1);
        tree_.cell("linux,pci-domain", 0);
        tree_.cells("bus-range", {0, std::uint32_t(kPciEcam.size / (1 << 20) - 1)});
        tree_.flag("dma-coherent");
        reg(kPciEcam);
        tree_.cells("ranges", pci_ranges());
        tree_.cells("interrupt-map", interrupt_map());
        tree_.cells("interrupt-map-mask", {3 << 11, 0, 0, 7});
        tree_.end();
    }

    const TreeContents& contents_;
    FlatTree tree_;
};

}  // namespace

std::uint64_t tree_room(std::size_t harts, std::size_t platform_devices, std::size_t nodes) {
    return room_for_all(harts, platform_devices, nodes) + kRoomForChosen + kRoomForFirmware;
}

bool make_device_tree(const TreeContents& contents, TreeBytes& tree, Errors& errors) {
    return Maker(contents).make(tree, errors);
}

bool check_device_tree(Bytes tree, Errors& errors) {
    if (tree.size < sizeof(fdt_header) || fdt_magic(tree.data) != FDT_MAGIC) {
        errors.fail("is not a flattened device tree");
        return false;
    }
    // Structures older than version 16 have names in full paths (Devicetree Specification v0.4, 5.2); libfdt writes
    // none of them, and its check takes none.
    constexpr std::uint32_t kOldest = 16;
    constexpr std::uint32_t kNewest = 17;
    if (const std::uint32_t version = fdt_version(tree.data), oldest = fdt_last_comp_version(tree.data);
        version < kOldest || oldest > kNewest || oldest > version) {
        errors.fail("is a device tree of version " + std::to_string(version) + ", readable from version " +
                    std::to_string(oldest) +
                    " on; this machine takes versions 16 and 17: convert it with dtc");
        return false;
    }
    // The structure's end is looked for in the bytes given, whatever the header says of its own size.
    if (fdt_totalsize(tree.data) > tree.size || fdt_check_full(tree.data, tree.size) != 0) {
        errors.fail("is not a whole flattened device tree");
        return false;
    }
    return true;
}

bool set_chosen(TreeBytes& tree, const ChosenContents& chosen, Errors& errors) {
    const std::size_t room = chosen.arguments.size() + chosen.seed.size() + kRoomForChosen + kRoomForFirmware;
    TreeBytes wider(fdt_totalsize(tree.data()) + room);
    void* fdt = wider.data();
    int result = fdt_open_into(tree.data(), fdt, int(wider.size()));
    const auto then = [&result](int next) {
        if (result >= 0) result = next;
    };
    if (result >= 0) {
        int node = fdt_path_offset(fdt, "/chosen");
        if (node == -FDT_ERR_NOTFOUND) node = fdt_add_subnode(fdt, 0, "chosen");
        then(node);
    }
    const int node = result;
    if (result >= 0 && !chosen.arguments.empty())
        then(fdt_setprop_string(fdt, node, "bootargs", chosen.arguments.c_str()));
    if (result >= 0 && chosen.initrd_end != 0) {
        then(fdt_setprop_u64(fdt, node, "linux,initrd-start", chosen.initrd_start));
        then(fdt_setprop_u64(fdt, node, "linux,initrd-end", chosen.initrd_end));
    }
    if (result >= 0 && !chosen.seed.empty())
        then(fdt_setprop(fdt, node, "rng-seed", chosen.seed.data(), int(chosen.seed.size())));
    if (result < 0) {
        errors.fail(std::string("the device tree's /chosen could not be written: ") + fdt_strerror(result));
        return false;
    }
    tree = std::move(wider);
    return true;
}

std::size_t seed_offset(const TreeBytes& tree) {
    const int node = fdt_path_offset(tree.data(), "/chosen");
    if (node < 0) return 0;
    const void* seed = fdt_getprop(tree.data(), node, "rng-seed", nullptr);
    return seed ? std::size_t(static_cast<const std::uint8_t*>(seed) - tree.data()) : 0;
}

}  // namespace backplane::riscv_virt
