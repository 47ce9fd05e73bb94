// Cuts a stream of bytes into JSON values, without reading them: a value ends where its outer bracket closes. Strings
// may stand in single quotes, as scripts write them; what comes out has double ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace backplane::monitor {

/// One piece of the stream: the text of an object or array, or what is wrong with what was there instead.
struct JsonPiece {
    std::string text;
    std::string error;  ///< empty: `text` is balanced, and not checked further
};

class JsonFramer {
  public:
    static constexpr std::size_t kMaximumSize = 16u << 20;  ///< bytes of one value
    static constexpr unsigned kMaximumDepth = 128;

    /// The pieces that `bytes` complete. After an error the rest of the line is skipped; byte 0xff, which no text
    /// has, starts afresh.
    std::vector<JsonPiece> feed(std::string_view bytes);
    void reset();

  private:
    enum class Place { Between, Value, String, Escape, Skipping };
    void take(char c, std::vector<JsonPiece>& out);
    void take_in_value(char c, std::vector<JsonPiece>& out);
    void take_in_string(char c);
    void take_escaped(char c);
    void fail(char c, const char* why, std::vector<JsonPiece>& out);

    std::string text_;
    std::string brackets_;  ///< the closing bracket of each level
    Place place_ = Place::Between;
    char quote_ = '"';  ///< what ends the string
};

}  // namespace backplane::monitor
