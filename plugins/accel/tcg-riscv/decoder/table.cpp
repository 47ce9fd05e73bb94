// Reads the encodings of riscv.inc and compressed.inc at compile time. A line that is malformed does not compile.
#include "table.h"

namespace backplane::riscv {
namespace {

constexpr std::uint64_t None = 0;
constexpr std::uint64_t M = bit(Extension::M);
constexpr std::uint64_t A = bit(Extension::A);
constexpr std::uint64_t F = bit(Extension::F);
constexpr std::uint64_t D = bit(Extension::D);
constexpr std::uint64_t C = bit(Extension::C);
constexpr std::uint64_t S = bit(Extension::S);
constexpr std::uint64_t Svinval = bit(Extension::Svinval);
constexpr std::uint64_t Zicsr = bit(Extension::Zicsr);
constexpr std::uint64_t Zifencei = bit(Extension::Zifencei);
constexpr std::uint64_t Zihintpause = bit(Extension::Zihintpause);
constexpr std::uint64_t Zba = bit(Extension::Zba);
constexpr std::uint64_t Zbb = bit(Extension::Zbb);
constexpr std::uint64_t Zbc = bit(Extension::Zbc);
constexpr std::uint64_t Zbs = bit(Extension::Zbs);

constexpr Implicit Nothing = Implicit::None;
constexpr Implicit RdRa = Implicit::RdRa;
constexpr Implicit RdSp = Implicit::RdSp;
constexpr Implicit Rs1Sp = Implicit::Rs1Sp;

/// Not constexpr: reaching it is a compile error that names the fault.
void malformed(const char*) {}

/// The bits of the immediate in the manual's notation, "imm[12|10:5|4:1|11]", one after another from the left.
class Notation {
  public:
    constexpr explicit Notation(std::string_view text) : text_(text) {
        at_ = text.find('[');
        if (at_ == std::string_view::npos || text.back() != ']') malformed("an immediate without brackets");
    }
    constexpr unsigned next() {
        if (high_ > low_) return --high_;
        ++at_;
        high_ = low_ = number();
        if (text_[at_] == ':') {
            ++at_;
            low_ = number();
        }
        return high_;
    }
    constexpr bool finished() const { return high_ == low_ && text_[at_] == ']'; }

  private:
    constexpr unsigned number() {
        unsigned value = 0;
        for (; text_[at_] >= '0' && text_[at_] <= '9'; ++at_) value = value * 10 + unsigned(text_[at_] - '0');
        return value;
    }
    std::string_view text_;
    std::size_t at_ = 0;
    unsigned high_ = 0;
    unsigned low_ = 0;
};

constexpr void read_immediate(Row& row, std::string_view notation) {
    if (notation.empty()) return;
    row.immediate_signed = notation.starts_with("imm");
    Notation positions(notation);
    std::size_t used = 0;
    for (std::size_t i = 0; i < row.encoding.size(); ++i) {
        if (row.encoding[i] != 'i') continue;
        const auto from = static_cast<std::uint8_t>(row.encoding.size() - 1 - i);
        const auto to = static_cast<std::uint8_t>(positions.next());
        if (to + 1 > row.immediate_bits) row.immediate_bits = static_cast<std::uint8_t>(to + 1);
        if (used != 0 && row.immediate[used - 1].from == from + 1 && row.immediate[used - 1].to == to + 1) {
            Segment& last = row.immediate[used - 1];
            last = {from, to, static_cast<std::uint8_t>(last.width + 1)};
        } else {
            row.immediate[used++] = {from, to, 1};
        }
    }
    if (!positions.finished()) malformed("an immediate with other bits than the encoding");
}

constexpr void read_field(Row& row, char letter, std::uint8_t from) {
    for (std::size_t field = 0; field < kFields; ++field) {
        const bool both = letter == 'e' && field <= static_cast<std::size_t>(Field::Rs1);
        if (letter != kFieldLetters[field] && !both) continue;
        Segment& segment = row.fields[field];
        if (segment.width != 0 && segment.from != from + 1) malformed("a field in two parts");
        segment.from = from;
        ++segment.width;
    }
}

constexpr Row make_row(Opcode opcode, std::string_view mnemonic, std::string_view encoding,
                       std::uint64_t extensions, std::string_view immediate, std::string_view operands,
                       Implicit implicit = Implicit::None) {
    Row row;
    row.opcode = opcode;
    row.mnemonic = mnemonic;
    row.encoding = encoding;
    row.operands = operands;
    row.extensions = extensions;
    row.implicit = implicit;
    if (encoding.size() != 32 && encoding.size() != 16) malformed("an encoding of another length");
    for (std::size_t i = 0; i < encoding.size(); ++i) {
        const auto from = static_cast<std::uint8_t>(encoding.size() - 1 - i);
        if (encoding[i] == '0' || encoding[i] == '1') {
            row.mask |= 1u << from;
            row.value |= static_cast<std::uint32_t>(encoding[i] - '0') << from;
        } else if (encoding[i] != '-' && encoding[i] != 'i') {
            read_field(row, encoding[i], from);
        }
    }
    read_immediate(row, immediate);
    return row;
}

constexpr Row kRows[] = {
#define INST(opcode, mnemonic, encoding, extension, immediate, operands) \
    make_row(Opcode::opcode, mnemonic, encoding, extension, immediate, operands),
#include "riscv.inc"
#undef INST
#define COMPRESSED(opcode, mnemonic, encoding, extensions, immediate, operands, implicit) \
    make_row(Opcode::opcode, mnemonic, encoding, extensions, immediate, operands, implicit),
#include "compressed.inc"
#undef COMPRESSED
};

}  // namespace

const std::size_t kFirstCompressed = static_cast<std::size_t>(Opcode::kCount) - 1;

std::span<const Row> rows() { return kRows; }

}  // namespace backplane::riscv
