// The plugin "vmport": the port and the pointer behind it.
#include "vmmouse.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::vmport {
namespace {

constexpr PropertyInfo kPortProperties[] = {
    property<&VmPort::sets_whole_eax_>(
        {.name = "x-read-set-eax", .summary = "narrow reads answer in all of EAX", .default_text = "on"}),
    property<&VmPort::signals_unsupported_>({.name = "x-signal-unsupported-cmd",
                                             .summary = "what is not there answers -1 in EAX",
                                             .default_text = "on"}),
    property<&VmPort::reports_type_>(
        {.name = "x-report-vmx-type", .summary = "the version comes with a type", .default_text = "on"}),
    property<&VmPort::knows_more_>({.name = "x-cmds-v2",
                                    .summary = "there are commands for UUID, frequencies and processor",
                                    .default_text = "on"}),
    property<&VmPort::version_>(
        {.name = "vmware-vmx-version", .summary = "version that guests are told of", .default_text = "6"}),
    property<&VmPort::type_>({.name = "vmware-vmx-type",
                              .summary =
                                  "type that guests are told of: 1 Express, 2 ESX server, 3 VMware Server, 4 "
                                  "Workstation, 5 ACE 1.x",
                              .default_text = "2"}),
};
constexpr HistoryRow kPortHistory[] = {{"5.0", "x-read-set-eax", "off"},
                                       {"5.0", "x-signal-unsupported-cmd", "off"},
                                       {"5.0", "x-report-vmx-type", "off"},
                                       {"5.0", "x-cmds-v2", "off"}};
constexpr InterfaceInfo kPortInterfaces[] = {offers<VmPort, Device>(), offers<VmPort, VmPort>()};

constexpr PropertyInfo kMouseProperties[] = {
    property<&VmMouse::i8042_>(
        {.name = "i8042", .summary = "the controller whose mouse tells that there is something to read"}),
    property<&VmMouse::port_>({.name = "vmport", .summary = "where guests read it"}),
};
constexpr InterfaceInfo kMouseInterfaces[] = {offers<VmMouse, Device>(), offers<VmMouse, InputDevice>()};

constexpr TypeInfo kTypes[] = {
    device_type<VmPort>({.name = "vmport",
                         .summary = "port of VMware's guests",
                         .bus = "isa",
                         .category = "Misc",
                         .interfaces = kPortInterfaces,
                         .properties = kPortProperties,
                         .history = kPortHistory,
                         .architecture = "x86_64"}),
    device_type<VmMouse>({.name = "vmmouse",
                          .summary = "pointer of VMware's guests",
                          .bus = "isa",
                          .category = "Input",
                          .interfaces = kMouseInterfaces,
                          .properties = kMouseProperties,
                          .architecture = "x86_64"}),
};

}  // namespace
}  // namespace backplane::vmport

BACKPLANE_PLUGIN("vmport", "1.0", "Backplane", backplane::vmport::kTypes)
