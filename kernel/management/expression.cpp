#include "kernel/management/expression.h"

#include "kernel/management/command.h"

#include <charconv>
#include <string>

namespace backplane::kernel {
namespace {

constexpr unsigned kDeepest = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Parser {
  public:
    Parser(std::string_view text, const ReadRegister& registers) : text_(text), registers_(registers) {}

    std::uint64_t sum() {
        std::uint64_t value = logic();
        while (const char op = take_operator("+-")) value = op == '+' ? value + logic() : value - logic();
        return value;
    }
    std::string_view rest() const { return text_; }

  private:
    std::uint64_t logic() {
        std::uint64_t value = product();
        while (const char op = take_operator("&|^")) {
            const std::uint64_t other = product();
            value = op == '&' ? value & other : op == '|' ? value | other : value ^ other;
        }
        return value;
    }
    std::uint64_t product() {
        std::uint64_t value = operand();
        while (const char op = take_operator("*/%")) {
            const std::uint64_t other = operand();
            if (op != '*' && other == 0) fail_command("division by zero");
            value = op == '*' ? value * other : op == '/' ? value / other : value % other;
        }
        return value;
    }
    std::uint64_t operand() {
        skip_space();
        if (text_.empty()) fail_command("unexpected end of expression");
        if (++depth_ > kDeepest) fail_command("an expression is nested too deep");
        const std::uint64_t value = operand_at(text_.front());
        --depth_;
        return value;
    }
    std::uint64_t operand_at(char first) {
        if (is_digit(first)) return number();
        text_.remove_prefix(1);
        switch (first) {
        case '+': return operand();
        case '-': return std::uint64_t{0} - operand();
        case '~': return ~operand();
        case '(': return parenthesis();
        case '\'': return character();
        case '$': return register_value();
        default: fail_command(std::string("invalid char '") + first + "' in expression");
        }
    }
    std::uint64_t parenthesis() {
        const std::uint64_t value = sum();
        skip_space();
        if (!text_.starts_with(')')) fail_command("')' expected");
        text_.remove_prefix(1);
        return value;
    }
    std::uint64_t character() {
        if (text_.size() < 2 || text_[1] != '\'') fail_command("missing terminating ' character");
        const auto value = std::uint8_t(text_[0]);
        text_.remove_prefix(2);
        return value;
    }
    std::uint64_t register_value() {
        const std::string_view name = take_name();
        const auto value = registers_ ? registers_(name) : std::nullopt;
        if (!value) fail_command("unknown register");
        return *value;
    }
    /// As in C: decimal, 0x, and octal with a 0 before it.
    std::uint64_t number() {
        const std::string_view word = take_name();
        const bool hexadecimal = word.starts_with("0x") || word.starts_with("0X");
        const int base = hexadecimal ? 16 : word.starts_with('0') ? 8 : 10;
        const std::string_view digits = hexadecimal ? word.substr(2) : word;
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
        if (error == std::errc::result_out_of_range)
            fail_command("number too large: '" + std::string(word) + "'");
        if (digits.empty() || end != digits.data() + digits.size())
            fail_command("'" + std::string(word) + "' is no number");
        return value;
    }

    std::string_view take_name() {
        std::size_t size = 0;
        while (size < text_.size() && is_name(text_[size])) ++size;
        const std::string_view name = text_.substr(0, size);
        text_.remove_prefix(size);
        return name;
    }
    void skip_space() {
        while (text_.starts_with(' ') || text_.starts_with('\t')) text_.remove_prefix(1);
    }
    /// One of `operators` with an operand behind it; what has none, such as the slash of a file's path, belongs to what
    /// follows the expression. 0: there is none.
    char take_operator(std::string_view operators) {
        const std::size_t at = text_.find_first_not_of(" \t");
        if (at == std::string_view::npos || operators.find(text_[at]) == std::string_view::npos) return 0;
        const std::size_t next = text_.find_first_not_of(" \t", at + 1);
        const bool operand = next == std::string_view::npos || is_digit(text_[next]) ||
                             std::string_view("+-~('$").find(text_[next]) != std::string_view::npos;
        if (!operand) return 0;
        const char op = text_[at];
        text_.remove_prefix(at + 1);
        return op;
    }

    std::string_view text_;
    const ReadRegister& registers_;
    unsigned depth_ = 0;
};

}  // namespace

std::uint64_t read_expression(std::string_view& text, const ReadRegister& registers) {
    Parser parser(text, registers);
    const std::uint64_t value = parser.sum();
    text = parser.rest();
    return value;
}

}  // namespace backplane::kernel
