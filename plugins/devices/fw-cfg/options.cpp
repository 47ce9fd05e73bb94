// Options that firmware reads through the configuration device: -fw_cfg, -boot, -option-rom and -uuid, and the commands
// about the last.
//
// Item names and contents follow docs/specs/fw_cfg.rst and what SeaBIOS documents of its own (docs/Runtime_config.md:
// etc/boot-menu-wait, etc/boot-fail-wait, bootsplash). Orders are the board's (BootChoice).
#include "options.h"

#include <lib/json.h>
#include <lib/read_file.h>

#include <backplane/boot.h>
#include <backplane/text.h>

namespace backplane::fw_cfg {
namespace {

constexpr std::size_t kLargestFile = 256u << 20;

/// The machine's device; null and a reason.
FwCfg* device_of(Object& object, Errors& errors) {
    FwCfg* found = find_below<FwCfg>(root_of(object));
    if (!found) errors.fail("this machine has no firmware configuration device");
    return found;
}

BootChoice* find_choice(Object& object) {
    if (auto* found = query<BootChoice>(object)) return found;
    for (std::size_t i = 0; i < object.child_count(); ++i)
        if (BootChoice* found = find_choice(*object.child_at(i))) return found;
    return nullptr;
}

template <class T>
bool set_number(FwCfg& device, Str file, T value, Errors& errors) {
    std::uint8_t bytes[sizeof value];
    for (std::size_t i = 0; i < sizeof value; ++i) bytes[i] = std::uint8_t(std::uint64_t(value) >> 8 * i);
    return device.set_file(file, Bytes(bytes, sizeof bytes), errors);
}

}  // namespace

bool FileOption::complete(Errors& errors) {
    constexpr std::string_view kUsersPrefix = "opt/";
    FwCfg* device = device_of(object_, errors);
    if (!device) return false;
    if (name_.empty() || file_.empty() == !text_given_) {
        errors.fail("name, plus exactly one of file and string, are needed");
        return false;
    }
    if (device->has_file(name_)) {
        errors.fail("duplicate fw_cfg file name: " + name_);
        return false;
    }
    std::vector<std::uint8_t> bytes(text_.begin(), text_.end());
    if (!file_.empty() && !read_file(file_, kLargestFile, bytes, errors)) return false;
    if (!std::string_view(name_).starts_with(kUsersPrefix))
        backend_context(object_).log().write(
            LogLevel::Warning, "fw_cfg",
            "externally provided fw_cfg item names should be prefixed with \"opt/\": " + name_);
    return device->set_file(name_, Bytes(bytes.data(), bytes.size()), errors);
}

bool BootOption::set_letters(std::string& letters, Str text, Errors& errors) {
    std::string seen;
    for (const char c : text.view()) {
        if (c < 'a' || c > 'p') {
            errors.fail(std::string("Invalid boot device '") + c + "'; devices are letters from a to p");
            return false;
        }
        if (seen.find(c) != std::string::npos) {
            errors.fail(std::string("Boot device '") + c + "' was given twice");
            return false;
        }
        seen += c;
    }
    letters = seen;
    return true;
}

bool BootOption::complete(Errors& errors) {
    if (!choose(errors)) return false;
    const bool asks = menu_ || splash_time_ >= 0 || reboot_timeout_given_ || !splash_.empty();
    if (!asks) return true;
    FwCfg* device = device_of(object_, errors);
    if (!device) return false;
    if (menu_ && !set_fw_cfg_number(*device, FwCfgKey::BootMenu, std::uint16_t{1}, errors)) return false;
    if (splash_time_ >= 0 && !set_number(*device, "etc/boot-menu-wait", std::uint16_t(splash_time_), errors))
        return false;
    if (reboot_timeout_given_ &&
        !set_number(*device, "etc/boot-fail-wait", std::uint32_t(reboot_timeout_), errors))
        return false;
    return splash_.empty() || set_splash(*device, errors);
}

/// Where firmware has its own mind, an order may be given all the same: scripts do so.
bool BootOption::choose(Errors& errors) {
    BootChoice* choice = find_choice(root_of(object_));
    if (choice) choice->set_boot_strict(strict_);
    else if (strict_) {
        errors.fail(
            "property 'strict': this machine's firmware cannot be told what to start from; leave it out");
        return false;
    }
    if (choice && choice->orders_drives()) return choice->set_boot_order(order_, once_, errors);
    if (!once_.empty()) {
        errors.fail("property 'once': this machine's firmware chooses no drive for one start; leave it out");
        return false;
    }
    if (!order_.empty())
        backend_context(object_).log().write(
            LogLevel::Warning, "boot",
            "-boot order=" + order_ + ": the firmware of this machine decides the order by itself");
    return true;
}

bool BootOption::set_splash(FwCfg& device, Errors& errors) {
    std::vector<std::uint8_t> bytes;
    if (!read_file(splash_, kLargestFile, bytes, errors)) return false;
    const bool jpeg = bytes.size() > 2 && bytes[0] == 0xff && bytes[1] == 0xd8;
    const bool bitmap = bytes.size() > 2 && bytes[0] == 'B' && bytes[1] == 'M';
    if (!jpeg && !bitmap) {
        errors.fail("property 'splash': '" + splash_ + "' is neither a JPEG nor a BMP picture");
        return false;
    }
    return device.set_file(jpeg ? "bootsplash.jpg" : "bootsplash.bmp", Bytes(bytes.data(), bytes.size()),
                           errors);
}

void BootCommand::execute(Str, Str arguments, CommandReply& reply) {
    const std::string order = parse_json(arguments.view()).value("bootdevice", "");
    BootChoice* choice = find_choice(root_of(object_));
    if (!choice || !choice->orders_drives())
        return reply.fail(
            "this machine's firmware has no order of drives by letters; bootindex= of devices says it");
    ErrorText errors;
    if (!choice->set_boot_order(order, {}, errors)) return reply.fail(errors.text());
    reply.succeed_text("boot device list now set to " + order + "\n");
}

bool OptionRom::complete(Errors& errors) {
    if (romfile_.empty()) {
        errors.fail("property 'romfile' is missing: the file that holds the ROM");
        return false;
    }
    FwCfg* device = device_of(object_, errors);
    std::vector<std::uint8_t> bytes;
    if (!device || !read_file(romfile_, kLargestFile, bytes, errors)) return false;
    if (bytes.size() < 3 || bytes[0] != 0x55 || bytes[1] != 0xaa) {
        errors.fail("'" + romfile_ + "' is no option ROM: it does not begin with the bytes 55 AA");
        return false;
    }
    name_ = "genroms/" + romfile_.substr(romfile_.rfind('/') + 1);
    if (device->has_file(name_)) {
        errors.fail("duplicate fw_cfg file name: " + name_ + "; two ROMs need two names");
        return false;
    }
    BootChoice* choice = find_choice(root_of(object_));
    if (bootindex_ >= 0 && !choice) {
        errors.fail("property 'bootindex': this machine's firmware cannot be told what to start from");
        return false;
    }
    if (!device->set_file(name_, Bytes(bytes.data(), bytes.size()), errors)) return false;
    if (choice) choice->boot_order_changed();
    return true;
}

bool UuidOption::set_text(Str text, Errors& errors) {
    const auto uuid = parse_uuid(text.view());
    if (uuid) uuid_ = *uuid;
    else
        errors.fail(
            "failed to parse UUID string: wrong format; it is xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx in "
            "hexadecimal");
    given_ = uuid.has_value();
    return given_;
}

bool UuidOption::complete(Errors& errors) {
    if (!given_) return true;
    // A machine without the device has its UUID for monitors alone.
    FwCfg* device = find_below<FwCfg>(root_of(object_));
    return !device ||
           device->set_item(std::uint16_t(FwCfgKey::Uuid), Bytes(uuid_.data(), uuid_.size()), errors);
}

void UuidOption::execute(Str command, Str, CommandReply& reply) {
    if (command == Str("query-uuid")) return reply.succeed("{\"UUID\":\"" + uuid_text(uuid_) + "\"}");
    reply.succeed_text(uuid_text(uuid_) + "\n");
}

}  // namespace backplane::fw_cfg
