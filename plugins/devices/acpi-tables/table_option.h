// -acpitable: a table of the user's, of its contents (data=) and what its header is to say, or with its header (file=).
//
// Follows "Advanced Configuration and Power Interface Specification" 6.4, 5.2.6 "System Description Table Header".
#pragma once

#include <backplane/backend.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace backplane::acpi_tables {

class TableOption final : public Completable {
  public:
    explicit TableOption(Object& object) : object_(object) {}
    bool complete(Errors& errors) override;
    void shut_down() override {}

    // Properties; texts that were not given are those of the file, or of this program.
    std::string signature_, oem_id_, oem_table_, compiler_;
    std::optional<std::uint8_t> revision_;
    std::optional<std::uint32_t> oem_revision_, compiler_revision_;
    std::string data_, file_;

  private:
    void fill_header(std::vector<std::uint8_t>& table) const;

    Object& object_;
};

/// Fills in length and checksum. The table has its header.
void seal(std::vector<std::uint8_t>& table);

}  // namespace backplane::acpi_tables
