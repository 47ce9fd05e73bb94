// A device's state description, and what is derived from it: reset, comparison, a dump, a saved image.
//
// The saved image of a table, all numbers little-endian: its version (2 bytes), how many items follow (2), and each
// item: a tag (1), its name (length 1, bytes), and what the tag says (docs/saved-machines.md):
//   1, 2, 4, 8  integers of that width: how many (4), then they
//   16          bytes: their number (4), then they
//   17          a timer: its deadline in ns of the virtual clock (8), ~0 when it is not armed
//   18          a group: how many elements (4), then the image of a table for each
#pragma once

#include <backplane/state.h>

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
    void reset() { reset_at(0, Reset::Requested); }
    /// "NAME = value" lines.
    void dump(TextSink& out) const { dump_at(0, {}, out); }

    /// The saved image, the same for equal states: what two machines are compared by.
    std::vector<std::uint8_t> save() const;
    /// Would load() take it? False and a reason that names the field.
    bool check(Bytes saved, Errors& errors) const;
    /// Takes what check() found good.
    void apply(Bytes saved);
    bool load(Bytes saved, Errors& errors);

    /// What the author got wrong (two fields of one name, …); empty: nothing. Such a table is neither saved nor loaded.
    const std::string& fault() const { return fault_; }

  private:
    struct Group {
        StateGroup info;
        std::unique_ptr<StateDescription> fields;
    };
    enum class Reset { Requested, All };
    class Loading;

    bool known(Str name) const;
    bool acceptable(Str name);
    void reset_at(std::ptrdiff_t shift, Reset which);
    void dump_at(std::ptrdiff_t shift, const std::string& prefix, TextSink& out) const;
    void save_at(std::ptrdiff_t shift, std::vector<std::uint8_t>& image) const;

    StateDescription* top_ = this;  ///< whose fault it is
    std::vector<StateField> fields_;
    std::vector<Group> groups_;
    std::vector<Str> forgotten_;
    std::uint16_t version_ = 0;
    std::uint16_t oldest_ = 0;
    std::string fault_;
};

}  // namespace backplane::kernel
