// Host backends that others have and this program has not: named, they are refused with what is there instead. Listings
// do not show them.
#include <backplane/block.h>
#include <backplane/char.h>
#include <backplane/net.h>
#include <backplane/plugin.h>

namespace backplane::absent {
namespace {

/// Never called: no object of these types is made.
template <class Interface>
constexpr InterfaceInfo kOffers[] = {{Interface::kId, [](void*) -> void* { return nullptr; }}};

template <class Interface>
constexpr TypeInfo absent(const char* parent, const char* name, const char* option, const char* aliases,
                          const char* const& reason) {
    return {.name = name,
            .parent = parent,
            .summary = reason,
            .option_name = option,
            .aliases = aliases,
            .interfaces = kOffers<Interface>,
            .class_data = &reason,
            .instance_init = [](Object&, const void* data, Errors& errors) -> void* {
                errors.fail(*static_cast<const char* const*>(data));
                return nullptr;
            },
            .instance_finalize = [](Object&, void*) {}};
}

constexpr const char* kParallel =
    "there are no parallel ports; use a serial line (-chardev serial,path=/dev/ttyS0)";
constexpr const char* kSpice = "there is no SPICE; connect a socket (-chardev socket) in its place";
constexpr const char* kBraille = "there are no braille displays; use -chardev stdio or pty";
constexpr const char* kPointer = "there are no serial mice and tablets";
constexpr const char* kHub =
    "there are no hubs; connect the device to a netdev of its own, or use -netdev socket,mcast=";
constexpr const char* kBridge =
    "interfaces are not made by a helper; use -netdev tap with one that is in the bridge";
constexpr const char* kVhost = "frames pass through this program; use -netdev tap, stream or dgram";
constexpr const char* kTunnel = "use -netdev tap with a tunnel of the host's, or -netdev dgram";
constexpr const char* kPasst =
    "it is not started from here; start passt and use -netdev stream with its socket";
constexpr const char* kFormat = "only raw images are there; convert it first (qemu-img convert -O raw)";
constexpr const char* kProtocol =
    "images are files and devices of this host; mount it, or attach it with nbd-client";
constexpr const char* kFilter = "block nodes are files and raw; there are no filters and no test drivers";

constexpr TypeInfo kTypes[] = {
    absent<CharBackend>("chardev", "chardev-parallel", "parallel", "parport", kParallel),
    absent<CharBackend>("chardev", "chardev-spicevmc", "spicevmc", "spiceport|qemu-vdagent|dbus", kSpice),
    absent<CharBackend>("chardev", "chardev-braille", "braille", nullptr, kBraille),
    absent<CharBackend>("chardev", "chardev-msmouse", "msmouse", "wctablet|testdev", kPointer),
    absent<NetBackend>("netdev", "netdev-hubport", "hubport", nullptr, kHub),
    absent<NetBackend>("netdev", "netdev-bridge", "bridge", nullptr, kBridge),
    absent<NetBackend>("netdev", "netdev-vhost-user", "vhost-user", "vhost-vdpa|af-xdp|netmap", kVhost),
    absent<NetBackend>("netdev", "netdev-l2tpv3", "l2tpv3", "vde", kTunnel),
    absent<NetBackend>("netdev", "netdev-passt", "passt", nullptr, kPasst),
    absent<BlockBackend>("block-node", "blockdev-formats", "qcow2",
                         "qcow|qed|vdi|vmdk|vpc|vhdx|luks|parallels|dmg|bochs|cloop", kFormat),
    absent<BlockBackend>("block-node", "blockdev-protocols", "nbd",
                         "http|https|ftp|ftps|ssh|iscsi|nfs|rbd|gluster|sheepdog|vvfat|nvme|host_cdrom",
                         kProtocol),
    absent<BlockBackend>("block-node", "blockdev-filters", "throttle",
                         "copy-on-read|quorum|replication|blkdebug|blklogwrites|blkverify|null-co|null-aio|"
                         "compress|preallocate|snapshot-access",
                         kFilter),
};

}  // namespace
}  // namespace backplane::absent

BACKPLANE_PLUGIN("absent-backends", "1.0", "Backplane", backplane::absent::kTypes)
