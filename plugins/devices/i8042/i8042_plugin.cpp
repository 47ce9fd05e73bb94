// The plugin "i8042": the keyboard controller of a PC, and the keyboard and the mouse on it.
#include "i8042.h"
#include "ps2_keyboard.h"
#include "ps2_mouse.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::i8042 {
namespace {

template <class T>
constexpr InterfaceInfo kInterfaces[] = {offers<T, Device>(), offers<T, Ps2Device>(),
                                         offers<T, InputDevice>()};
constexpr InterfaceInfo kKeyboardInterfaces[] = {
    offers<Ps2Keyboard, Device>(), offers<Ps2Keyboard, Ps2Device>(), offers<Ps2Keyboard, InputDevice>(),
    offers<Ps2Keyboard, InputLights>()};

constexpr PropertyInfo kProperties[] = {
    property<&Controller::keyboard_irq_>(
        {.name = "kbd-irq", .default_text = "1", .maximum = kIsaInterrupts - 1}),
    property<&Controller::mouse_irq_>(
        {.name = "mouse-irq", .default_text = "12", .maximum = kIsaInterrupts - 1}),
};

constexpr RegionInfo kRegions[] = {
    {.name = "data", .summary = "port 60h", .size = 1},
    {.name = "command", .summary = "port 64h", .size = 1},
};
constexpr WireInfo kWires[] = {
    {.name = "", .summary = "the keyboard's interrupt, the mouse's", .count = 2},
    {.name = "a20", .summary = "address line 20"},
    {.name = "ps2-kbd-input-irq", .direction = WireDirection::Input, .summary = "the keyboard has a byte"},
    {.name = "ps2-mouse-input-irq", .direction = WireDirection::Input, .summary = "the mouse has a byte"},
};
constexpr WireInfo kPs2Wires[] = {{.name = "", .summary = "it has a byte"}};

constexpr TypeInfo kTypes[] = {
    device_type<Controller>({.name = "i8042",
                             .summary = "keyboard controller of a PC",
                             .bus = "isa",
                             .category = "Input",
                             .interfaces = kDeviceInterfaces<Controller>,
                             .properties = kProperties,
                             .regions = kRegions,
                             .wires = kWires}),
    device_type<Ps2Keyboard>({.name = "ps2-kbd",
                              .summary = "PS/2 keyboard",
                              .category = "Input",
                              .interfaces = kKeyboardInterfaces,
                              .wires = kPs2Wires}),
    device_type<Ps2Mouse>({.name = "ps2-mouse",
                           .summary = "PS/2 mouse with a wheel",
                           .category = "Input",
                           .interfaces = kInterfaces<Ps2Mouse>,
                           .wires = kPs2Wires}),
};

}  // namespace
}  // namespace backplane::i8042

BACKPLANE_PLUGIN("i8042", "1.0", "Backplane", backplane::i8042::kTypes)
