// The C++ runtime's throw (Itanium C++ ABI, 2.4.3) passes through here, where the stack is still whole. A plugin that
// carries a runtime of its own does not; its exceptions are taken for those of the plugin that was called.
#include "kernel/barrier/throw_site.h"

#include "kernel/barrier/plugin_map.h"

#include <backplane/abi.h>

#include <dlfcn.h>

#include <exception>
#include <typeinfo>

namespace {

constinit thread_local const backplane::kernel::MappedPlugin* last_plugin = nullptr;

}  // namespace

namespace backplane::kernel {

const MappedPlugin* last_throw_plugin() noexcept { return last_plugin; }

}  // namespace backplane::kernel

extern "C" [[noreturn]] BACKPLANE_EXPORT void __cxa_throw(void* thrown, std::type_info* type,
                                                          void (*destructor)(void*)) {
    using Throw = void (*)(void*, std::type_info*, void (*)(void*));
    static const auto next = reinterpret_cast<Throw>(dlsym(RTLD_NEXT, "__cxa_throw"));
    last_plugin = backplane::kernel::plugin_on_stack();
    if (next) next(thrown, type, destructor);
    std::terminate();
}
