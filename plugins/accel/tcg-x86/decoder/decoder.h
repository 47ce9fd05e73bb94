// From bytes to an instruction.
#pragma once

#include "instruction.h"

#include <cstdint>

namespace backplane::x86 {

/// Where instruction bytes come from, one after the other.
class ByteSource {
  public:
    /// The byte `offset` behind the instruction's start (0–14). Where it cannot be fetched: 0, and failed() from then on.
    virtual std::uint8_t byte(unsigned offset) = 0;
    virtual bool failed() const = 0;

  protected:
    ~ByteSource() = default;
};

inline constexpr unsigned kLongestInstruction = 15;

/// Operation::Undefined stands for #UD, Operation::TooLong for the #GP of a sixteenth byte (SDM 2A 2.3.11); both with the
/// length of what was read.
Instruction decode(ByteSource& bytes, CodeSize code_size);

/// Does an x87 instruction with a memory operand store there, or load from it?
bool x87_stores(const Instruction& instruction);

}  // namespace backplane::x86
