// All options that there are: the core's own, and those that types derived from "service" offer.
#pragma once

#include "kernel/launch/command_line.h"
#include "kernel/module/manifest.h"
#include "kernel/vocabulary/option_parameters.h"

#include <string_view>

namespace backplane::kernel {

/// Refers to the catalogue that it was made from.
class OptionTable {
  public:
    struct Row {
        std::string name;
        std::string argument;  ///< empty: it takes none
        std::string help;
        void (*apply)(PlanBuilder& builder, const std::string& value) = nullptr;  ///< the core's own
        const ManifestOption* offer = nullptr;                                    ///< or what `type` offers
        const ManifestType* type = nullptr;
    };
    struct Group {
        std::string title;
        std::vector<Row> rows;
    };

    /// Null: the core's own options alone. The catalogue has refused what would take a name of theirs (core_names()).
    explicit OptionTable(const Catalog* catalog);
    const std::vector<Group>& groups() const { return groups_; }
    const Row* find(std::string_view name) const;
    /// As programs are told of them.
    std::vector<OptionListing> listings() const;
    /// "-X: invalid option; did you mean …".
    [[noreturn]] void refuse_unknown(const std::string& text) const;

  private:
    Group& group(const std::string& title);
    std::vector<Group> groups_;
};

/// Throws UserError when option `name`, shown as `text`, is known to users and to nothing here.
void refuse_elsewhere(std::string_view name, const std::string& text);
/// Does what the row says with `value`, which the option `builder.option` was given.
void apply_option(PlanBuilder& builder, const OptionTable::Row& row, const std::string& value);

}  // namespace backplane::kernel
