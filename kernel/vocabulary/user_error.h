// What is wrong with a command line or a configuration file: one line, thrown inside the launcher only.
#pragma once

#include <stdexcept>
#include <string>

namespace backplane::kernel {

/// The message names the culprit and says what to do. Caught by launch(), which prints it and exits with 1.
class UserError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace backplane::kernel
