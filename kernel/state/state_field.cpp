#include "kernel/state/state_field.h"

#include <backplane/text.h>

namespace backplane::kernel::state_field {
namespace {

constexpr std::uint64_t kNotArmed = ~std::uint64_t{0};
constexpr std::size_t kShownBytes = 64;

std::uint64_t low_bits(std::uint64_t value, unsigned bytes) {
    return bytes == 8 ? value : value & ((std::uint64_t{1} << 8 * bytes) - 1);
}

}  // namespace

unsigned width(StateKind kind) {
    switch (kind) {
    case StateKind::Bool:
    case StateKind::U8:
    case StateKind::I8:
    case StateKind::Bytes: return 1;
    case StateKind::U16:
    case StateKind::I16: return 2;
    case StateKind::U32:
    case StateKind::I32: return 4;
    case StateKind::U64:
    case StateKind::I64: return 8;
    case StateKind::Timer:
    case StateKind::Variable: return 0;
    }
    return 0;
}

bool is_signed(StateKind kind) {
    return kind == StateKind::I8 || kind == StateKind::I16 || kind == StateKind::I32 ||
           kind == StateKind::I64;
}

std::uint8_t* data_at(const StateField& field, std::ptrdiff_t shift) {
    return static_cast<std::uint8_t*>(field.data) + shift;
}

std::uint64_t element(const StateField& field, std::ptrdiff_t shift, std::size_t index) {
    const unsigned bytes = width(field.kind);
    std::uint64_t value = 0;
    std::memcpy(&value, data_at(field, shift) + index * bytes, bytes);
    if (!is_signed(field.kind) || bytes == 8) return value;
    const unsigned unused = 64 - 8 * bytes;
    return std::uint64_t(std::int64_t(value << unused) >> unused);
}

void set_element(const StateField& field, std::ptrdiff_t shift, std::size_t index, std::uint64_t value) {
    const unsigned bytes = width(field.kind);
    std::memcpy(data_at(field, shift) + index * bytes, &value, bytes);
}

bool fits(const StateField& field, std::uint64_t value) {
    if (field.kind == StateKind::Bool) return value <= 1;
    const unsigned bytes = width(field.kind);
    if (!is_signed(field.kind)) return value == low_bits(value, bytes) && value <= field.maximum;
    const unsigned unused = 64 - 8 * bytes;
    return std::uint64_t(std::int64_t(value << unused) >> unused) == value;
}

Timer* timer(const StateField& field, std::ptrdiff_t shift) {
    Timer* timer = nullptr;
    std::memcpy(&timer, data_at(field, shift), sizeof timer);
    return timer;
}

std::uint64_t deadline(const StateField& field, std::ptrdiff_t shift) {
    const Timer* found = timer(field, shift);
    return found && found->armed() ? found->deadline() : kNotArmed;
}

void set_deadline(const StateField& field, std::ptrdiff_t shift, std::uint64_t deadline_ns) {
    Timer* found = timer(field, shift);
    if (!found) return;
    if (deadline_ns == kNotArmed) found->cancel();
    else found->arm(deadline_ns);
}

void reset(const StateField& field, std::ptrdiff_t shift) {
    switch (field.kind) {
    case StateKind::Timer: set_deadline(field, shift, kNotArmed); break;
    case StateKind::Variable: field.access->load(data_at(field, shift), {}); break;
    default:
        if (field.reset_value == 0)
            std::fill_n(data_at(field, shift), std::size_t{field.count} * width(field.kind), std::uint8_t{0});
        else
            for (std::size_t i = 0; i < field.count; ++i) set_element(field, shift, i, field.reset_value);
    }
}

std::string text(const StateField& field, std::ptrdiff_t shift) {
    if (field.kind == StateKind::Timer) {
        const std::uint64_t at = deadline(field, shift);
        return at == kNotArmed ? " not armed" : " " + std::to_string(at) + " ns";
    }
    if (field.kind == StateKind::Variable)
        return " (" + std::to_string(field.access->size(data_at(field, shift))) + " bytes)";
    std::string shown;
    const bool cut = field.kind == StateKind::Bytes && field.count > kShownBytes;
    for (std::size_t i = 0; i < (cut ? kShownBytes : field.count); ++i)
        shown += " 0x" + hex(low_bits(element(field, shift, i), width(field.kind)));
    if (cut) shown += " … (" + std::to_string(field.count) + " bytes)";
    return shown;
}

}  // namespace backplane::kernel::state_field
