// A device's state description, and what is derived from it: reset, comparison, a dump, a saved image.
#pragma once

#include <backplane/state.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace backplane::kernel {

class StateDescription final : public StateTable {
  public:
    void add(const StateField& field) override;
    StateTable& group(const StateGroup& group) override;
    void set_version(std::uint16_t version, std::uint16_t oldest) override;
    void forget(Str name) override { forgotten_.push_back(name); }

    /// Writes the reset values of all fields that a reset changes.
    void reset() { reset_at(0); }
    /// "NAME=value" lines.
    void dump(TextSink& out) const { dump_at(0, {}, out); }
    /// Name, shape and bytes of every field, in little-endian: what two machines are compared by.
    std::vector<std::uint8_t> save() const;
    /// Takes what save() gave. False and a reason, with nothing changed, when name, shape or length differ.
    bool load(Bytes saved, Errors& errors);

  private:
    struct Group {
        StateGroup info;
        std::unique_ptr<StateDescription> fields;
        std::uint32_t used() const { return info.used ? std::min(*info.used, info.count) : info.count; }
    };
    void reset_at(std::ptrdiff_t shift);
    void dump_at(std::ptrdiff_t shift, const std::string& prefix, TextSink& out) const;

    std::vector<StateField> fields_;
    std::vector<Group> groups_;
    std::vector<Str> forgotten_;
    std::uint16_t version_ = 0;
    std::uint16_t oldest_ = 0;
};

}  // namespace backplane::kernel
