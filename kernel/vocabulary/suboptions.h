// The value of an option: "virtual,id=a,flag=on,text=with,,comma", or the same as a JSON object.
#pragma once

#include "kernel/vocabulary/json_options.h"
#include "kernel/vocabulary/user_error.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace backplane::kernel {

/// "512M", "0x1000", in units of `unit` bytes when bare; throws UserError naming `what`.
std::uint64_t size_value(std::string_view what, std::string_view text, std::uint64_t unit = 1);
std::uint64_t number_value(std::string_view what, std::string_view text, std::uint64_t maximum);
bool flag_value(std::string_view what, std::string_view text);

/// The parameters of one option, in order. take_…() removes what it finds, so that what is left is either the
/// object's properties or an error.
class SubOptions {
  public:
    /// `first_key`: what a first parameter without '=' is the value of; empty: none may stand there.
    /// A later word alone is a flag: "server" is ("server", "on"); "nowait" is ("wait", "off").
    static SubOptions parse(std::string_view text, std::string_view first_key);
    /// A JSON object, as read_json_options() reads it.
    static SubOptions parse_json(std::string_view text);
    /// Whichever of the two it is.
    static SubOptions parse_either(std::string_view text, std::string_view first_key);

    void add(std::string key, std::string value) { entries_.emplace_back(std::move(key), std::move(value)); }
    /// What the members were written as, when it was JSON.
    const JsonKinds& kinds() const { return kinds_; }
    void set_kinds(JsonKinds kinds) { kinds_ = std::move(kinds); }
    bool has(std::string_view key) const;
    /// Is help asked for: "help" or "?" alone, anywhere?
    bool help() const { return help_; }
    /// The last value that was given; all of that key are removed.
    std::optional<std::string> take(std::string_view key);
    /// All of its values, in the order given.
    std::vector<std::string> take_all(std::string_view key);
    std::string take_or(std::string_view key, std::string_view otherwise);
    std::optional<bool> take_flag(std::string_view key);
    std::optional<std::uint64_t> take_number(std::string_view key, std::uint64_t maximum);
    std::optional<std::uint64_t> take_size(std::string_view key, std::uint64_t unit = 1);
    /// Throws when it is missing or empty: "… needs id=".
    std::string require(std::string_view key);
    /// An id: letters, digits, '-', '.', '_', beginning with a letter. Empty when it is missing.
    std::string take_id();

    PropertyList rest() { return std::move(entries_); }
    /// Throws when anything is left, naming it and the nearest of what was asked for.
    void expect_empty() const;

  private:
    PropertyList entries_;
    JsonKinds kinds_;
    mutable std::vector<std::string> known_;
    bool help_ = false;
};

/// An id that may stand in a command line; throws UserError otherwise.
void check_id(std::string_view id);

}  // namespace backplane::kernel
