#include <lib/acpi_tables.h>

#include <algorithm>
#include <cassert>

namespace backplane::acpi {
namespace {

constexpr std::size_t kHeader = 36;  // bytes of a table's header
constexpr std::size_t kLengthAt = 4, kChecksumAt = 9;
constexpr std::size_t kFacsSize = 64;
constexpr std::string_view kCompiler = "BXPC";

// The loader's script: entries of 128 bytes.
constexpr std::size_t kEntry = 128, kFileName = 56;
constexpr std::uint32_t kAllocate = 1, kAddPointer = 2, kAddChecksum = 3, kWritePointer = 4;
constexpr std::uint8_t kHighMemory = 1, kFSegment = 2;
constexpr std::uint32_t kTableAlignment = 64, kRootAlignment = 16;

void text(std::vector<std::uint8_t>& bytes, std::string_view what, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
        bytes.push_back(i < what.size() ? std::uint8_t(what[i]) : std::uint8_t(' '));
}

}  // namespace

TableFile::TableFile(std::string file, Maker maker) : file_(std::move(file)), maker_(std::move(maker)) {}

void TableFile::number(std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes_.push_back(std::uint8_t(value >> 8 * i));
}

void TableFile::begin(std::string_view signature, std::uint8_t revision, std::string_view maker_table) {
    start_ = bytes_.size();
    text(bytes_, signature, 4);
    number(0, 4);
    byte(revision);
    byte(0);
    text(bytes_, maker_.id, 6);
    text(bytes_, maker_table, 8);
    number(1, 4);
    text(bytes_, kCompiler, 4);
    number(1, 4);
    assert(bytes_.size() == start_ + kHeader);
}

std::uint32_t TableFile::end() {
    const auto length = std::uint32_t(bytes_.size() - start_);
    for (unsigned i = 0; i < 4; ++i) bytes_[start_ + kLengthAt + i] = std::uint8_t(length >> 8 * i);
    command(kAddChecksum, {file_}, {std::uint32_t(start_ + kChecksumAt), std::uint32_t(start_), length}, {});
    return std::uint32_t(start_);
}

std::uint32_t TableFile::add(std::span<const std::uint8_t> table) {
    start_ = bytes_.size();
    raw(table);
    bytes_[start_ + kChecksumAt] = 0;  // firmware adds up to it
    return end();
}

std::uint32_t TableFile::add_facs() {
    const auto at = std::uint32_t(bytes_.size());
    text(bytes_, "FACS", 4);
    number(kFacsSize, 4);
    bytes_.resize(at + kFacsSize);
    return at;
}

void TableFile::pointer(std::uint32_t offset, unsigned size) {
    const auto at = std::uint32_t(bytes_.size());
    number(offset, size);
    command(kAddPointer, {file_, file_}, {at}, {std::uint8_t(size)});
}

void TableFile::patch(std::uint32_t at, std::string_view file) {
    command(kAddPointer, {file_, file}, {std::uint32_t(start_) + at}, {4});
}

void TableFile::load(std::string_view file, std::uint32_t alignment) { loads_.emplace_back(file, alignment); }

void TableFile::report(std::string_view to, std::string_view file, std::uint32_t offset) {
    command(kWritePointer, {to, file}, {0, offset}, {8});
}

void TableFile::pad(std::uint32_t unit) { bytes_.resize((bytes_.size() + unit - 1) / unit * unit); }

std::vector<std::uint8_t> TableFile::root_pointer(std::string_view file, std::uint32_t rsdt) {
    std::vector<std::uint8_t> root;
    text(root, "RSD PTR ", 8);
    root.push_back(0);
    text(root, maker_.id, 6);
    root.push_back(0);  // revision: ACPI 1.0
    for (unsigned i = 0; i < 4; ++i) root.push_back(std::uint8_t(rsdt >> 8 * i));
    constexpr std::uint32_t kRsdtAt = 16, kRootChecksumAt = 8;
    command(kAddPointer, {file, file_}, {kRsdtAt}, {4});
    command(kAddChecksum, {file}, {kRootChecksumAt, 0, std::uint32_t(root.size())}, {});
    // Room is made before anything is patched.
    std::vector<std::uint8_t> patches;
    patches.swap(script_);
    command(kAllocate, {file}, {kRootAlignment}, {kFSegment});
    for (const auto& [loaded, alignment] : loads_) command(kAllocate, {loaded}, {alignment}, {kHighMemory});
    command(kAllocate, {file_}, {kTableAlignment}, {kHighMemory});
    script_.insert(script_.end(), patches.begin(), patches.end());
    return root;
}

void TableFile::command(std::uint32_t code, std::initializer_list<std::string_view> files,
                        std::initializer_list<std::uint32_t> numbers,
                        std::initializer_list<std::uint8_t> bytes) {
    const std::size_t start = script_.size();
    const auto put = [this](std::uint32_t value) {
        for (unsigned i = 0; i < 4; ++i) script_.push_back(std::uint8_t(value >> 8 * i));
    };
    put(code);
    for (const std::string_view name : files) {
        const std::size_t at = script_.size();
        script_.insert(script_.end(), name.begin(),
                       name.begin() + std::ptrdiff_t(std::min(name.size(), kFileName - 1)));
        script_.resize(at + kFileName);
    }
    for (const std::uint32_t value : numbers) put(value);
    script_.insert(script_.end(), bytes.begin(), bytes.end());
    script_.resize(start + kEntry);
}

}  // namespace backplane::acpi
