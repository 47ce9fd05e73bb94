#include "kernel/memory/map_core.h"

#include "kernel/memory/mapped_space.h"

#include <map>

namespace backplane::kernel {

void MapCore::commit() {
    // A listener may change the map again: it then publishes after this round.
    if (depth_ == 1)
        while (changed_) {
            changed_ = false;
            publish();
        }
    --depth_;
}

void MapCore::publish() {
    std::map<Region*, std::shared_ptr<RenderedView>> rendered;
    const std::vector<MappedSpace*> spaces = spaces_;
    for (MappedSpace* space : spaces) {
        std::shared_ptr<RenderedView>& view = rendered[space->root()];
        if (!view) {
            view = render(space->root());
            view->flat.generation = next_generation();
        }
        space->publish(view);
    }
    epoch_.collect();
}

RamStorage* MapCore::allocate(std::string_view name, std::uint64_t size, Errors& errors) {
    RamStorage* storage = RamStorage::create(name, size, next_page_id_, code_listeners_, errors);
    if (!storage) return nullptr;
    next_page_id_ += storage->block().size >> kPageBits;
    blocks_.push_back(storage);
    return storage;
}

void MapCore::forget(RamStorage& storage) { std::erase(blocks_, &storage); }

}  // namespace backplane::kernel
