// A device's state description, and what is derived from it: reset, comparison, a dump, a saved image.
#pragma once

#include <backplane/state.h>

#include <string>
#include <vector>

namespace backplane::kernel {

class StateDescription final : public StateTable {
  public:
    void add(const StateField& field) override { fields_.push_back(field); }
    const std::vector<StateField>& fields() const { return fields_; }

    /// Writes the reset values of all fields that a reset changes.
    void reset();
    /// "NAME=value" lines.
    void dump(TextSink& out) const;
    /// Name, shape and bytes of every field, in little-endian: what two machines are compared by.
    std::vector<std::uint8_t> save() const;
    /// Takes what save() gave. False and a reason, with nothing changed, when name, shape or length differ.
    bool load(Bytes saved, Errors& errors);

  private:
    std::vector<StateField> fields_;
};

}  // namespace backplane::kernel
