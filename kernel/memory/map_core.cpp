#include "kernel/memory/map_core.h"

#include "kernel/memory/mapped_space.h"

#include <algorithm>
#include <map>
#include <utility>

namespace backplane::kernel {

void MapCore::commit() {
    if (depth_ == 1) publish_all();
    --depth_;
}

/// A listener may change the map again: it then publishes after this round, and so does what the listener looks at.
void MapCore::publish_all() {
    if (std::exchange(publishing_, true)) return;
    while (!changed_roots_.empty()) publish();
    publishing_ = false;
}

void MapCore::changed(Region& region) {
    behind_.store(true, std::memory_order_relaxed);
    std::vector<Region*> todo{&region};
    std::set<const Region*> seen;
    while (!todo.empty()) {
        Region* at = todo.back();
        todo.pop_back();
        if (!seen.insert(at).second) continue;
        // What lies in another region may be the root of a space as well.
        changed_roots_.insert(at);
        if (at->parent()) todo.push_back(at->parent());
        todo.insert(todo.end(), at->aliases().begin(), at->aliases().end());
    }
}

void MapCore::publish() {
    behind_.store(false, std::memory_order_relaxed);
    const std::set<const Region*> roots = std::exchange(changed_roots_, {});
    std::map<Region*, std::shared_ptr<RenderedView>> rendered;
    const std::vector<MappedSpace*> spaces = spaces_;
    for (MappedSpace* space : spaces) {
        if (space->root() && !roots.contains(space->root())) continue;
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
    return keep(RamStorage::create(name, size, next_page_id_, code_listeners_, errors));
}

RamStorage* MapCore::allocate(std::string_view name, const MemoryDescription& memory, Errors& errors) {
    return keep(RamStorage::create(name, memory, next_page_id_, code_listeners_, errors));
}

RamStorage* MapCore::keep(RamStorage* storage) {
    if (!storage) return nullptr;
    next_page_id_ += storage->block().size >> kPageBits;
    blocks_.push_back(storage);
    return storage;
}

void MapCore::forget(RamStorage& storage) { std::erase(blocks_, &storage); }

}  // namespace backplane::kernel
