// An exception as people read it.
#pragma once

#include <string>

namespace backplane::kernel {

/// "std::runtime_error: no licence", or "an exception of type 'int'". Within a handler of the exception.
std::string current_exception_text();

}  // namespace backplane::kernel
