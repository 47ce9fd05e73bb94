// Drives whose medium users take out and put in while the machine runs: CDs, diskettes.
//
// The medium is the block node that the drive's property "drive" names; medium_property() is such a property. The host
// sets it to another node, or to none, when users change what is in the drive.
//
// Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/block.h>
#include <backplane/object.h>
#include <backplane/property.h>

namespace backplane {

/// Offered by such a drive.
class MediumDrive {
  public:
    static constexpr const char* kId = "backplane.medium-drive/1";
    /// Has it a tray, which must be open while the medium is changed?
    virtual bool has_tray() const = 0;
    virtual bool tray_open() const = 0;
    /// The guest keeps the medium in.
    virtual bool locked() const = 0;
    /// Can it write at all?
    virtual bool writes() const = 0;
    /// A user wants the medium that the guest keeps in: the guest is told, and may open the tray.
    virtual void ask_for_medium() = 0;
    /// Whether the guest has locked it or not; nothing where it has no tray.
    virtual void move_tray(bool open) = 0;

  protected:
    ~MediumDrive() = default;
};

/// The host interface by which a drive says that its tray moved, whoever moved it.
class MediumWatch {
  public:
    static constexpr const char* kId = "backplane.medium-watch/1";
    virtual void tray_moved(Object& drive, bool open) = 0;

  protected:
    ~MediumWatch() = default;
};

/// The property "drive" of a drive. `Change`, a member `bool change(BlockBackend* medium, Errors&)`, gets each node, null
/// for none, also while the drive is realized; false and a reason leaves what is there.
template <auto Change>
constexpr PropertyInfo medium_property(PropertyInfo info) {
    info.kind = PropertyKind::Link;
    info.choices = BlockBackend::kId;
    info.settable_when_realized = true;
    info.set = [](void* part, const PropertyValue& value, Errors& errors) {
        auto& drive = *static_cast<typename MemberOf<Change>::Owner*>(part);
        return (drive.*Change)(value.object ? query<BlockBackend>(*value.object) : nullptr, errors);
    };
    return info;
}

}  // namespace backplane
