// Small formatted texts.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace backplane::tcg {

/// printf's format; at most 255 characters.
[[gnu::format(printf, 1, 2)]] inline std::string text(const char* format, ...) {
    char buffer[256];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

using ull = unsigned long long;

}  // namespace backplane::tcg
