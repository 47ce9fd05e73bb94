#include "memory_slots.h"

#include "map.h"
#include "refuse.h"

#include <backplane/device.h>
#include <backplane/memory_backend.h>
#include <backplane/text.h>

#include <algorithm>
#include <string>

namespace backplane::pc {
namespace {

/// Guests' and hosts' pages of 2 MiB.
constexpr std::uint64_t kAlignment = 2 * kMebibyte;

std::string range_text(std::uint64_t start, std::uint64_t size) {
    return "[0x" + hex(start) + ":0x" + hex(size) + "]";
}

}  // namespace

/// For `more` bytes, however the modules are aligned: each may begin at a gibibyte of its own. What there may be in all is
/// looked at first, so that no sum wraps.
bool MemorySlots::make_room(const MemoryRoom& wanted, std::uint64_t more, Errors& errors) {
    std::uint64_t end = wanted.maximum();
    if (end <= kHyperTransport) {
        size_ = more + wanted.slots() * kGibibyte;
        end = base_ + size_;
    }
    return end <= kHyperTransport ||
           refuse(errors, "-m maxmem=: with room for " + std::to_string(wanted.slots()) +
                              " modules memory would end at 0x" + hex(end) +
                              ", and processors reach RAM below 0x" + hex(kHyperTransport) +
                              "; ask for less");
}

bool MemorySlots::build(BoardContext& context, std::uint64_t base, bool tells_guests, Errors& errors) {
    const auto& wanted = *static_cast<const MemoryRoom*>(context.host_interface(MemoryRoom::kId));
    modules_.resize(wanted.slots());
    base_ = base;
    const std::uint64_t more = wanted.maximum() - context.ram().size();
    if (more != 0 && !make_room(wanted, more, errors)) return false;
    return make_bus(context, "dimm-slots", "dimm-slots", tells_guests, errors) != nullptr;
}

MemorySlots::Module* MemorySlots::find(const Object& device) {
    const auto found = std::ranges::find(modules_, &device, &Module::device);
    return found == modules_.end() ? nullptr : &*found;
}

bool MemorySlots::choose_slot(MemoryPlace& place, Errors& errors) const {
    constexpr std::int32_t kAny = -1;
    if (place.slot < kAny || place.slot >= std::int32_t(count()))
        return refuse(errors, "invalid slot number " + std::to_string(place.slot) + ", valid range is [0-" +
                                  std::to_string(count() - 1) + "]");
    if (place.slot != kAny)
        return !modules_[std::size_t(place.slot)].device ||
               refuse(errors, "slot " + std::to_string(place.slot) + " is busy");
    const auto free = std::ranges::find(modules_, nullptr, &Module::device);
    if (free == modules_.end()) return refuse(errors, "no free slots available");
    place.slot = std::int32_t(free - modules_.begin());
    return true;
}

bool MemorySlots::check_address(std::uint64_t address, std::uint64_t size, std::uint64_t alignment,
                                Errors& errors) const {
    if (address % alignment != 0)
        return refuse(errors, "address must be aligned to 0x" + hex(alignment) + " bytes");
    if (address < base_ || size > size_ || address - base_ > size_ - size)
        return refuse(errors, "can't add memory device " + range_text(address, size) +
                                  ", usable range for memory devices " + range_text(base_, size_));
    for (const Module& other : modules_)
        if (other.overlaps(address, size))
            return refuse(errors, "address range conflicts with memory device id='" +
                                      std::string(other.device->id().view()) + "'");
    return true;
}

/// The lowest where it fits: at the start, or behind another.
bool MemorySlots::choose_address(MemoryPlace& place, std::uint64_t size, std::uint64_t alignment,
                                 Errors& errors) const {
    if (place.address != 0) return check_address(place.address, size, alignment, errors);
    std::vector<std::uint64_t> starts{base_};
    for (const Module& other : modules_)
        if (other.device) starts.push_back(other.address + other.size);
    for (std::uint64_t& start : starts) start = round_up(start, alignment);
    std::ranges::sort(starts);
    for (const std::uint64_t start : starts) {
        IgnoredErrors no;
        if (!check_address(start, size, alignment, no)) continue;
        place.address = start;
        return true;
    }
    return refuse(
        errors, "could not find position in guest address space for memory device - memory fragmented due to "
                "alignments");
}

bool MemorySlots::take(Object& device, Errors& errors) {
    auto* module = query<MemoryModule>(device);
    if (!module)
        return refuse(errors, "'" + std::string(device.type_name().view()) + "' is no memory module");
    if (count() == 0)
        return refuse(
            errors,
            "memory devices (e.g. for memory hotplug) are not enabled, please specify the maxmem option "
            "(-m SIZE,slots=N,maxmem=SIZE)");
    if (!module->backend()) return refuse(errors, "'memdev' property must be set");
    const auto* backend = query<MemoryBackend>(*module->backend());
    const std::string id(module->backend()->id().view());
    if (!backend)
        return refuse(errors, "memdev: '" + id + "' is no memory backend; -object help lists those");
    const std::uint64_t size = backend->memory().size;
    const std::uint64_t alignment = std::max(kAlignment, backend->memory().page_size);
    MemoryPlace place = module->place();
    if (size % alignment != 0)
        return refuse(errors, "backend memory size must be multiple of 0x" + hex(alignment));
    if (const std::uint32_t nodes = numa_of(context()).nodes(); place.node >= nodes)
        return refuse(errors, "'DIMM property node has value " + std::to_string(place.node) +
                                  "' which exceeds the number of numa nodes: " + std::to_string(nodes));
    if (!choose_slot(place, errors) || !choose_address(place, size, alignment, errors)) return false;
    place.hot_plugged = finished();
    module->set_place(place);
    modules_[std::size_t(place.slot)] = {&device, place.address, size, place.node};
    return true;
}

bool MemorySlots::placed(Object& device, Errors& errors) {
    const Module& module = *find(device);
    if (!context().map(device, "memory", GuestAddress(module.address), errors)) return false;
    came(std::uint32_t(&module - modules_.data()));
    return true;
}

/// The module's memory leaves the map with it.
void MemorySlots::gone(Object& device) {
    Module* module = find(device);
    if (!module) return;
    *module = {};
    left(std::uint32_t(module - modules_.data()));
}

bool MemorySlots::ask_to_leave(Object& device, Errors& errors) {
    if (!asked()) return refuse(errors, "memory hot unplug not supported without ACPI");
    asked()->ask_to_leave(std::uint32_t(find(device) - modules_.data()));
    return true;
}

AcpiSlot MemorySlots::slot(std::uint32_t number) const {
    const Module& module = modules_.at(number);
    return {.device = module.device, .number = module.address, .size = module.size, .node = module.node};
}

}  // namespace backplane::pc
