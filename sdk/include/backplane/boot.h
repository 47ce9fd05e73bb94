// What firmware starts from, and in which order: devices that have a `bootindex`, and -boot.
//
// Firmware is told paths of the Open Firmware kind (IEEE 1275-1994, 3.2.1.1): "/pci@i0cf8/scsi@4/disk@0,0". Each that a
// path leads through adds its own part: the board names its chips (FirmwareRoot), a bus what lies between it and its bridge
// (FirmwarePlace), the device itself (Bootable). A board writes the paths into the firmware configuration device, as the
// file "bootorder":
//
//   return BootOrder().put(fw_cfg, context.machine(), strict, errors);
//
// Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/fw_cfg.h>
#include <backplane/object.h>
#include <backplane/text.h>

#include <algorithm>
#include <string>
#include <vector>

namespace backplane {

/// Offered by a device (or another object) that firmware may start from.
class Bootable {
  public:
    static constexpr const char* kId = "backplane.bootable/1";
    /// Its place in the order, the lowest one first; negative: it has none. May change while the machine runs.
    virtual std::int32_t boot_index() const = 0;
    /// Appends its path. Nothing: firmware has no path that leads there.
    virtual void boot_path(TextSink& out) const = 0;

  protected:
    ~Bootable() = default;
};

/// Offered by buses, and by devices that have one.
class FirmwarePlace {
  public:
    static constexpr const char* kId = "backplane.firmware-place/1";
    /// Appends the path up to and with this object; false when no path leads here.
    virtual bool firmware_path(TextSink& out) const = 0;

  protected:
    ~FirmwarePlace() = default;
};

/// Offered by a board: what its own chips are called, each at the start of a path.
class FirmwareRoot {
  public:
    static constexpr const char* kId = "backplane.firmware-root/1";
    /// Appends "/pci@i0cf8" or the like; false when firmware knows no such chip.
    virtual bool chip_path(const Object& chip, TextSink& out) const = 0;

  protected:
    ~FirmwareRoot() = default;
};

/// Offered by a board whose firmware can be told: -boot. Called when the machine is complete, before it starts.
class BootChoice {
  public:
    static constexpr const char* kId = "backplane.boot-choice/1";
    /// Does its firmware have an order of drives by letters?
    virtual bool orders_drives() const = 0;
    /// Drives as letters, the first one first. `once`: until the first reset. An empty one: as the board has it. Refuses
    /// a letter that means nothing here.
    virtual bool set_boot_order(Str order, Str once, Errors& errors) = 0;
    /// Firmware is to start from nothing that has no index.
    virtual void set_boot_strict(bool strict) = 0;
    /// Something came to the machine that has an index.
    virtual void boot_order_changed() = 0;

  protected:
    ~BootChoice() = default;
};

/// The path of a bus's bridge, for the bus, and of a device's bus, for the device: from `object` itself, or from the board.
inline bool firmware_path_of(const Object& object, TextSink& out) {
    auto& asked = const_cast<Object&>(object);
    if (const auto* place = query<FirmwarePlace>(asked)) return place->firmware_path(out);
    for (Object* at = object.parent(); at; at = at->parent())
        if (const auto* root = query<FirmwareRoot>(*at)) return root->chip_path(object, out);
    return false;
}

/// What has an index, in its order. Local.
class BootOrder {
  public:
    /// One that is no device of the machine (a board's option ROM).
    void add(std::int32_t index, const std::string& path) { devices_.push_back({index, path, path}); }
    /// The file "bootorder" of all that `machine` has, as far as its indices allow.
    bool put(FwCfg& fw_cfg, Object& machine, bool strict, Errors& errors) {
        const bool whole = collect(machine, errors);
        const std::string text = file(strict);
        const Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
        return fw_cfg.set_file("bootorder", bytes, errors) && whole;
    }

  private:
    /// Refuses an index that two have.
    bool collect(Object& machine, Errors& errors) {
        find(machine);
        std::ranges::stable_sort(devices_, {}, &Entry::index);
        for (std::size_t i = 1; i < devices_.size(); ++i) {
            const Entry &one = devices_[i - 1], &other = devices_[i];
            if (one.index != other.index) continue;
            errors.fail("bootindex=" + std::to_string(one.index) + " is that of " + one.who + " and of " +
                        other.who + ": The bootindex " + std::to_string(one.index) +
                        " has already been used; give each its own");
            return false;
        }
        return true;
    }
    /// The contents of the file: a line each, and a zero behind the last one.
    std::string file(bool strict) const {
        std::string text;
        for (const Entry& device : devices_) text += (text.empty() ? "" : "\n") + device.path;
        if (text.empty()) return text;
        if (strict) text += "\nHALT";
        return text + '\0';
    }

    struct Entry {
        std::int32_t index;
        std::string path;
        std::string who;  ///< for messages
    };

    void find(Object& object) {
        if (const auto* bootable = query<Bootable>(object); bootable && bootable->boot_index() >= 0) {
            TextBuffer path;
            bootable->boot_path(path);
            const Str id = object.id();
            const Str type = object.type_name();
            if (!path.text().empty())
                devices_.push_back({bootable->boot_index(), path.text(),
                                    "'" + std::string(id.empty() ? type.view() : id.view()) + "'"});
        }
        for (std::size_t i = 0; i < object.child_count(); ++i) find(*object.child_at(i));
    }

    std::vector<Entry> devices_;
};

}  // namespace backplane
