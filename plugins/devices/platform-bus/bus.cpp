#include "platform_bus.h"

#include <backplane/text.h>

#include <algorithm>
#include <bit>
#include <charconv>

namespace backplane::platform_bus {
namespace {

/// Devices do not share a page: a guest maps and protects those.
constexpr std::uint64_t kPage = 4096;

std::optional<std::uint64_t> number(std::string_view text) {
    const int base = text.starts_with("0x") || text.starts_with("0X") ? 16 : 10;
    if (base == 16) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
    return value;
}

std::string describe(const Object& device) {
    const std::string_view id = device.id().view();
    return "'" + std::string(id.empty() ? device.name().view() : id) + "' (" +
           std::string(device.type_name().view()) + ")";
}

std::string span(std::uint64_t offset, std::uint64_t size) {
    return "0x" + hex(offset) + "-0x" + hex(offset + size - 1);
}

}  // namespace

void PlatformBusPart::set_owner(DeviceContext& owner, MemoryRegion& window, std::uint32_t lines) {
    owner_ = &owner;
    window_ = &window;
    lines_ = lines;
}

bool PlatformBusPart::set_place(Object& device, Str name, Str value, Errors& errors) {
    const bool address = name == Str("addr");
    if (!address && name != Str("irq")) return false;
    const std::string asked = std::string(name.view()) + "=" + std::string(value.view());
    const auto wanted = number(value);
    if (!wanted) {
        errors.fail(asked + ": not a number; write it as 4096 or 0x1000");
        return false;
    }
    if (address && *wanted % kPage != 0) {
        errors.fail(asked + ": not a multiple of 0x1000, and devices do not share a page");
        return false;
    }
    if (!address && *wanted >= lines_) {
        errors.fail(asked + ": the platform bus has lines 0 to " + std::to_string(lines_ - 1));
        return false;
    }
    if (address) wishes_[&device].offset = *wanted;
    else wishes_[&device].line = std::uint32_t(*wanted);
    return true;
}

bool PlatformBusPart::attach(Object& device, Errors&) {
    plugs_.push_back({&device, {}, {}, {}});
    return true;
}

const PlatformPlace::Window* PlatformBusPart::taken(const Plug& placing, std::uint64_t offset,
                                                    std::uint64_t size, const Object** by) const {
    const auto look = [&](const Plug& plug) -> const PlatformPlace::Window* {
        for (const PlatformPlace::Window& window : plug.windows)
            if (offset < window.address - base_ + window.size && window.address - base_ < offset + size) {
                if (by) *by = plug.device;
                return &window;
            }
        return nullptr;
    };
    if (const auto* own = look(placing)) return own;
    for (const Plug& plug : plugs_)
        if (plug.device != placing.device)
            if (const auto* found = look(plug)) return found;
    return nullptr;
}

std::optional<std::uint64_t> PlatformBusPart::free_offset(const Plug& placing, std::uint64_t from,
                                                          std::uint64_t size) const {
    const std::uint64_t alignment = std::bit_ceil(std::max(size, kPage));
    const auto aligned = [&](std::uint64_t at) { return (at + alignment - 1) & ~(alignment - 1); };
    for (std::uint64_t at = aligned(from); at <= window_->size() && size <= window_->size() - at;) {
        const PlatformPlace::Window* occupant = taken(placing, at, size);
        if (!occupant) return at;
        at = aligned(occupant->address - base_ + occupant->size);
    }
    return {};
}

bool PlatformBusPart::place_regions(Plug& plug, std::optional<std::uint64_t> wanted, Errors& errors) {
    auto& context = *query<DeviceContext>(*plug.device);
    const std::string who = describe(*plug.device);
    std::uint64_t from = 0;
    for (std::size_t i = 0; MemoryRegion* region = context.exported_region_at(i); ++i) {
        const std::uint64_t size = region->size();
        const std::string what =
            who + ", region '" + std::string(region->name().view()) + "' of 0x" + hex(size) + " bytes";
        const std::uint64_t room = window_->size();
        std::optional<std::uint64_t> at;
        if (size != 0 && size <= room) at = i == 0 && wanted ? wanted : free_offset(plug, from, size);
        if (!at) {
            errors.fail(what + ": there is no room for it in the platform bus's window of 0x" + hex(room) +
                        " bytes");
            return false;
        }
        const Object* other = nullptr;
        if (*at > room || size > room - *at) {
            errors.fail(what + ": addr=0x" + hex(*at) + " is outside of the platform bus's window of 0x" +
                        hex(room) + " bytes");
            return false;
        }
        if (taken(plug, *at, size, &other)) {
            errors.fail(what + ": addr=0x" + hex(*at) + " is where " + describe(*other) + " is");
            return false;
        }
        if (!window_->add(*region, Offset(*at), 0, errors)) return false;
        plug.regions.push_back(region);
        plug.windows.push_back({base_ + *at, size});
        from = *at + size;
    }
    return true;
}

const Object* PlatformBusPart::user_of(const Plug& placing, std::uint32_t line) const {
    if (std::ranges::find(placing.lines, line) != placing.lines.end()) return placing.device;
    for (const Plug& plug : plugs_)
        if (std::ranges::find(plug.lines, line) != plug.lines.end()) return plug.device;
    return nullptr;
}

bool PlatformBusPart::place_lines(Plug& plug, std::optional<std::uint32_t> wanted, Errors& errors) {
    const std::size_t outputs = query<DeviceContext>(*plug.device)->output_count();
    std::uint32_t line = wanted.value_or(0);
    for (std::size_t i = 0; i < outputs; ++i, ++line) {
        const bool asked = i == 0 && wanted;
        while (!asked && line < lines_ && user_of(plug, line)) ++line;
        if (line >= lines_) {
            errors.fail(describe(*plug.device) +
                        ": the platform bus has no free line for its output number " + std::to_string(i));
            return false;
        }
        if (const Object* user = user_of(plug, line)) {
            errors.fail(describe(*plug.device) + ": irq=" + std::to_string(line) + " is the line of " +
                        describe(*user));
            return false;
        }
        if (!owner_->join(*plug.device, i, "line", line, errors)) return false;
        plug.lines.push_back(line);
    }
    return true;
}

bool PlatformBusPart::place(Object& device, Errors& errors) {
    const auto found = std::ranges::find(plugs_, &device, &Plug::device);
    const Wish wish = wishes_[&device];
    return place_regions(*found, wish.offset, errors) && place_lines(*found, wish.line, errors);
}

void PlatformBusPart::detach(Object& device) {
    wishes_.erase(&device);
    const auto found = std::ranges::find(plugs_, &device, &Plug::device);
    if (found == plugs_.end()) return;
    for (MemoryRegion* region : found->regions) window_->remove(*region);
    plugs_.erase(found);
}

bool PlatformBusPart::request_unplug(Object& device, Errors&) {
    // No guest is told: a platform has no protocol for it.
    using Unplugged = UnpluggedDevices;
    static_cast<Unplugged*>(backend_context(object_).host_interface(Unplugged::kId))->unplugged(device);
    return true;
}

void PlatformBusPart::address_of(Object& device, TextSink& out) const {
    const auto found = std::ranges::find(plugs_, &device, &Plug::device);
    if (found == plugs_.end()) return;
    std::string text;
    for (const PlatformPlace::Window& window : found->windows)
        text += (text.empty() ? "mmio " : ", mmio ") + span(window.address, window.size);
    for (const std::uint32_t line : found->lines)
        text += (text.empty() ? "irq " : ", irq ") + std::to_string(line);
    out.append(text);
}

PlatformPlace PlatformBusPart::place(std::size_t index) const {
    PlatformPlace place;
    place.windows = {plugs_[index].windows.data(), plugs_[index].windows.size()};
    place.lines = {plugs_[index].lines.data(), plugs_[index].lines.size()};
    return place;
}

void PlatformBusPart::set_base(GuestAddress base) {
    for (Plug& plug : plugs_)
        for (PlatformPlace::Window& window : plug.windows) window.address += base.value - base_;
    base_ = base.value;
}

}  // namespace backplane::platform_bus
