#include "table_option.h"

#include <backplane/acpi.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::acpi_tables {
namespace {

// The header: offsets and sizes of its members.
constexpr std::size_t kHeader = 36;
constexpr std::size_t kLength = 4, kRevision = 8, kChecksum = 9, kOemId = 10, kOemTable = 16,
                      kOemRevision = 24, kCompiler = 28, kCompilerRevision = 32;
constexpr std::size_t kSignatureSize = 4, kOemIdSize = 6, kOemTableSize = 8, kCompilerSize = 4;
/// Where nobody says otherwise: revisions of 1, and the names that guests know from other emulators.
constexpr std::uint8_t kOwnHeader[kHeader] = {'Q', 'E', 'M', 'U', 0,   0,   0,   0,   1,   0,   'Q', 'E',
                                              'M', 'U', 'Q', 'E', 'Q', 'E', 'M', 'U', 'Q', 'E', 'M', 'U',
                                              1,   0,   0,   0,   'Q', 'E', 'M', 'U', 1,   0,   0,   0};
constexpr std::size_t kMost = 0xffff;  ///< firmware reads its length as a word

bool refuse(Errors& errors, const std::string& reason) {
    errors.fail(reason);
    return false;
}

/// Appends a file's contents.
bool read_file(const std::string& path, std::vector<std::uint8_t>& bytes, Errors& errors) {
    const auto failed = [&](int error) {
        return refuse(errors, "Could not open '" + path + "': " + std::strerror(error));
    };
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return failed(errno);
    std::uint8_t part[4096];
    ssize_t count = 0;
    do {
        count = ::read(file, part, sizeof part);
        if (count > 0) bytes.insert(bytes.end(), part, part + count);
    } while ((count > 0 && bytes.size() <= kMost) || (count < 0 && errno == EINTR));
    const int error = count < 0 ? errno : 0;
    ::close(file);
    if (error) return failed(error);
    return bytes.size() <= kMost || refuse(errors, "firmware takes tables of at most 65,535 bytes");
}

/// All files of a list, "A:B".
bool read_files(std::string_view list, std::vector<std::uint8_t>& bytes, Errors& errors) {
    for (;;) {
        const std::size_t end = list.find(':');
        if (!read_file(std::string(list.substr(0, end)), bytes, errors)) return false;
        if (end == std::string_view::npos) return true;
        list.remove_prefix(end + 1);
    }
}

void put_text(std::vector<std::uint8_t>& table, std::size_t at, std::size_t size, const std::string& text) {
    if (text.empty()) return;
    for (std::size_t i = 0; i < size; ++i) table[at + i] = i < text.size() ? std::uint8_t(text[i]) : 0;
}
void put_number(std::vector<std::uint8_t>& table, std::size_t at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) table[at + i] = std::uint8_t(value >> 8 * i);
}

}  // namespace

void seal(std::vector<std::uint8_t>& table) {
    put_number(table, kLength, std::uint32_t(table.size()));
    table[kChecksum] = 0;
    table[kChecksum] = std::uint8_t(0u - std::accumulate(table.begin(), table.end(), 0u));
}

void TableOption::fill_header(std::vector<std::uint8_t>& table) const {
    put_text(table, 0, kSignatureSize, signature_);
    put_text(table, kOemId, kOemIdSize, oem_id_);
    put_text(table, kOemTable, kOemTableSize, oem_table_);
    put_text(table, kCompiler, kCompilerSize, compiler_);
    if (revision_) table[kRevision] = *revision_;
    if (oem_revision_) put_number(table, kOemRevision, *oem_revision_);
    if (compiler_revision_) put_number(table, kCompilerRevision, *compiler_revision_);
    seal(table);
}

bool TableOption::complete(Errors& errors) {
    if (data_.empty() == file_.empty())
        return refuse(errors, "'-acpitable' requires one of 'data' or 'file'");
    std::vector<std::uint8_t> table;
    if (!data_.empty()) table.assign(kOwnHeader, kOwnHeader + kHeader);
    if (!read_files(data_.empty() ? file_ : data_, table, errors)) return false;
    if (table.size() < kHeader)
        return refuse(errors, "ACPI table claiming to have header is too short, available: " +
                                  std::to_string(table.size()) + ", expected: " + std::to_string(kHeader));
    fill_header(table);
    AcpiTableList* list = find_below<AcpiTableList>(root_of(object_));
    if (!list) return refuse(errors, "this machine has no ACPI tables that others could be added to");
    return list->add_acpi_table(Bytes(table), errors);
}

}  // namespace backplane::acpi_tables
