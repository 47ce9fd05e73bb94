// Which plugin an address of code belongs to. Fed as plugins are loaded, for the process's life; read also by signal
// handlers.
#pragma once

#include <cstdint>
#include <string_view>

namespace backplane::kernel {

struct MappedPlugin {
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
    const char* name = "";
    const char* file = "";
    const MappedPlugin* next = nullptr;
};

/// The shared object that is loaded at `base` (its link map's l_addr) is this plugin. Nothing when that is known.
void note_plugin(const void* base, std::string_view name, std::string_view file);
/// Null: the core's or a library's. Thread: any; safe in a signal handler.
const MappedPlugin* plugin_at(std::uintptr_t address) noexcept;
/// The plugin of the innermost frame that belongs to one, from the caller outwards; null: none is on the stack.
/// Thread: any. In a signal handler it goes on through the frame that was interrupted.
const MappedPlugin* plugin_on_stack() noexcept;

}  // namespace backplane::kernel
