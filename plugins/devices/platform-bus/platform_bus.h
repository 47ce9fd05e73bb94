// The bus in the window of a platform-bus-device: who sits where, and on which lines.
#pragma once

#include <backplane/backend.h>
#include <backplane/bus.h>
#include <backplane/device.h>
#include <backplane/platform.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace backplane::platform_bus {

class PlatformBusPart final : public BusBase, public PlatformBus {
  public:
    explicit PlatformBusPart(Object& object) : object_(object) {}
    /// The device that the bus is in, its window, and how many lines its input "line" has.
    void set_owner(DeviceContext& owner, MemoryRegion& window, std::uint32_t lines);

    // Bus
    Str kind() const override { return "platform"; }
    bool set_place(Object& device, Str name, Str value, Errors& errors) override;
    bool attach(Object& device, Errors& errors) override;
    bool place(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return true; }  // place() says what there is no room for
    bool hot_pluggable() const override { return true; }
    bool request_unplug(Object& device, Errors& errors) override;
    void address_of(Object& device, TextSink& out) const override;

    // PlatformBus
    std::size_t device_count() const override { return plugs_.size(); }
    Object& device(std::size_t index) override { return *plugs_[index].device; }
    PlatformPlace place(std::size_t index) const override;
    void set_base(GuestAddress base) override;

  private:
    /// What a user asked for: the first region's offset in the window, the first output's line.
    struct Wish {
        std::optional<std::uint64_t> offset;
        std::optional<std::uint32_t> line;
    };
    struct Plug {
        Object* device;
        std::vector<MemoryRegion*> regions;
        std::vector<PlatformPlace::Window> windows;  ///< as CPUs see them
        std::vector<std::uint32_t> lines;
    };
    bool place_regions(Plug& plug, std::optional<std::uint64_t> wanted, Errors& errors);
    bool place_lines(Plug& plug, std::optional<std::uint32_t> wanted, Errors& errors);
    /// Whose window has a byte of these (offsets in the window); null: nobody's.
    const PlatformPlace::Window* taken(const Plug& placing, std::uint64_t offset, std::uint64_t size,
                                       const Object** by = nullptr) const;
    std::optional<std::uint64_t> free_offset(const Plug& placing, std::uint64_t from,
                                             std::uint64_t size) const;
    const Object* user_of(const Plug& placing, std::uint32_t line) const;

    Object& object_;
    DeviceContext* owner_ = nullptr;
    MemoryRegion* window_ = nullptr;
    std::uint32_t lines_ = 0;
    std::uint64_t base_ = 0;
    std::map<const Object*, Wish> wishes_;
    std::vector<Plug> plugs_;  ///< in the order in which they came
};

}  // namespace backplane::platform_bus
