// The values of one field where they lie in memory: how they are read, written and shown.
#pragma once

#include <backplane/state.h>

#include <string>

namespace backplane::kernel::state_field {

/// Bytes of one element of integers and Bytes; 0 for the others.
unsigned width(StateKind kind);
bool is_signed(StateKind kind);

std::uint8_t* data_at(const StateField& field, std::ptrdiff_t shift);
/// Element `index` as 64 bits, extended by its sign.
std::uint64_t element(const StateField& field, std::ptrdiff_t shift, std::size_t index);
void set_element(const StateField& field, std::ptrdiff_t shift, std::size_t index, std::uint64_t value);
/// Can an element hold `value` (extended by its sign)?
bool fits(const StateField& field, std::uint64_t value);

Timer* timer(const StateField& field, std::ptrdiff_t shift);
/// ns; ~0 when it is not armed.
std::uint64_t deadline(const StateField& field, std::ptrdiff_t shift);
void set_deadline(const StateField& field, std::ptrdiff_t shift, std::uint64_t deadline_ns);

/// As after a reset.
void reset(const StateField& field, std::ptrdiff_t shift);
/// " 0x1 0x2", " not armed", …
std::string text(const StateField& field, std::ptrdiff_t shift);

}  // namespace backplane::kernel::state_field
