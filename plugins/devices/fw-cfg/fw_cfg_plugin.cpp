// The plugin "fw-cfg": the configuration device, and the options that fill it.
#include "fw_cfg_io.h"
#include "fw_cfg_mem.h"
#include "options.h"

#include <backplane/plugin.h>

namespace backplane::fw_cfg {
namespace {

// --- -fw_cfg ---
constexpr PropertyInfo text_property() {
    PropertyInfo info{.name = "string", .kind = PropertyKind::String, .summary = "the file's contents"};
    info.set = [](void* part, const PropertyValue& value, Errors&) {
        static_cast<FileOption*>(part)->set_text(value.text);
        return true;
    };
    return info;
}
constexpr PropertyInfo kFileProperties[] = {
    property<&FileOption::name_>({.name = "name", .summary = "the file's name, opt/… for users' own"}),
    property<&FileOption::file_>({.name = "file", .summary = "the host's file that has the contents"}),
    text_property(),
};
constexpr OptionInfo kFileOptions[] = {
    {.name = "fw_cfg",
     .argument = "[name=]NAME,file=FILE|string=TEXT",
     .summary = "a file that firmware and guests find by its name",
     .group = "What it starts",
     .first_property = "name",
     .repeatable = true},
};
constexpr InterfaceInfo kFileInterfaces[] = {offers<FileOption, Completable>()};

// --- -boot ---
template <std::string BootOption::*Letters>
constexpr PropertyInfo letters_property(const char* name, const char* summary) {
    PropertyInfo info = property<Letters>({.name = name, .summary = summary});
    info.set = [](void* part, const PropertyValue& value, Errors& errors) {
        return BootOption::set_letters(static_cast<BootOption*>(part)->*Letters, value.text, errors);
    };
    return info;
}
constexpr PropertyInfo reboot_timeout_property() {
    PropertyInfo info{.name = "reboot-timeout",
                      .kind = PropertyKind::Int,
                      .summary = "ms until firmware that found nothing starts again; -1: never"};
    info.maximum = 0xffff;
    info.set = [](void* part, const PropertyValue& value, Errors& errors) {
        if (value.integer < -1) {
            errors.fail("reboot timeout is invalid, it should be a value between -1 and 65535");
            return false;
        }
        static_cast<BootOption*>(part)->set_reboot_timeout(value.integer);
        return true;
    };
    return info;
}
constexpr PropertyInfo splash_time_property() {
    PropertyInfo info = property<&BootOption::splash_time_>(
        {.name = "splash-time", .summary = "ms that the menu or the picture is shown"});
    info.maximum = 0xffff;
    info.set = [](void* part, const PropertyValue& value, Errors& errors) {
        if (value.integer < 0) {
            errors.fail("splash-time is invalid, it should be a value between 0 and 65535");
            return false;
        }
        static_cast<BootOption*>(part)->splash_time_ = value.integer;
        return true;
    };
    return info;
}
constexpr PropertyInfo kBootProperties[] = {
    letters_property<&BootOption::order_>("order", "drives as letters, the first one first"),
    letters_property<&BootOption::once_>("once", "the same, for the first start"),
    property<&BootOption::menu_>(
        {.name = "menu", .summary = "a menu before the start", .default_text = "off"}),
    property<&BootOption::splash_>({.name = "splash", .summary = "a picture, JPEG or BMP"}),
    splash_time_property(),
    reboot_timeout_property(),
    property<&BootOption::strict_>(
        {.name = "strict", .summary = "nothing that has no bootindex", .default_text = "off"}),
};
constexpr OptionInfo kBootOptions[] = {
    {.name = "boot",
     .argument =
         "[order=]DRIVES[,once=DRIVES][,menu=on|off][,splash=FILE][,splash-time=N][,reboot-timeout=N][,strict=on|off]",
     .summary = "what firmware starts from (a: floppy, c: disk, d: CD, n: network), and what it\n"
                "does before",
     .group = "What it starts",
     .first_property = "order"},
};
constexpr InterfaceInfo kBootInterfaces[] = {offers<BootOption, Completable>()};

// --- boot_set ---
constexpr ArgumentInfo kBootArguments[] = {{.name = "bootdevice", .summary = "drives as letters: cad"}};
constexpr CommandInfo kBootCommands[] = {
    {.human = "boot_set",
     .summary = "the drives that firmware tries at its next start, as -boot order= has them",
     .arguments = kBootArguments},
};
constexpr InterfaceInfo kBootCommandInterfaces[] = {offers<BootCommand, CommandHandler>()};

// --- -option-rom ---
constexpr PropertyInfo kRomProperties[] = {
    property<&OptionRom::romfile_>({.name = "romfile", .summary = "the file that holds it"}),
    property<&OptionRom::bootindex_>(
        {.name = "bootindex", .summary = "place in the boot order; -1: none", .default_text = "-1"}),
};
constexpr OptionInfo kRomOptions[] = {
    {.name = "option-rom",
     .argument = "[romfile=]FILE[,bootindex=N]",
     .summary = "a ROM that firmware of PCs runs",
     .group = "What it starts",
     .first_property = "romfile",
     .repeatable = true},
};
constexpr InterfaceInfo kRomInterfaces[] = {offers<OptionRom, Completable>(), offers<OptionRom, Bootable>()};

// --- -uuid ---
constexpr PropertyInfo uuid_property() {
    PropertyInfo info{.name = "uuid", .kind = PropertyKind::String, .summary = "the machine's UUID"};
    info.set = [](void* part, const PropertyValue& value, Errors& errors) {
        return static_cast<UuidOption*>(part)->set_text(value.text, errors);
    };
    return info;
}
constexpr PropertyInfo kUuidProperties[] = {uuid_property()};
constexpr OptionInfo kUuidOptions[] = {
    {.name = "uuid",
     .argument = "UUID",
     .summary = "the machine's UUID, for firmware and for monitors",
     .group = "Machine",
     .first_property = "uuid"},
};
constexpr CommandInfo kUuidCommands[] = {
    {.name = "query-uuid",
     .summary = "the machine's UUID",
     .returns = "UuidInfo",
     .when = command_when::kBuilt | command_when::kIncoming},
    {.human = "info uuid",
     .summary = "the machine's UUID",
     .when = command_when::kBuilt | command_when::kIncoming},
};
constexpr InterfaceInfo kUuidInterfaces[] = {offers<UuidOption, Completable>(),
                                             offers<UuidOption, CommandHandler>()};

constexpr TypeInfo kTypes[] = {
    kMemoryDevice,
    kPortDevice,
    {.name = "fw-cfg-file",
     .parent = "service",
     .summary = "a file of the firmware configuration device",
     .interfaces = kFileInterfaces,
     .properties = kFileProperties,
     .options = kFileOptions,
     .instance_init = make_part<FileOption>,
     .instance_finalize = free_part<FileOption>},
    {.name = "boot-options",
     .parent = "service",
     .summary = "what firmware does before it starts something",
     .interfaces = kBootInterfaces,
     .properties = kBootProperties,
     .options = kBootOptions,
     .instance_init = make_part<BootOption>,
     .instance_finalize = free_part<BootOption>},
    {.name = "boot-commands",
     .parent = "service",
     .summary = "changes the boot order while the machine runs",
     .interfaces = kBootCommandInterfaces,
     .commands = kBootCommands,
     .instance_init = make_part<BootCommand>,
     .instance_finalize = free_part<BootCommand>},
    {.name = "option-rom",
     .parent = "service",
     .summary = "a ROM that firmware of PCs runs",
     .interfaces = kRomInterfaces,
     .properties = kRomProperties,
     .options = kRomOptions,
     .instance_init = make_part<OptionRom>,
     .instance_finalize = free_part<OptionRom>},
    {.name = "machine-uuid",
     .parent = "service",
     .summary = "the machine's UUID",
     .interfaces = kUuidInterfaces,
     .properties = kUuidProperties,
     .options = kUuidOptions,
     .commands = kUuidCommands,
     .instance_init = make_part<UuidOption>,
     .instance_finalize = free_part<UuidOption>},
};

}  // namespace
}  // namespace backplane::fw_cfg

BACKPLANE_PLUGIN("fw-cfg", "1.0", "Backplane", backplane::fw_cfg::kTypes)
