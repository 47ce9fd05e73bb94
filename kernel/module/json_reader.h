// JSON text (RFC 8259) read straight into what it is for, without a tree in between: every start reads all manifests.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace backplane::kernel {

/// Any bytes are safe. What is no JSON, is of another kind than asked for, or nests deeper than kMaximumDepth is thrown as
/// JsonFault. Of members of one name each is told of, in turn.
class JsonFault : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class JsonReader {
  public:
    static constexpr int kMaximumDepth = 8;

    /// `text` outlives the reader.
    explicit JsonReader(std::string_view text) : text_(text) {}

    /// Calls member(name) for each member; it reads the value, or skips it. The name is valid until then.
    template <class Member>
    void object(Member member) {
        enter('{');
        for (bool first = true; next_item('}', first); first = false) {
            const std::string name = string();
            expect(':');
            member(std::string_view(name));
        }
    }
    /// Calls element() for each element; it reads one value.
    template <class Element>
    void array(Element element) {
        enter('[');
        for (bool first = true; next_item(']', first); first = false) element();
    }
    std::string string();
    bool boolean();
    /// A whole number from 0 to 2^64 − 1.
    std::uint64_t number();
    void skip();
    /// Nothing but white space is left.
    void end();

  private:
    [[noreturn]] void fault(const std::string& expected) const;
    char peek();
    void expect(char c);
    void enter(char bracket);
    bool next_item(char closing, bool first);
    bool take_word(std::string_view word);
    void escape(std::string& text);
    unsigned hex_digits();
    void skip_number();

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace backplane::kernel
