#include "kernel/barrier/exception_text.h"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <typeinfo>

namespace backplane::kernel {

namespace {

std::string current_exception_type() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (!type) return "unknown";
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), std::free);
    return name ? name.get() : type->name();
}

}  // namespace

std::string current_exception_text() {
    const std::string type = current_exception_type();
    try {
        throw;
    } catch (const std::exception& error) {
        return type + ": " + error.what();
    } catch (...) {
        return "an exception of type '" + type + "'";
    }
}

}  // namespace backplane::kernel
