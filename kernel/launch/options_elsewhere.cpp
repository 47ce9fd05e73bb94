// Options of users' lines that nothing here can do. Each is refused with what there is instead, so that none is taken
// for a misspelling of another.
#include "kernel/launch/option_table.h"

#include "kernel/vocabulary/user_error.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

struct Elsewhere {
    std::string_view option;
    const char* reason;
};

constexpr const char* kNoDisplay =
    "there is no window; a VNC viewer shows the screen (-vnc :1), and a console is a serial port (-nographic, -serial)";
constexpr const char* kNoSound = "there is no sound";
constexpr const char* kNoSharing =
    "folders are not shared with guests; give a disk image (-drive), or use the network";

constexpr Elsewhere kElsewhere[] = {
    {"soundhw", kNoSound},
    {"mtdblock", "no machine here has a flash chip of that kind; use -pflash, or -drive with -device"},
    {"sd", "no machine here has a slot for cards; use -drive with -device"},
    {"fsdev", kNoSharing},
    {"virtfs", kNoSharing},
    {"iscsi", "disks come from files; -blockdev help lists the drivers"},
    {"usbdevice", "devices are plugged in with -device, such as -usb -device usb-tablet"},
    {"spice", kNoDisplay},
    {"sdl", kNoDisplay},
    {"curses", kNoDisplay},
    {"full-screen", kNoDisplay},
    {"g", kNoDisplay},
    {"no-acpi", "it is a property of the machine: -machine acpi=off"},
    {"tpmdev", "there is no TPM"},
    {"shim", "the firmware loads no shim; give it as a file on a disk"},
    {"preconfig", "a machine is made from the command line as a whole; -S keeps it from running"},
    {"dfilter", "log items are not filtered by address; -d help lists the items"},
    {"icount", "instructions are not counted; leave it out"},
    {"plugin", "plugins of a translator are not loaded; -plugin-dir is for devices and boards"},
    {"perfmap", "no map for profilers is written"},
    {"jitdump", "no map for profilers is written"},
    {"enable-sync-profile", "locks are not profiled"},
    {"compat", "no interface is hidden or refused by its age; leave it out"},
    {"loadvm", "machines are not kept in disk images; a saved one goes on with -incoming file:FILE"},
    {"watchdog", "it is a device, such as -device i6300esb; -device help lists them"},
    {"singlestep", "use -accel tcg,one-insn-per-tb=on"},
    {"portrait", kNoDisplay},
    {"rotate", kNoDisplay},
    {"prom-env", "no firmware here reads such variables"},
    {"xen-domid", "there is no Xen here"},
    {"xen-attach", "there is no Xen here"},
    {"xen-domid-restrict", "there is no Xen here"},
    {"async-teardown", "memory is given back when the process ends, and not by another one; leave it out"},
    {"dump-vmstate", "the state's description is not written by itself"},
    {"writeconfig", "no configuration is written; -print-plan shows what a command line means"},
    {"balloon", "use -device virtio-balloon-device"},
    {"tb-size", "use -accel tcg,tb-size=N"},
};

}  // namespace

void refuse_elsewhere(std::string_view name, const std::string& text) {
    const auto found = std::ranges::find(kElsewhere, name, &Elsewhere::option);
    if (found != std::end(kElsewhere)) throw UserError(text + ": " + found->reason);
}

}  // namespace backplane::kernel
