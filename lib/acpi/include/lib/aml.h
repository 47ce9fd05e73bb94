// ACPI Machine Language, written term by term: each function gives the bytes of one term.
//
// Follows "Advanced Configuration and Power Interface Specification" 6.4, chapter 20 (AML) and 6.4 (resource
// descriptors). A name is written as in ASL: "PCI0", "\\_SB.PCI0", "^LNKA".
//
//   aml::device("PCI0", {aml::name("_HID", aml::eisa_id("PNP0A03")), aml::method("_STA", 0, {aml::return_(aml::integer(15))})});
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace backplane::aml {

/// The bytes of a term, or of several in a row.
using Term = std::vector<std::uint8_t>;
using Terms = std::initializer_list<Term>;

/// One after the other.
Term list(std::span<const Term> terms);
Term list(Terms terms);

// --- data ---
Term integer(std::uint64_t value);
Term string(std::string_view text);
Term buffer(std::span<const std::uint8_t> bytes);
/// A reference by name.
Term path(std::string_view name);
/// "PNP0A03" as its compressed number.
Term eisa_id(std::string_view id);
/// "e5c937d0-3553-4d7a-9117-ea4d19c3434d" as the buffer that ToUUID gives.
Term uuid(std::string_view text);
/// At most 255 elements.
Term package(std::span<const Term> elements);
Term package(Terms elements);

// --- names and places ---
Term name(std::string_view name, const Term& value);
Term scope(std::string_view name, std::span<const Term> body);
Term scope(std::string_view name, Terms body);
Term device(std::string_view name, std::span<const Term> body);
Term device(std::string_view name, Terms body);
Term processor(std::string_view name, std::uint8_t id, Terms body);
enum class Serialized : std::uint8_t { No, Yes };
Term method(std::string_view name, unsigned arguments, Terms body, Serialized serialized = Serialized::No);
Term mutex(std::string_view name);

enum class Space : std::uint8_t { Memory = 0, Io = 1, PciConfig = 2 };
Term operation_region(std::string_view name, Space space, std::uint64_t offset, std::uint64_t length);
enum class FieldAccess : std::uint8_t { Any = 0, Byte = 1, Word = 2, Dword = 3 };
enum class FieldUpdate : std::uint8_t { Preserve = 0, Ones = 1, Zeros = 2 };
/// A field of a region: a name of 4 letters and its width in bits; no name: bits that are left out.
struct FieldUnit {
    std::string_view name;
    unsigned bits;
};
Term field(std::string_view region, FieldAccess access, FieldUpdate update,
           std::initializer_list<FieldUnit> units);

// --- expressions and statements ---
Term local(unsigned index);     ///< Local0–Local7
Term argument(unsigned index);  ///< Arg0–Arg6
Term zero();
Term one();
Term ones();
Term store(const Term& value, const Term& target);
Term add(const Term& a, const Term& b);
Term subtract(const Term& a, const Term& b);
Term and_(const Term& a, const Term& b);
Term or_(const Term& a, const Term& b);
Term shift_left(const Term& value, const Term& count);
Term shift_right(const Term& value, const Term& count);
Term not_(const Term& value);  ///< logical
Term equal(const Term& a, const Term& b);
Term less(const Term& a, const Term& b);
Term land(const Term& a, const Term& b);
Term increment(const Term& target);
Term index(const Term& of, const Term& at);
Term dereference(const Term& reference);
/// `name` is four bytes of a buffer from now on.
Term create_dword_field(const Term& of, const Term& at, std::string_view name);
Term size_of(const Term& of);
Term if_(const Term& condition, Terms then);
Term else_(Terms otherwise);
Term while_(const Term& condition, Terms body);
Term return_(const Term& value);
Term call(std::string_view method, Terms arguments = {});
Term notify(const Term& object, const Term& value);
Term acquire(std::string_view mutex);  ///< without a time limit
Term release(std::string_view mutex);

// --- resource descriptors (6.4) ---
/// Descriptors, with the tag that ends them and the buffer around.
Term resources(Terms descriptors);
/// Ports that stand still; `length` 1–255.
Term io(std::uint16_t port, std::uint8_t length, std::uint8_t alignment = 1);
Term io_range(std::uint16_t minimum, std::uint16_t maximum, std::uint8_t alignment, std::uint8_t length);
/// Edge-triggered, active-high, exclusive: the ISA bus's.
Term isa_irq(std::uint16_t lines);
/// One of several ISA devices of a kind, that is there: number 0 of "COM" is COM1, with the hardware id and its resources.
Term isa_device(std::string_view kind, std::string_view hid, std::uint32_t number, Terms descriptors);
enum class Sharing : std::uint8_t { Exclusive = 0, Shared = 1 };
/// Level-triggered, extended interrupt descriptor.
enum class Polarity : std::uint8_t { High = 0, Low = 1 };
Term interrupts(Polarity polarity, Sharing sharing, std::initializer_list<std::uint32_t> lines);
Term dma(std::uint8_t channels);
Term fixed_memory(std::uint32_t address, std::uint32_t length, bool writable);
/// What a bridge passes on: bus numbers, ports, memory. `last` is the highest that belongs to it.
Term bus_numbers(std::uint16_t first, std::uint16_t last);
Term bridge_ports(std::uint16_t first, std::uint16_t last);
Term bridge_memory(std::uint32_t first, std::uint32_t last, bool cacheable);
Term bridge_memory64(std::uint64_t first, std::uint64_t last, bool cacheable);

}  // namespace backplane::aml
