// Devices, objects and CPUs that others have and this program has not: named, they are refused with what is there
// instead. Listings do not show them. A plugin that brings one of them takes its name out of here.
#include <backplane/plugin.h>

namespace backplane::without {
namespace {

/// `names`: '|' between them. Abstract: nothing is made of it.
constexpr TypeInfo absent(const char* parent, const char* type, const char* name, const char* names,
                          const char* reason) {
    return {.name = type,
            .parent = parent,
            .summary = reason,
            .abstract = true,
            .option_name = name,
            .aliases = names,
            .category = "Absent"};
}

constexpr const char* kUsb =
    "it is not there; -usb has a PC's UHCI, with usb-kbd, usb-mouse, usb-tablet, usb-hub and usb-storage on it";
constexpr const char* kDisplay =
    "this adapter is not there; a PC may have a VGA (-vga std), and a console is a serial port (-nographic)";
constexpr const char* kInput =
    "it is not there; a PC has a PS/2 keyboard and mouse, and with -usb takes usb-kbd, usb-mouse and usb-tablet";
constexpr const char* kSound = "there is no sound; leave it out";
constexpr const char* kDisk =
    "disks are virtio-blk-device and virtio-blk-pci, ide-hd and usb-storage (-drive, -blockdev)";
constexpr const char* kNic = "network cards are e1000, virtio-net-device and virtio-net-pci";
constexpr const char* kBridge = "there is no bridge but pci-bridge; leave it out, and bus= with it";
constexpr const char* kSharing =
    "folders are not shared with guests; give a disk image (-drive), or use the network";
constexpr const char* kVsock = "guests are reached over a network (-nic user,hostfwd=) or a virtserialport";
constexpr const char* kMemory =
    "memory is plugged in by pc-dimm, where a machine has slots for it (-m SIZE,slots=,maxmem=)";
constexpr const char* kCrypto = "there is no cryptographic device; the guest's CPU does without";
constexpr const char* kIommu = "there is no IOMMU; leave it out";
constexpr const char* kTpm = "there is no TPM; leave it out";
constexpr const char* kHostDevice = "devices of the host are not handed to guests";
constexpr const char* kPciSerial = "serial ports are the board's own (-serial) and virtconsole";
constexpr const char* kShared =
    "memory is shared with other programs by -object memory-backend-file,share=on";
constexpr const char* kGuestLoader = "images are put into memory by loader";

constexpr const char* kIothread = "each disk has threads of its own; leave it out, and iothread= with it";
constexpr const char* kThreads = "threads are the program's own; bind it as a whole with taskset";
constexpr const char* kThrottle = "disks are not throttled; limit the process, with a cgroup's io.max";
constexpr const char* kTls = "there is no TLS; put a tunnel such as stunnel in front of a socket";
constexpr const char* kAuthorization =
    "monitors and sockets are for whoever reaches them; use permissions of files";
constexpr const char* kFilter =
    "packets of a network are dumped (filter-dump), and not changed or sent elsewhere";
constexpr const char* kBackend = "guests' memory is memory-backend-ram, -memfd or -file";
constexpr const char* kEgd = "random numbers come from rng-random or rng-builtin";
constexpr const char* kKeyring = "secrets come from a file: -object secret,file=";
constexpr const char* kEncrypted = "guests' memory is not encrypted; leave it out";
constexpr const char* kCan = "there is no CAN bus; leave it out";

constexpr const char* kRva22 =
    "the profile asks for extensions that are not executed (cache blocks, half-precision numbers, page types); use "
    "max";
constexpr const char* kRva23 = "the profile asks for vectors and more, which are not executed; use max";
constexpr const char* kModel = "the model has extensions that are not executed; use rv64 or max";
constexpr const char* kWidth = "harts have 64 bits and 32 registers; use rv64";
constexpr const char* kHost = "the guest's code is not the host's; use max";

constexpr TypeInfo kTypes[] = {
    absent("device", "absent-usb", "qemu-xhci",
           "nec-usb-xhci|usb-ehci|ich9-usb-ehci1|pci-ohci|usb-wacom-tablet|"
           "usb-uas|usb-bot|usb-net|usb-host|usb-serial|usb-audio|usb-ccid|usb-mtp|usb-redir|"
           "usb-braille|u2f-emulated|u2f-passthru",
           kUsb),
    absent("device", "absent-displays", "bochs-display",
           "ramfb|virtio-gpu|virtio-gpu-pci|virtio-gpu-device|virtio-gpu-gl-pci|virtio-gpu-gl-device|"
           "virtio-vga|virtio-vga-gl|cirrus-vga|qxl|qxl-vga|vmware-svga|ati-vga|vhost-user-gpu-pci",
           kDisplay),
    absent(
        "device", "absent-input", "virtio-keyboard-pci",
        "virtio-keyboard-device|virtio-keyboard|virtio-mouse-pci|virtio-mouse-device|virtio-mouse|"
        "virtio-tablet-pci|virtio-tablet-device|virtio-tablet|virtio-multitouch-pci|virtio-multitouch-device|"
        "virtio-input-host-pci|virtio-input-host-device",
        kInput),
    absent(
        "device", "absent-sound", "virtio-sound-pci",
        "virtio-sound-device|virtio-sound|intel-hda|ich9-intel-hda|hda-duplex|hda-output|hda-micro|AC97|ES1370|"
        "sb16|gus|adlib|cs4231a",
        kSound),
    absent(
        "device", "absent-disks", "virtio-scsi-pci",
        "virtio-scsi-device|virtio-scsi|scsi-hd|scsi-cd|scsi-block|scsi-generic|lsi53c895a|lsi53c810|megasas|"
        "megasas-gen2|mptsas1068|pvscsi|am53c974|dc390|vhost-scsi-pci|vhost-user-scsi-pci|vhost-user-blk-pci|nvme|"
        "nvme-ns|nvme-subsys|sdhci-pci|sd-card",
        kDisk),
    absent("device", "absent-nics", "e1000e",
           "igb|rtl8139|ne2k_pci|pcnet|vmxnet3|tulip|i82550|i82551|i82557a|i82557b|i82558a|i82559a|i82801",
           kNic),
    absent(
        "device", "absent-bridges", "pcie-root-port",
        "pci-bridge|pcie-pci-bridge|pxb|pxb-pcie|ioh3420|x3130-upstream|xio3130-downstream|i82801b11-bridge",
        kBridge),
    absent("device", "absent-sharing", "virtio-9p-pci",
           "virtio-9p-device|virtio-9p|vhost-user-fs-pci|vhost-user-fs-device", kSharing),
    absent("device", "absent-vsock", "vhost-vsock-pci", "vhost-vsock-device|vhost-vsock|vhost-user-vsock-pci",
           kVsock),
    absent("device", "absent-memory", "virtio-mem-pci",
           "virtio-mem-device|virtio-pmem-pci|virtio-pmem-device|pc-dimm|nvdimm", kMemory),
    absent("device", "absent-crypto", "virtio-crypto-pci", "virtio-crypto-device|virtio-crypto", kCrypto),
    absent("device", "absent-iommu", "virtio-iommu-pci",
           "virtio-iommu-device|virtio-iommu|riscv-iommu-pci|intel-iommu|amd-iommu", kIommu),
    absent("device", "absent-tpm", "tpm-tis-device", "tpm-tis|tpm-crb|tpm-crb-device|tpm-spapr", kTpm),
    absent("device", "absent-host-devices", "vfio-pci", "vfio-pci-nohotplug|vfio-ccw|vhost-vdpa-device-pci",
           kHostDevice),
    absent("device", "absent-pci-serial", "pci-serial", "pci-serial-2x|pci-serial-4x", kPciSerial),
    absent("device", "absent-shared-memory", "ivshmem-plain", "ivshmem-doorbell|ivshmem-flat", kShared),
    absent("device", "absent-guest-loader", "guest-loader", nullptr, kGuestLoader),

    absent("object", "absent-iothread", "iothread", nullptr, kIothread),
    absent("object", "absent-threads", "thread-context", "main-loop", kThreads),
    absent("object", "absent-throttle", "throttle-group", nullptr, kThrottle),
    absent("object", "absent-tls", "tls-creds-x509", "tls-creds-anon|tls-creds-psk|tls-cipher-suites", kTls),
    absent("object", "absent-authorization", "authz-simple", "authz-list|authz-list-file|authz-pam",
           kAuthorization),
    absent("object", "absent-filters", "filter-mirror",
           "filter-redirector|filter-buffer|filter-rewriter|filter-replay|colo-compare", kFilter),
    absent("object", "absent-memory-backends", "memory-backend-shm", "memory-backend-epc", kBackend),
    absent("object", "absent-entropy", "rng-egd", nullptr, kEgd),
    absent("object", "absent-keyring", "secret_keyring", nullptr, kKeyring),
    absent("object", "absent-encryption", "sev-guest", "sev-snp-guest|tdx-guest", kEncrypted),
    absent("object", "absent-cryptodev", "cryptodev-backend-builtin",
           "cryptodev-backend|cryptodev-backend-lkcf|cryptodev-vhost-user", kCrypto),
    absent("object", "absent-can", "can-bus", "can-host-socketcan", kCan),
    absent("object", "absent-host-input", "input-linux", "input-barrier", kInput),

    absent("riscv-cpu", "absent-rva22", "rva22s64", "rva22u64", kRva22),
    absent("riscv-cpu", "absent-rva23", "rva23s64", "rva23u64", kRva23),
    absent("riscv-cpu", "absent-riscv-models", "thead-c906",
           "veyron-v1|tt-ascalon|xiangshan-nanhu|xiangshan-kunminghu|mips-p8700", kModel),
    absent("riscv-cpu", "absent-riscv-widths", "rv32",
           "rv32i|rv32e|rv64e|x-rv128|max32|lowrisc-ibex|sifive-e31|sifive-e34|sifive-u34", kWidth),
    absent("riscv-cpu", "absent-riscv-host", "host", nullptr, kHost),
};

}  // namespace
}  // namespace backplane::without

BACKPLANE_PLUGIN("without", "1.0", "Backplane", backplane::without::kTypes)
