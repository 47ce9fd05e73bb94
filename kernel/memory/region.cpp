#include "kernel/memory/region.h"

#include "kernel/memory/map_core.h"

#include <algorithm>
#include <bit>
#include <mutex>

namespace backplane::kernel {

namespace {

std::string quoted(const Region& region) { return "'" + std::string(region.name()) + "'"; }

/// A bus that nobody drives.
class NobodyAnswers final : public IoHandler {
  public:
    std::uint64_t read(Offset, unsigned, Access&) override { return ~std::uint64_t(0); }
    void write(Offset, std::uint64_t, unsigned, Access&) override {}
};

std::uint8_t access_size(std::uint8_t size) {
    return std::uint8_t(std::bit_floor(std::clamp<unsigned>(size, 1, 8)));
}

}  // namespace

Region::Region(MapCore& map, std::shared_ptr<OwnerRecord> owner, std::string_view name, std::uint64_t size,
               RegionKind kind, RamStorage* storage)
    : map_(map), owner_(std::move(owner)), name_(name), size_(size), kind_(kind), storage_(storage) {}

Region::~Region() {
    if (storage_) storage_->release();
}

bool Region::contains(const Region& other) const {
    for (const Region* node = &other; node; node = node->parent_)
        if (node == this) return true;
    return false;
}

const Region* Region::overlapped(const Region& child, std::uint64_t offset, int priority) const {
    if (!child.enabled_) return nullptr;
    for (const Region* sibling : children_) {
        if (!sibling->enabled_ || sibling->priority_ != priority) continue;
        if (Wide(offset) < sibling->offset_ + sibling->wide_size() &&
            sibling->offset_ < offset + child.wide_size())
            return sibling;
    }
    return nullptr;
}

bool Region::add(MemoryRegion& child_region, Offset offset, int priority, Errors& errors) {
    auto& child = static_cast<Region&>(child_region);
    const MapCore::Change change(map_);
    const auto refuse = [&](const std::string& why) {
        errors.fail("cannot map region " + quoted(child) + " in " + quoted(*this) + ": " + why);
        return false;
    };
    if (&child.map_ != &map_) return refuse("it belongs to another machine");
    if (kind_ == RegionKind::Alias) return refuse("an alias holds no regions, its target does");
    if (child.parent_) return refuse("it is mapped in " + quoted(*child.parent_) + " already");
    if (child.contains(*this)) return refuse("it would contain itself");
    if (const Region* sibling = overlapped(child, offset.value, priority))
        return refuse("it overlaps " + quoted(*sibling) + " at the same priority " +
                      std::to_string(priority));
    child.parent_ = this;
    child.offset_ = offset.value;
    child.priority_ = priority;
    children_.insert(std::find_if(children_.begin(), children_.end(),
                                  [&](const Region* sibling) { return sibling->priority_ <= priority; }),
                     &child);
    map_.changed(*this);
    return true;
}

void Region::detach() {
    if (!parent_) return;
    map_.changed(*parent_);
    std::erase(parent_->children_, this);
    parent_ = nullptr;
}

void Region::remove(MemoryRegion& child_region) {
    auto& child = static_cast<Region&>(child_region);
    const MapCore::Change change(map_);
    if (child.parent_ == this) child.detach();
}

void Region::set_enabled(bool enabled) {
    const MapCore::Change change(map_);
    if (enabled_ == enabled) return;
    enabled_ = enabled;
    map_.changed(*this);
}

void Region::set_offset(Offset offset) {
    const MapCore::Change change(map_);
    if (offset_ == offset.value) return;
    offset_ = offset.value;
    map_.changed(*this);
}

void Region::set_alias_offset(Offset offset) {
    const MapCore::Change change(map_);
    if (kind_ != RegionKind::Alias || alias_offset_ == offset.value) return;
    alias_offset_ = offset.value;
    map_.changed(*this);
}

void Region::set_alias_size(std::uint64_t size) {
    const MapCore::Change change(map_);
    if (kind_ != RegionKind::Alias || size_ == size) return;
    size_ = size;
    map_.changed(*this);
}

void Region::set_rom_mode(bool direct) {
    const MapCore::Change change(map_);
    if (kind_ != RegionKind::RomDevice || rom_mode_ == direct) return;
    rom_mode_ = direct;
    map_.changed(*this);
}

void Region::set_read_only(bool read_only) {
    const MapCore::Change change(map_);
    if ((kind_ != RegionKind::Ram && kind_ != RegionKind::Alias) || read_only_ == read_only) return;
    read_only_ = read_only;
    map_.changed(*this);
}

MutableBytes Region::bytes() {
    if (!storage_) return {};
    return {storage_->block().host, std::size_t(size_)};
}

void Region::bytes_changed(Offset offset, std::uint64_t size) {
    if (storage_) storage_->stored(offset.value, size);
}

const char* Region::kind_text() const {
    switch (kind_) {
    case RegionKind::Ram: return read_only_ ? "rom" : "ram";
    case RegionKind::Rom: return "rom";
    case RegionKind::RomDevice: return rom_mode_ ? "romd" : "i/o";
    case RegionKind::Alias: {
        // An alias is what it shows; a ring of aliases shows nothing.
        const Region* shown = this;
        bool read_only = false;
        for (int steps = 0; shown && shown->kind_ == RegionKind::Alias; ++steps) {
            read_only = read_only || shown->read_only_;
            shown = steps < 64 ? shown->alias_target_ : nullptr;
        }
        if (shown && shown->kind_ == RegionKind::Ram && read_only) return "rom";
        return shown ? shown->kind_text() : "i/o";
    }
    case RegionKind::Container: return "container";
    case RegionKind::Io: break;
    }
    return "i/o";
}

void Region::set_handler(IoHandler& handler, const IoTraits& traits) {
    traits_ = read_sized(traits);
    traits_.minimum = access_size(traits_.minimum);
    traits_.maximum = std::max(access_size(traits_.maximum), traits_.minimum);
    traits_.implemented_min = access_size(traits_.implemented_min);
    traits_.implemented_max = std::max(access_size(traits_.implemented_max), traits_.implemented_min);
    handler_ = &handler;
}

void Region::silence() {
    static NobodyAnswers nobody;
    if (handler_.load()) handler_ = &nobody;
}

void Region::set_alias(Region& target, std::uint64_t offset) {
    alias_target_ = &target;
    alias_offset_ = offset;
    target.aliases_.push_back(this);
}

void Region::retire() {
    handler_ = nullptr;
    // Only handlers that run without the machine lock can be under way in another thread.
    if (traits_.lock_free)
        for (std::uint32_t users = in_use_; users != 0; users = in_use_) in_use_.wait(users);
    map_.changed(*this);
    detach();
    while (!children_.empty()) children_.back()->detach();
    for (Region* alias : aliases_) alias->alias_target_ = nullptr;
    aliases_.clear();
    if (alias_target_) std::erase(alias_target_->aliases_, this);
    alias_target_ = nullptr;
}

}  // namespace backplane::kernel
