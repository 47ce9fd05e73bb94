#include "tables.h"

namespace backplane::riscv_virt {
namespace {

constexpr Setting kUartSettings[] = {{"clock-frequency", "3686400"}};
constexpr Setting kFlash0Settings[] = {
    {"num-blocks", "128"}, {"sector-length", "262144"}, {"width", "4"}, {"device-width", "2"}, {"id0", "137"},
    {"id1", "24"},         {"name", "virt.flash0"}};
constexpr Setting kFlash1Settings[] = {
    {"num-blocks", "128"}, {"sector-length", "262144"}, {"width", "4"}, {"device-width", "2"}, {"id0", "137"},
    {"id1", "24"},         {"name", "virt.flash1"}};
/// 201h: RV64.
constexpr Setting kSmbiosSettings[] = {{"manufacturer", "QEMU"},
                                       {"product", "QEMU Virtual Machine"},
                                       {"version", "virt"},
                                       {"processor-family", "513"}};
constexpr Setting kPlatformBusSettings[] = {{"num_irqs", "32"}, {"mmio_size", "33554432"}};

constexpr Chip kChipTable[] = {
    {"test", "riscv.sifive.test"},
    {"rtc", "goldfish_rtc"},
    {"uart", "serial-mm", kUartSettings},
    // The last slot first: it is the one that the first device of the command line gets.
    {"virtio-mmio7", "virtio-mmio"},
    {"virtio-mmio6", "virtio-mmio"},
    {"virtio-mmio5", "virtio-mmio"},
    {"virtio-mmio4", "virtio-mmio"},
    {"virtio-mmio3", "virtio-mmio"},
    {"virtio-mmio2", "virtio-mmio"},
    {"virtio-mmio1", "virtio-mmio"},
    {"virtio-mmio0", "virtio-mmio"},
    {"fw-cfg", "fw_cfg_mem"},
    {"smbios", "smbios-tables", kSmbiosSettings},
    {"flash0", "cfi.pflash01", kFlash0Settings},
    {"flash1", "cfi.pflash01", kFlash1Settings},
    {"pci-host", "gpex-pcihost"},
    {"platform-bus", "platform-bus-device", kPlatformBusSettings},
};

constexpr Placement kPlacementTable[] = {
    {"test", "control", kTest.base},
    {"rtc", "registers", kRtc.base},
    {"uart", "registers", kUart.base},
    {"virtio-mmio0", "mmio", kVirtio.base + 0 * kVirtio.size},
    {"virtio-mmio1", "mmio", kVirtio.base + 1 * kVirtio.size},
    {"virtio-mmio2", "mmio", kVirtio.base + 2 * kVirtio.size},
    {"virtio-mmio3", "mmio", kVirtio.base + 3 * kVirtio.size},
    {"virtio-mmio4", "mmio", kVirtio.base + 4 * kVirtio.size},
    {"virtio-mmio5", "mmio", kVirtio.base + 5 * kVirtio.size},
    {"virtio-mmio6", "mmio", kVirtio.base + 6 * kVirtio.size},
    {"virtio-mmio7", "mmio", kVirtio.base + 7 * kVirtio.size},
    {"fw-cfg", "data", kFwCfg.base},
    {"fw-cfg", "selector", kFwCfg.base + 8},
    {"fw-cfg", "dma", kFwCfg.base + 16},
    {"flash0", "memory", kFlash0.base},
    {"flash1", "memory", kFlash1.base},
    {"pci-host", "ecam", kPciEcam.base},
    {"pci-host", "mmio32", kPciMmio32.base},
    {"pci-host", "pio", kPciIo.base},
    {"platform-bus", "memory", kPlatformBus.base},
};

constexpr InterruptLine kInterruptTable[] = {
    {"virtio-mmio0", "irq", 0, kVirtioSource + 0},
    {"virtio-mmio1", "irq", 0, kVirtioSource + 1},
    {"virtio-mmio2", "irq", 0, kVirtioSource + 2},
    {"virtio-mmio3", "irq", 0, kVirtioSource + 3},
    {"virtio-mmio4", "irq", 0, kVirtioSource + 4},
    {"virtio-mmio5", "irq", 0, kVirtioSource + 5},
    {"virtio-mmio6", "irq", 0, kVirtioSource + 6},
    {"virtio-mmio7", "irq", 0, kVirtioSource + 7},
    {"uart", "irq", 0, kUartSource},
    {"rtc", "irq", 0, kRtcSource},
    {"pci-host", "intx", 0, kPciSource + 0},
    {"pci-host", "intx", 1, kPciSource + 1},
    {"pci-host", "intx", 2, kPciSource + 2},
    {"pci-host", "intx", 3, kPciSource + 3},
};

}  // namespace

const Slice<const Chip> kChips{kChipTable};
const Slice<const Placement> kPlacements{kPlacementTable};
const Slice<const InterruptLine> kInterrupts{kInterruptTable};

}  // namespace backplane::riscv_virt
