// Follows "Advanced Configuration and Power Interface Specification" 6.4 and 1.0b (the tables have its revisions: old
// systems run on this board), and "IA-PC HPET" 1.0a, 3.2.4.
#include "acpi.h"

#include "dsdt.h"

#include <lib/acpi_tables.h>

namespace backplane::pc {
namespace {

using acpi::TableFile;

constexpr std::uint32_t kFileUnit = 0x20000;  // the file does not grow when a table does
constexpr std::uint32_t kLoaderUnit = 0x1000;

constexpr std::uint32_t kSmiPort = 0xb2, kGpeBlock = 0xafe0;
constexpr std::uint8_t kEnable = 0xf1, kDisable = 0xf0;

std::uint32_t add_fadt(TableFile& file, const AcpiContents& contents, std::uint32_t facs,
                       std::uint32_t dsdt) {
    file.begin("FACP", 1);
    file.pointer(facs, 4);
    file.pointer(dsdt, 4);
    file.byte(1);  // dual 8259 (1.0b: interrupt model)
    file.byte(0);
    file.number(kAcpiLine, 2);
    file.number(kSmiPort, 4);
    file.byte(kEnable);
    file.byte(kDisable);
    file.byte(0);  // S4BIOS
    file.byte(0);
    file.number(contents.pm_base, 4);  // PM1a event block
    file.number(0, 4);
    file.number(contents.pm_base + 4, 4);  // PM1a control block
    file.number(0, 4);
    file.number(0, 4);
    file.number(contents.pm_base + 8, 4);  // the timer
    file.number(kGpeBlock, 4);
    file.number(0, 4);
    for (const std::uint8_t length : {4, 2, 0, 4, 4, 0, 0, 0}) file.byte(length);
    file.number(0xfff, 2);  // no C2, no C3
    file.number(0xfff, 2);
    file.number(0, 2);
    file.number(0, 2);
    for (const std::uint8_t value : {0, 0, 0, 0}) file.byte(value);
    file.byte(contents.rtc ? 0x32 : 0);  // the century's place in CMOS
    file.number(0, 3);
    // WBINVD, C1, sleep button is no fixed one, RTC wakes from S4; the platform's timer is to be used.
    constexpr std::uint32_t kFlags = 1u << 0 | 1u << 2 | 1u << 5 | 1u << 7 | 1u << 15;
    file.number(kFlags, 4);
    return file.end();
}

std::uint32_t add_madt(TableFile& file, const AcpiContents& contents) {
    constexpr std::uint16_t kLevelHigh = 0x0d;
    file.begin("APIC", 3);
    file.number(kMessages, 4);
    file.number(1, 4);  // there are 8259s as well
    for (std::uint32_t uid = 0; uid < contents.processors.size(); ++uid)
        file.raw(local_apic(uid, contents.processors[uid]));
    file.byte(1);
    file.byte(12);
    file.byte(0);
    file.byte(0);
    file.number(kIoApic, 4);
    file.number(0, 4);
    const auto redirect = [&file](std::uint8_t line, std::uint32_t pin, std::uint16_t flags) {
        file.byte(2);
        file.byte(10);
        file.byte(0);
        file.byte(line);
        file.number(pin, 4);
        file.number(flags, 2);
    };
    redirect(kTimerLine, kTimerPin, 0);
    for (const std::uint8_t line : {5, 9, 10, 11}) redirect(line, line, kLevelHigh);
    file.byte(4);  // NMI at LINT1 of all
    file.byte(6);
    file.byte(0xff);
    file.number(0, 2);
    file.byte(1);
    return file.end();
}

std::uint32_t add_hpet(TableFile& file) {
    file.begin("HPET", 1);
    file.number(0x8086a201, 4);
    file.number(0, 4);  // in memory
    file.number(kHpet, 8);
    file.byte(0);
    file.number(0, 2);
    file.byte(0);
    return file.end();
}

/// "Windows ACPI Emulated Devices Table": the PM timer need not be read twice.
std::uint32_t add_waet(TableFile& file) {
    file.begin("WAET", 1);
    file.number(2, 4);
    return file.end();
}

}  // namespace

void AcpiAdditions::add_table(const AcpiTable& table) {
    Table added{std::string(table.signature.view()),
                std::string(table.maker.view()),
                table.revision,
                {table.body.begin(), table.body.end()},
                {}};
    for (const AcpiTablePointer& pointer : table.pointers)
        added.pointers.emplace_back(pointer.offset, pointer.file.view());
    tables_.push_back(std::move(added));
}

void AcpiAdditions::load_file(Str file, std::uint32_t alignment) {
    files_.emplace_back(file.view(), alignment);
}

void AcpiAdditions::report_address(Str to, Str file, std::uint32_t offset) {
    reports_.push_back({std::string(to.view()), std::string(file.view()), offset});
}

std::vector<std::uint32_t> AcpiAdditions::write(TableFile& file) const {
    constexpr std::uint32_t kHeader = 36;
    for (const auto& [name, alignment] : files_) file.load(name, alignment);
    for (const Report& report : reports_) file.report(report.to, report.file, report.offset);
    std::vector<std::uint32_t> offsets;
    for (const Table& table : tables_) {
        if (table.maker.empty()) file.begin(table.signature, table.revision);
        else file.begin(table.signature, table.revision, table.maker);
        file.raw(table.body);
        for (const auto& [at, name] : table.pointers) file.patch(kHeader + at, name);
        offsets.push_back(file.end());
    }
    return offsets;
}

/// 5.2.12.2, and 5.2.12.12 where an id needs more than eight bits.
std::vector<std::uint8_t> local_apic(std::uint32_t uid, const AcpiProcessor& processor) {
    std::vector<std::uint8_t> entry;
    const auto number = [&entry](std::uint32_t value) {
        for (unsigned shift = 0; shift < 32; shift += 8) entry.push_back(std::uint8_t(value >> shift));
    };
    if (processor.apic_id <= kLargestXapicId) {
        entry = {0, 8, std::uint8_t(uid), std::uint8_t(processor.apic_id)};
        number(processor.there);
        return entry;
    }
    entry = {9, 16, 0, 0};
    for (const std::uint32_t value : {processor.apic_id, std::uint32_t(processor.there), uid}) number(value);
    return entry;
}

AcpiFiles make_acpi(const AcpiContents& contents) {
    TableFile file("etc/acpi/tables", {contents.oem_id, contents.oem_table});
    const std::uint32_t facs = file.add_facs();
    file.begin("DSDT", 1);
    file.raw(make_dsdt(contents));
    const std::uint32_t dsdt = file.end();
    std::vector<std::uint32_t> tables{add_fadt(file, contents, facs, dsdt), add_madt(file, contents)};
    if (contents.hpet) tables.push_back(add_hpet(file));
    for (const std::uint32_t table : contents.additions.write(file)) tables.push_back(table);
    if (!contents.nodes.empty()) tables.push_back(add_srat(file, contents));
    if (!contents.nodes.empty() && !contents.nodes.front().distances.empty())
        tables.push_back(add_slit(file, contents));
    if (contents.hmat && !contents.nodes.empty()) tables.push_back(add_hmat(file, contents));
    tables.push_back(add_waet(file));
    for (const std::vector<std::uint8_t>& table : contents.user_tables) tables.push_back(file.add(table));
    file.begin("RSDT", 1);
    for (const std::uint32_t table : tables) file.pointer(table, 4);
    const std::uint32_t rsdt = file.end();
    AcpiFiles files;
    files.rsdp = file.root_pointer("etc/acpi/rsdp", rsdt);
    file.pad(kFileUnit);
    files.tables = file.bytes();
    files.loader = file.script();
    files.loader.resize((files.loader.size() + kLoaderUnit - 1) / kLoaderUnit * kLoaderUnit);
    return files;
}

}  // namespace backplane::pc
