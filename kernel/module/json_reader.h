// JSON text (RFC 8259) read straight into what it is for, without a tree in between: every start reads all manifests.
#pragma once

#include <cstdint>
#include <span>
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

    /// Escapes are replaced in their place: what was read is changed, and the texts that were read are parts of it, each with a
    /// NUL behind it.
    explicit JsonReader(std::span<char> text) : text_(text) {}

    /// Calls member(name) for each member; it reads the value, or skips it.
    template <class Member>
    void object(Member member) {
        enter('{');
        for (bool first = true; next_item('}', first); first = false) {
            const std::string_view name = string();
            expect(':');
            member(name);
        }
    }
    /// Calls element() for each element; it reads one value.
    template <class Element>
    void array(Element element) {
        enter('[');
        for (bool first = true; next_item(']', first); first = false) element();
    }
    std::string_view string();
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
    /// Takes the rest of an escape, and writes what it means at `to`; the end of that.
    char* escape(char* to);
    unsigned hex_digits();
    void skip_number();

    std::string_view rest() const { return {text_.data() + at_, text_.size() - at_}; }

    std::span<char> text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace backplane::kernel
