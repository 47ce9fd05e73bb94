// How the board refuses what users ask for: in one line, with the reason.
#pragma once

#include <backplane/abi.h>

#include <string>

namespace backplane::pc {

inline bool refuse(Errors& errors, const std::string& reason) {
    errors.fail(reason);
    return false;
}

}  // namespace backplane::pc
