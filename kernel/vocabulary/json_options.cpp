#include "kernel/vocabulary/json_options.h"

#include "kernel/vocabulary/user_error.h"

#include <set>
#include <vector>
#include <nlohmann/json.hpp>

namespace backplane::kernel {
namespace {

constexpr std::size_t kMaximumDepth = 16;

/// The same with double quotes, which alone are JSON's.
std::string with_double_quotes(std::string_view text) {
    std::string out;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote && c == '\\' && i + 1 < text.size()) {
            const char escaped = text[++i];
            if (escaped != '\'') out += '\\';
            out += escaped;
        } else if (c == '\'' && quote != '"') {
            quote = quote ? '\0' : c;
            out += '"';
        } else if (c == '"' && quote == '\'') {
            out += "\\\"";
        } else {
            if (c == '"') quote = quote ? '\0' : c;
            out += c;
        }
    }
    return out;
}

class Reader final : public nlohmann::json_sax<nlohmann::json> {
  public:
    JsonOptions result;

    bool null() override { fail("must not be null"); }
    bool boolean(bool value) override { return add(value ? "on" : "off", JsonKind::Flag); }
    bool number_integer(number_integer_t value) override {
        return add(std::to_string(value), JsonKind::Number);
    }
    bool number_unsigned(number_unsigned_t value) override {
        return add(std::to_string(value), JsonKind::Number);
    }
    bool number_float(number_float_t, const string_t&) override {
        fail("must be a text, a whole number of at most 64 bits, true or false");
    }
    bool string(string_t& value) override { return add(value, JsonKind::Text); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(false); }
    bool key(string_t& name) override {
        Level& level = levels_.back();
        level.name = name;
        if (!level.names.insert(name).second) fail("stands there twice");
        return true;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(true); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::json::exception& error) override {
        constexpr int kNumberTooLarge = 406;
        if (error.id == kNumberTooLarge) fail("is a number of more than 64 bits");
        throw UserError("not valid JSON, at byte " + std::to_string(position) +
                        "; quote the whole value for the shell");
    }

  private:
    struct Level {
        bool list;
        std::size_t count = 0;
        std::string name;
        std::set<std::string> names;
    };

    /// The member that is being read.
    std::string path() const {
        std::string path;
        for (const Level& level : levels_) {
            if (!path.empty()) path += '.';
            path += level.list ? std::to_string(level.count) : level.name;
        }
        return path;
    }
    [[noreturn]] void fail(const std::string& why) const {
        throw UserError(levels_.empty() ? "the JSON text must be an object"
                                        : "JSON member '" + path() + "' " + why);
    }
    bool open(bool list) {
        if (levels_.empty() && list) fail("");
        if (levels_.size() == kMaximumDepth)
            throw UserError("the JSON text is nested more than " + std::to_string(kMaximumDepth) + " deep");
        levels_.push_back({list, 0, {}, {}});
        return true;
    }
    bool close() {
        const bool empty = levels_.back().count == 0;
        levels_.pop_back();
        if (levels_.empty()) return true;
        if (empty) fail("is empty");
        ++levels_.back().count;
        return true;
    }
    bool add(std::string value, JsonKind kind) {
        if (levels_.empty()) fail("");
        const std::string name = path();
        result.members.emplace_back(name, std::move(value));
        result.kinds[name] = kind;
        ++levels_.back().count;
        return true;
    }

    std::vector<Level> levels_;
};

}  // namespace

JsonOptions read_json_options(std::string_view text) {
    Reader reader;
    nlohmann::json::sax_parse(with_double_quotes(text), &reader);
    return std::move(reader.result);
}

}  // namespace backplane::kernel
