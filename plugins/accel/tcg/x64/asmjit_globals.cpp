// What asmjit's globals.o defines. The distribution builds the library without -fPIC; of all its objects that this
// plugin needs only that one cannot go into a shared object (it names stderr), and with these definitions the linker
// does not take it.
#include <asmjit/core.h>

#include <cstdio>
#include <cstdlib>

ASMJIT_BEGIN_NAMESPACE

const char* DebugUtils::errorAsString(Error) noexcept { return "assembler error"; }

void DebugUtils::debugOutput(const char* message) noexcept { std::fputs(message, stderr); }

void DebugUtils::assertionFailed(const char* file, int line, const char* message) noexcept {
    std::fprintf(stderr, "asmjit: %s:%d: %s\n", file, line, message);
    std::abort();
}

ASMJIT_END_NAMESPACE
