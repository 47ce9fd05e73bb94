// ACPI tables, and the script that tells firmware where to put them and what to patch.
//
// Follows "Advanced Configuration and Power Interface Specification" 6.4, chapter 5, and the loader's interface in
// QEMU's docs/specs (the firmware configuration file "etc/table-loader").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backplane::acpi {

/// Who made the tables: OEM ID (6 characters) and OEM table ID (8).
struct Maker {
    std::string id = "BOCHS ";
    std::string table = "BXPC    ";
};

/// All tables in one file, one behind the other, and the loader's script for them. Addresses in tables are written as
/// offsets in the file, which firmware makes addresses.
class TableFile {
  public:
    TableFile(std::string file, Maker maker);

    /// Begins a table of `signature` (four letters) and `revision`; what follows is its body.
    void begin(std::string_view signature, std::uint8_t revision) {
        begin(signature, revision, maker_.table);
    }
    void begin(std::string_view signature, std::uint8_t revision, std::string_view maker_table);
    /// Ends it: its length and checksum are right then. Returns its offset.
    std::uint32_t end();
    /// One that is there as a whole, with its header. Returns its offset.
    std::uint32_t add(std::span<const std::uint8_t> table);
    /// FACS, which has no usual header. Returns its offset.
    std::uint32_t add_facs();

    void byte(std::uint8_t value) { bytes_.push_back(value); }
    void number(std::uint64_t value, unsigned size);
    void raw(std::span<const std::uint8_t> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    /// The address of what lies at `offset` of this file, in `size` bytes.
    void pointer(std::uint32_t offset, unsigned size);
    /// The four bytes at `at` of the table that was begun last become the address of another file.
    void patch(std::uint32_t at, std::string_view file);
    /// Another file comes into memory, at a multiple of `alignment`.
    void load(std::string_view file, std::uint32_t alignment);
    /// The first eight bytes of the file `to` become, in the device itself, the address of byte `offset` of another.
    void report(std::string_view to, std::string_view file, std::uint32_t offset);

    /// Fills up with zeros to a multiple of `unit` bytes.
    void pad(std::uint32_t unit);
    const std::vector<std::uint8_t>& bytes() const { return bytes_; }
    /// The RSDP (ACPI 1.0: 20 bytes) as a file of its own that points to `rsdt`; and the whole script.
    std::vector<std::uint8_t> root_pointer(std::string_view file, std::uint32_t rsdt);
    const std::vector<std::uint8_t>& script() const { return script_; }

  private:
    void command(std::uint32_t code, std::initializer_list<std::string_view> files,
                 std::initializer_list<std::uint32_t> numbers, std::initializer_list<std::uint8_t> bytes);

    std::string file_;
    Maker maker_;
    std::vector<std::uint8_t> bytes_;
    std::vector<std::uint8_t> script_;
    std::vector<std::pair<std::string, std::uint32_t>> loads_;
    std::size_t start_ = 0;
};

}  // namespace backplane::acpi
