// The places for memory modules on the board: the slots, the addresses above 4 GiB that are kept for them, and how one comes
// and goes.
#pragma once

#include "slots.h"

#include <vector>

namespace backplane::pc {

class MemorySlots final : public Slots {
  public:
    /// Makes the bus of slots. Modules lie from `base` on; guests are asked where `tells_guests`.
    bool build(BoardContext& context, std::uint64_t base, bool tells_guests, Errors& errors);

    std::uint32_t count() const { return std::uint32_t(modules_.size()); }
    std::uint64_t base() const { return base_; }
    std::uint64_t size() const { return size_; }  ///< 0: there is no room for any

    // SlotOwner
    bool take(Object& device, Errors& errors) override;
    bool placed(Object& device, Errors& errors) override;
    void gone(Object& device) override;
    bool ask_to_leave(Object& device, Errors& errors) override;

    // AcpiSlotOwner
    AcpiSlot slot(std::uint32_t number) const override;

  private:
    struct Module {
        Object* device = nullptr;  ///< null: the slot is free
        std::uint64_t address = 0, size = 0;
        std::uint32_t node = 0;
        bool overlaps(std::uint64_t start, std::uint64_t bytes) const {
            return device && start < address + size && address < start + bytes;
        }
    };
    Module* find(const Object& device);
    bool make_room(const MemoryRoom& wanted, std::uint64_t more, Errors& errors);
    bool choose_slot(MemoryPlace& place, Errors& errors) const;
    bool choose_address(MemoryPlace& place, std::uint64_t size, std::uint64_t alignment,
                        Errors& errors) const;
    bool check_address(std::uint64_t address, std::uint64_t size, std::uint64_t alignment,
                       Errors& errors) const;

    std::vector<Module> modules_;
    std::uint64_t base_ = 0, size_ = 0;
};

}  // namespace backplane::pc
