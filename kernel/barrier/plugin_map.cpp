#include "kernel/barrier/plugin_map.h"

#include <link.h>
#include <unwind.h>

#include <algorithm>
#include <atomic>
#include <string>

namespace backplane::kernel {

namespace {

// Entries stay for good: code is never unloaded, and a signal handler may be reading them.
constinit std::atomic<const MappedPlugin*> first{nullptr};

/// How far a stack is looked at: deep enough for any sane one, and an end for a broken one.
constexpr int kMaximumFrames = 256;

struct Stretch {
    std::uintptr_t base = 0;
    std::uintptr_t start = ~std::uintptr_t(0);
    std::uintptr_t end = 0;
};

int find_stretch(dl_phdr_info* info, std::size_t, void* data) {
    auto& stretch = *static_cast<Stretch*>(data);
    if (info->dlpi_addr != stretch.base) return 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD) continue;
        stretch.start = std::min<std::uintptr_t>(stretch.start, info->dlpi_addr + segment.p_vaddr);
        stretch.end =
            std::max<std::uintptr_t>(stretch.end, info->dlpi_addr + segment.p_vaddr + segment.p_memsz);
    }
    return 1;
}

struct Walk {
    const MappedPlugin* found = nullptr;
    int frames = 0;
};

_Unwind_Reason_Code look_at_frame(_Unwind_Context* context, void* data) {
    auto& walk = *static_cast<Walk*>(data);
    int before_instruction = 0;
    const std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
    walk.found = plugin_at(before_instruction ? address : address - 1);
    return walk.found || ++walk.frames == kMaximumFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/// A copy that is never freed.
const char* kept(std::string_view text) { return (new std::string(text))->c_str(); }

}  // namespace

void note_plugin(const void* base, std::string_view name, std::string_view file) {
    Stretch stretch{.base = reinterpret_cast<std::uintptr_t>(base)};
    dl_iterate_phdr(find_stretch, &stretch);
    if (stretch.start >= stretch.end || plugin_at(stretch.start)) return;
    auto* entry = new MappedPlugin{stretch.start, stretch.end, kept(name), kept(file), first.load()};
    while (!first.compare_exchange_weak(entry->next, entry)) {}
}

const MappedPlugin* plugin_at(std::uintptr_t address) noexcept {
    for (const MappedPlugin* plugin = first.load(std::memory_order_acquire); plugin; plugin = plugin->next)
        if (address - plugin->start < plugin->end - plugin->start) return plugin;
    return nullptr;
}

const MappedPlugin* plugin_on_stack() noexcept {
    if (!first.load(std::memory_order_acquire)) return nullptr;
    Walk walk;
    _Unwind_Backtrace(look_at_frame, &walk);
    return walk.found;
}

}  // namespace backplane::kernel
