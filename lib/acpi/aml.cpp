#include <lib/aml.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>

namespace backplane::aml {
namespace {

// Opcodes (20.3).
constexpr std::uint8_t kZero = 0x00, kOne = 0x01, kName = 0x08, kByte = 0x0a, kWord = 0x0b, kDword = 0x0c,
                       kString = 0x0d, kQword = 0x0e, kScope = 0x10, kBuffer = 0x11, kPackage = 0x12,
                       kMethod = 0x14, kDualName = 0x2e, kMultiName = 0x2f, kExtended = 0x5b, kRoot = 0x5c,
                       kParent = 0x5e, kLocal0 = 0x60, kArgument0 = 0x68, kStore = 0x70, kAdd = 0x72,
                       kSubtract = 0x74, kIncrement = 0x75, kShiftLeft = 0x79, kShiftRight = 0x7a,
                       kAnd = 0x7b, kOr = 0x7d, kDereference = 0x83, kNotify = 0x86, kSizeOf = 0x87,
                       kIndex = 0x88, kCreateDwordField = 0x8a, kLand = 0x90, kNot = 0x92, kEqual = 0x93,
                       kLess = 0x95, kIf = 0xa0, kElse = 0xa1, kWhile = 0xa2, kReturn = 0xa4, kOnes = 0xff;
constexpr std::uint8_t kExtendedMutex = 0x01, kExtendedAcquire = 0x23, kExtendedRelease = 0x27,
                       kExtendedRegion = 0x80, kExtendedField = 0x81, kExtendedDevice = 0x82,
                       kExtendedProcessor = 0x83;

void append(Term& to, const Term& what) { to.insert(to.end(), what.begin(), what.end()); }
void put(Term& to, std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) to.push_back(std::uint8_t(value >> 8 * i));
}

constexpr std::size_t kPrefix = 8;  ///< what an opcode and a length take at most

/// An opcode with a body whose length stands ahead: PkgLength (20.2.4), which counts itself.
Term sized(std::initializer_list<std::uint8_t> opcode, const Term& body) {
    Term result;
    result.reserve(kPrefix + body.size());
    result.assign(opcode);
    std::size_t length = body.size() + 1;
    if (length < 0x40) {
        result.push_back(std::uint8_t(length));
    } else {
        const unsigned extra = length + 1 < 0x1000 ? 1 : length + 2 < 0x100000 ? 2 : 3;
        length += extra;
        result.push_back(std::uint8_t(extra << 6 | (length & 15)));
        for (unsigned i = 0; i < extra; ++i) result.push_back(std::uint8_t(length >> (4 + 8 * i)));
    }
    append(result, body);
    return result;
}

Term with(std::initializer_list<std::uint8_t> opcode, const Term& body) {
    Term result;
    result.reserve(kPrefix + body.size());
    result.assign(opcode);
    append(result, body);
    return result;
}

/// Operation of one or two operands whose result goes nowhere else.
Term operation(std::uint8_t opcode, Terms operands) { return with({opcode}, list(operands)); }
Term arithmetic(std::uint8_t opcode, const Term& a, const Term& b) {
    return operation(opcode, {a, b, Term{kZero}});  // no target
}

}  // namespace

Term list(std::span<const Term> terms) {
    std::size_t size = 0;
    for (const Term& term : terms) size += term.size();
    Term result;
    result.reserve(size);
    for (const Term& term : terms) append(result, term);
    return result;
}
Term list(Terms terms) { return list(std::span(terms.begin(), terms.size())); }

// --- data ---

Term zero() { return {kZero}; }
Term one() { return {kOne}; }
Term ones() { return {kOnes}; }

Term integer(std::uint64_t value) {
    if (value <= 1) return {value ? kOne : kZero};
    Term result;
    result.reserve(9);
    const unsigned size = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
    result.push_back(size == 1 ? kByte : size == 2 ? kWord : size == 4 ? kDword : kQword);
    put(result, value, size);
    return result;
}

Term string(std::string_view text) {
    Term result{kString};
    result.insert(result.end(), text.begin(), text.end());
    result.push_back(0);
    return result;
}

Term buffer(std::span<const std::uint8_t> bytes) {
    Term body = integer(bytes.size());
    body.insert(body.end(), bytes.begin(), bytes.end());
    return sized({kBuffer}, body);
}

/// NameString (20.2.2): each segment has four characters, filled with '_'.
Term path(std::string_view text) {
    Term result;
    result.reserve(kPrefix + text.size());
    while (!text.empty() && (text[0] == '\\' || text[0] == '^')) {
        result.push_back(text[0] == '\\' ? kRoot : kParent);
        text.remove_prefix(1);
    }
    const auto count = text.empty() ? 0 : std::ranges::count(text, '.') + 1;
    if (count == 0) result.push_back(0);
    if (count == 2) result.push_back(kDualName);
    if (count > 2) {
        result.push_back(kMultiName);
        result.push_back(std::uint8_t(count));
    }
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('.'), text.size());
        assert(end <= 4);
        for (std::size_t i = 0; i < 4; ++i)
            result.push_back(i < end ? std::uint8_t(text[i]) : std::uint8_t('_'));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return result;
}

/// Three letters of 5 bits and four hexadecimal digits, most significant byte first (6.1.5).
Term eisa_id(std::string_view id) {
    assert(id.size() == 7);
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 3; ++i) value = value << 5 | std::uint32_t(id[i] - '@');
    for (unsigned i = 3; i < 7; ++i)
        value = value << 4 | std::uint32_t(id[i] <= '9' ? id[i] - '0' : id[i] - 'A' + 10);
    Term result{kDword};
    for (unsigned i = 0; i < 4; ++i) result.push_back(std::uint8_t(value >> (24 - 8 * i)));
    return result;
}

Term uuid(std::string_view text) {
    std::array<std::uint8_t, 16> bytes{};
    unsigned digit = 0;
    for (const char c : text) {
        if (c == '-') continue;
        const int value = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
        bytes[digit / 2] = std::uint8_t(bytes[digit / 2] << 4 | value);
        ++digit;
    }
    // The first three groups are little-endian numbers (19.6.142).
    std::swap(bytes[0], bytes[3]);
    std::swap(bytes[1], bytes[2]);
    std::swap(bytes[4], bytes[5]);
    std::swap(bytes[6], bytes[7]);
    return buffer(bytes);
}

Term package(std::span<const Term> elements) {
    assert(elements.size() < 256);
    Term body{std::uint8_t(elements.size())};
    append(body, list(elements));
    return sized({kPackage}, body);
}
Term package(Terms elements) { return package(std::span(elements.begin(), elements.size())); }

// --- names and places ---

Term name(std::string_view text, const Term& value) { return with({kName}, list({path(text), value})); }
Term scope(std::string_view text, std::span<const Term> body) {
    return sized({kScope}, list({path(text), list(body)}));
}
Term scope(std::string_view text, Terms body) { return scope(text, std::span(body.begin(), body.size())); }
Term device(std::string_view text, std::span<const Term> body) {
    return sized({kExtended, kExtendedDevice}, list({path(text), list(body)}));
}
Term device(std::string_view text, Terms body) { return device(text, std::span(body.begin(), body.size())); }
Term processor(std::string_view text, std::uint8_t id, Terms body) {
    Term head = path(text);
    head.push_back(id);
    put(head, 0, 5);  // no P_BLK
    return sized({kExtended, kExtendedProcessor}, list({head, list(body)}));
}
Term method(std::string_view text, unsigned arguments, Terms body, Serialized serialized) {
    Term head = path(text);
    head.push_back(std::uint8_t(arguments | (serialized == Serialized::Yes ? 8 : 0)));
    return sized({kMethod}, list({head, list(body)}));
}
Term mutex(std::string_view text) { return with({kExtended, kExtendedMutex}, list({path(text), Term{0}})); }

Term operation_region(std::string_view text, Space space, std::uint64_t offset, std::uint64_t length) {
    return with({kExtended, kExtendedRegion},
                list({path(text), Term{std::uint8_t(space)}, integer(offset), integer(length)}));
}

Term field(std::string_view region, FieldAccess access, FieldUpdate update,
           std::initializer_list<FieldUnit> units) {
    Term body = path(region);
    body.push_back(std::uint8_t(std::uint8_t(access) | std::uint8_t(update) << 5));
    for (const FieldUnit& unit : units) {
        if (unit.name.empty()) body.push_back(0);
        else append(body, path(unit.name));
        // A width is written as a package length, which does not count itself here.
        Term width;
        if (unit.bits < 0x40) {
            width.push_back(std::uint8_t(unit.bits));
        } else {
            width.push_back(std::uint8_t(0x40 | (unit.bits & 15)));
            width.push_back(std::uint8_t(unit.bits >> 4));
        }
        append(body, width);
    }
    return sized({kExtended, kExtendedField}, body);
}

// --- expressions and statements ---

Term local(unsigned i) { return {std::uint8_t(kLocal0 + i)}; }
Term argument(unsigned i) { return {std::uint8_t(kArgument0 + i)}; }
Term store(const Term& value, const Term& target) { return operation(kStore, {value, target}); }
Term add(const Term& a, const Term& b) { return arithmetic(kAdd, a, b); }
Term subtract(const Term& a, const Term& b) { return arithmetic(kSubtract, a, b); }
Term and_(const Term& a, const Term& b) { return arithmetic(kAnd, a, b); }
Term or_(const Term& a, const Term& b) { return arithmetic(kOr, a, b); }
Term shift_left(const Term& value, const Term& count) { return arithmetic(kShiftLeft, value, count); }
Term shift_right(const Term& value, const Term& count) { return arithmetic(kShiftRight, value, count); }
Term not_(const Term& value) { return operation(kNot, {value}); }
Term equal(const Term& a, const Term& b) { return operation(kEqual, {a, b}); }
Term less(const Term& a, const Term& b) { return operation(kLess, {a, b}); }
Term land(const Term& a, const Term& b) { return operation(kLand, {a, b}); }
Term increment(const Term& target) { return operation(kIncrement, {target}); }
Term index(const Term& of, const Term& at) { return arithmetic(kIndex, of, at); }
Term dereference(const Term& reference) { return operation(kDereference, {reference}); }
Term create_dword_field(const Term& of, const Term& at, std::string_view text) {
    return with({kCreateDwordField}, list({of, at, path(text)}));
}
Term size_of(const Term& of) { return operation(kSizeOf, {of}); }
Term if_(const Term& condition, Terms then) { return sized({kIf}, list({condition, list(then)})); }
Term else_(Terms otherwise) { return sized({kElse}, list(otherwise)); }
Term while_(const Term& condition, Terms body) { return sized({kWhile}, list({condition, list(body)})); }
Term return_(const Term& value) { return operation(kReturn, {value}); }
Term call(std::string_view method, Terms arguments) { return list({path(method), list(arguments)}); }
Term notify(const Term& object, const Term& value) { return operation(kNotify, {object, value}); }
Term acquire(std::string_view text) {
    return with({kExtended, kExtendedAcquire}, list({path(text), Term{0xff, 0xff}}));
}
Term release(std::string_view text) { return with({kExtended, kExtendedRelease}, path(text)); }

// --- resource descriptors ---

Term resources(Terms descriptors) {
    Term bytes = list(descriptors);
    bytes.push_back(0x79);  // end tag, with a checksum that is not used
    bytes.push_back(0);
    return buffer(bytes);
}

Term io_range(std::uint16_t minimum, std::uint16_t maximum, std::uint8_t alignment, std::uint8_t length) {
    Term result{0x47, 1};  // decodes 16 bits
    put(result, minimum, 2);
    put(result, maximum, 2);
    result.push_back(alignment);
    result.push_back(length);
    return result;
}
Term io(std::uint16_t port, std::uint8_t length, std::uint8_t alignment) {
    return io_range(port, port, alignment, length);
}
Term isa_irq(std::uint16_t lines) {
    Term result{0x22};
    put(result, lines, 2);
    return result;
}
Term isa_device(std::string_view kind, std::string_view hid, std::uint32_t number, Terms descriptors) {
    constexpr std::uint64_t kThere = 0x0f;  // 6.3.7: present, decoding, shown, working
    return device(std::string(kind) + std::to_string(number + 1),
                  {name("_HID", eisa_id(hid)), name("_UID", integer(number + 1)),
                   name("_STA", integer(kThere)), name("_CRS", resources(descriptors))});
}
Term interrupts(Polarity polarity, Sharing sharing, std::initializer_list<std::uint32_t> lines) {
    Term result{0x89};
    put(result, 2 + 4 * lines.size(), 2);
    result.push_back(
        std::uint8_t(1 | std::uint8_t(polarity) << 2 | std::uint8_t(sharing) << 3));  // a consumer, level
    result.push_back(std::uint8_t(lines.size()));
    for (const std::uint32_t line : lines) put(result, line, 4);
    return result;
}
Term dma(std::uint8_t channels) { return {0x2a, channels, 0}; }  // compatibility mode, 8 bits, no bus master
Term fixed_memory(std::uint32_t address, std::uint32_t length, bool writable) {
    Term result{0x86, 9, 0, std::uint8_t(writable)};
    put(result, address, 4);
    put(result, length, 4);
    return result;
}

namespace {

// Address space descriptors (6.4.3.5): the bridge produces, and both ends stand still.
constexpr std::uint8_t kFixedEnds = 0x0c;

Term address_space(std::uint8_t tag, std::uint8_t kind, std::uint8_t flags, unsigned size,
                   std::uint64_t first, std::uint64_t last) {
    Term body{kind, kFixedEnds, flags};
    put(body, 0, size);  // granularity
    put(body, first, size);
    put(body, last, size);
    put(body, 0, size);  // no translation
    put(body, last - first + 1, size);
    Term result{tag};
    put(result, body.size(), 2);
    append(result, body);
    return result;
}

}  // namespace

Term bus_numbers(std::uint16_t first, std::uint16_t last) {
    return address_space(0x88, 2, 0, 2, first, last);
}
Term bridge_ports(std::uint16_t first, std::uint16_t last) {
    return address_space(0x88, 1, 3, 2, first, last);
}
Term bridge_memory(std::uint32_t first, std::uint32_t last, bool cacheable) {
    return address_space(0x87, 0, std::uint8_t(1 | (cacheable ? 1 << 1 : 0)), 4, first, last);
}
Term bridge_memory64(std::uint64_t first, std::uint64_t last, bool cacheable) {
    return address_space(0x8a, 0, std::uint8_t(1 | (cacheable ? 1 << 1 : 0)), 8, first, last);
}

}  // namespace backplane::aml
