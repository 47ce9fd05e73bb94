// What is wrong with what a user typed: one line.
#pragma once

#include <stdexcept>
#include <string>

namespace backplane::kernel {

/// The message names the culprit and says what to do. Caught by run_program(), which prints it and ends with 1, and by
/// commands of monitors, which answer with it.
class UserError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace backplane::kernel
