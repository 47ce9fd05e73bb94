#include "kernel/module/init_list.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>

namespace {
// Nodes stay for the process's life: a second machine that asks for a loaded plugin finds them again.
constinit std::atomic<backplane::ModuleInitNode*> head{nullptr};
}  // namespace

extern "C" void backplane_module_queue(backplane::ModuleInitNode* node) noexcept {
    node->next = head.load(std::memory_order_relaxed);
    while (!head.compare_exchange_weak(node->next, node, std::memory_order_release,
                                       std::memory_order_relaxed)) {}
}

namespace backplane::kernel {

std::vector<const ModuleInitNode*> initialisers_of(const void* base) {
    std::vector<const ModuleInitNode*> found;
    for (const ModuleInitNode* node = head.load(std::memory_order_acquire); node; node = node->next) {
        Dl_info info{};
        if (dladdr(node, &info) && info.dli_fbase == base) found.push_back(node);
    }
    std::ranges::reverse(found);
    std::ranges::stable_sort(found, {}, &ModuleInitNode::phase);
    return found;
}

}  // namespace backplane::kernel
