// An address space: a root region seen flat, and the accesses that go through it.
#pragma once

#include "kernel/memory/io_dispatch.h"

namespace backplane::kernel {

class MappedSpace final : public AddressSpace {
  public:
    MappedSpace(MapCore& core, std::string_view name, Region& root);
    ~MappedSpace();

    Str name() const override { return name_; }
    std::shared_ptr<const FlatView> view() const override;
    std::uint64_t load(GuestAddress address, unsigned size, Access& access) override;
    void store(GuestAddress address, std::uint64_t value, unsigned size, Access& access) override;
    std::uint64_t load_io(const FlatRange& range, Offset offset, unsigned size, Access& access) override;
    void store_io(const FlatRange& range, Offset offset, std::uint64_t value, unsigned size,
                  Access& access) override;
    bool read(GuestAddress address, MutableBytes to, Access& access) override;
    bool write(GuestAddress address, Bytes from, Access& access) override;
    void add_listener(MemoryListener& listener) override;
    void remove_listener(MemoryListener& listener) override;
    void mark_dirty(RamBlock& block, std::uint64_t offset, std::uint64_t size) override;
    void add_code_listener(CodeListener& listener) override;
    void remove_code_listener(CodeListener& listener) override;

    /// The same accesses for the DMA of `master`.
    bool read_for(Master master, GuestAddress address, MutableBytes to, Access& access);
    bool write_for(Master master, GuestAddress address, Bytes from, Access& access);
    /// Storage that holds `address` and as much of `size` bytes as follow it there, retained for the caller; null
    /// storage when a direct access is not possible.
    struct Window {
        RamStorage* storage = nullptr;
        std::uint8_t* data = nullptr;
        std::uint64_t size = 0;
    };
    Window window(GuestAddress address, std::uint64_t size, bool writable);

    Region* root() const { return root_; }
    /// The root goes: nothing is mapped from the next publication on.
    void forget_root() { root_ = nullptr; }
    MapCore& core() { return core_; }
    /// Makes `view` the current one and tells the listeners; nothing when it is the same.
    void publish(const std::shared_ptr<RenderedView>& view);
    const std::vector<MemoryListener*>& listeners() const { return listeners_; }

  private:
    const FlatView& current() const {
        core_.catch_up();
        return current_.load()->flat;
    }
    std::uint64_t load_at(Master master, std::uint64_t address, unsigned size, Access& access);
    void store_at(Master master, std::uint64_t address, std::uint64_t value, unsigned size, Access& access);
    std::uint64_t load_range(Master master, const FlatRange& range, std::uint64_t delta, unsigned size,
                             Access& access);
    void store_range(Master master, const FlatRange& range, std::uint64_t delta, std::uint64_t value,
                     unsigned size, Access& access);
    template <class Piece>
    bool for_each_piece(std::uint64_t address, std::uint64_t size, Access& access, const Piece& piece);
    void unassigned(std::uint64_t address, const char* what, Access& access);

    MapCore& core_;
    std::string name_;
    Region* root_;
    std::shared_ptr<RenderedView> holder_;
    std::atomic<const RenderedView*> current_;
    std::vector<MemoryListener*> listeners_;
    std::atomic<bool> reported_{false};
};

}  // namespace backplane::kernel
