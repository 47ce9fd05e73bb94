#include "plugins/devices/smbios/structures.h"

#include <backplane/text.h>

#include <gtest/gtest.h>

#include <map>

namespace backplane::smbios {
namespace {

constexpr std::uint64_t kGigabyte = std::uint64_t{1} << 30;

/// A structure taken apart again.
struct Read {
    Buffer bytes;
    std::vector<std::string> strings;

    std::uint64_t number(std::size_t at, unsigned size) const {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i) value |= std::uint64_t{bytes.at(at + i)} << 8 * i;
        return value;
    }
    std::string text(std::size_t at) const {
        const unsigned index = bytes.at(at);
        return index ? strings.at(index - 1) : "";
    }
};

std::multimap<unsigned, Read> read_all(const Buffer& table) {
    std::multimap<unsigned, Read> all;
    for (std::size_t at = 0; at < table.size();) {
        Read read{{table.begin() + long(at), table.begin() + long(at) + table.at(at + 1)}, {}};
        at += table.at(at + 1);
        while (table.at(at)) {
            read.strings.emplace_back(reinterpret_cast<const char*>(&table.at(at)));
            at += read.strings.back().size() + 1;
        }
        at += read.strings.empty() ? 2 : 1;
        all.emplace(read.bytes[0], std::move(read));
    }
    return all;
}

class Smbios : public ::testing::Test {
  protected:
    std::multimap<unsigned, Read> make() {
        ErrorText errors;
        EXPECT_TRUE(make_tables(facts, wishes, kind, tables, errors)) << errors.text();
        return read_all(tables.structures);
    }
    Read one(unsigned type) {
        const auto all = make();
        EXPECT_EQ(all.count(type), 1u) << type;
        return all.find(type)->second;
    }
    Facts facts{.manufacturer = "Maker",
                .product = "Product",
                .version = "1",
                .memory_base = 2 * kGigabyte,
                .memory_size = 4 * kGigabyte,
                .processor_family = 0x201};
    EntryPoint kind = EntryPoint::Wide;
    Wishes wishes;
    Tables tables;
};

TEST_F(Smbios, EntryPointSumsToZeroAndHasTheLength) {
    make();
    std::uint8_t sum = 0;
    for (const std::uint8_t byte : tables.entry_point) sum = std::uint8_t(sum + byte);
    EXPECT_EQ(sum, 0);
    EXPECT_EQ(tables.entry_point.size(), 24u);
    EXPECT_EQ(tables.entry_point[12] | tables.entry_point[13] << 8, int(tables.structures.size()));
}

TEST_F(Smbios, MachineIsWhatTheBoardSays) {
    const Read system = one(1);
    EXPECT_EQ(system.text(4), "Maker");
    EXPECT_EQ(system.text(5), "Product");
    EXPECT_EQ(system.text(6), "1");
    EXPECT_EQ(system.text(7), "");
    EXPECT_EQ(make().count(0), 0u);
    EXPECT_EQ(make().rbegin()->first, 127u);
}

TEST_F(Smbios, UsersFieldsComeFirst) {
    wishes.types[1].values = {
        {"serial", "S"}, {"product", "P"}, {"uuid", "00112233-4455-6677-8899-aabbccddeeff"}};
    const Read system = one(1);
    EXPECT_EQ(system.text(4), "Maker");
    EXPECT_EQ(system.text(5), "P");
    EXPECT_EQ(system.text(7), "S");
    // 7.2.1: the first three fields are little-endian.
    EXPECT_EQ(system.number(8, 4), 0x00112233u);
    EXPECT_EQ(system.number(12, 2), 0x4455u);
    EXPECT_EQ(system.number(14, 2), 0x6677u);
    EXPECT_EQ(system.bytes[16], 0x88);
}

TEST_F(Smbios, FirmwareAndBaseboardAreThereWhenAskedFor) {
    wishes.types[0].values = {{"vendor", "V"}, {"release", "1.2"}, {"uefi", "on"}};
    wishes.types[2].values = {{"location", "L"}};
    const Read firmware = one(0);
    EXPECT_EQ(firmware.text(4), "V");
    EXPECT_EQ(firmware.bytes[0x13] & 8, 8);
    EXPECT_EQ(firmware.bytes[0x14], 1);
    EXPECT_EQ(firmware.bytes[0x15], 2);
    EXPECT_EQ(one(2).text(10), "L");
}

TEST_F(Smbios, EachSocketIsAProcessor) {
    facts.sockets = 2;
    facts.cores = 300;
    facts.threads = 2;
    const auto all = make();
    EXPECT_EQ(all.count(4), 2u);
    const Read& first = all.find(4)->second;
    EXPECT_EQ(first.text(4), "CPU 0");
    EXPECT_EQ(first.bytes[0x23], 0xff);
    EXPECT_EQ(first.number(0x28, 2), 0x201u);
    EXPECT_EQ(first.number(0x2a, 2), 300u);
    EXPECT_EQ(first.number(0x2e, 2), 600u);
}

TEST_F(Smbios, MemoryThatIsTooLargeForItsFieldStandsInTheLongOne) {
    EXPECT_EQ(one(16).number(7, 4), 4u << 20);
    EXPECT_EQ(one(17).number(12, 2), 4096u);
    facts.memory_size = 4096 * kGigabyte;
    EXPECT_EQ(one(16).number(7, 4), 0x8000'0000u);
    EXPECT_EQ(one(16).number(0xf, 8), 4096 * kGigabyte);
    EXPECT_EQ(one(17).number(12, 2), 0x7fffu);
    EXPECT_EQ(one(17).number(0x1c, 4), 4096u << 10);
    facts.memory_base = 1;
    EXPECT_EQ(one(19).number(4, 4), 0xffff'ffffu);
    EXPECT_EQ(one(19).number(0x17, 8), 4096 * kGigabyte);
}

TEST_F(Smbios, MemoryThatLiesApartHasTwoAddressesAndItsModules) {
    facts.memory_base = 0;
    facts.memory_size = 20 * kGigabyte;
    facts.high_memory_base = 4 * kGigabyte;
    facts.high_memory_size = 17 * kGigabyte;
    facts.module_size = 16 * kGigabyte;
    const auto all = make();
    ASSERT_EQ(all.count(19), 2u);
    const Read &low = all.find(19)->second, &high = std::next(all.find(19))->second;
    EXPECT_EQ(low.number(8, 4), (3u << 20) - 1);
    EXPECT_EQ(high.number(2, 2), 0x1301u);
    EXPECT_EQ(high.number(4, 4), 4u << 20);
    EXPECT_EQ(high.number(8, 4), (21u << 20) - 1);
    ASSERT_EQ(all.count(17), 2u);
    EXPECT_EQ(one(16).number(13, 2), 2u);
    const Read& second = std::next(all.find(17))->second;
    EXPECT_EQ(second.text(0x10), "DIMM 1");
    EXPECT_EQ(second.number(12, 2), 4096u);
}

/// 5.2.1
TEST_F(Smbios, NarrowEntryPointCountsStructures) {
    kind = EntryPoint::Narrow;
    const auto all = make();
    const Buffer& entry = tables.entry_point;
    ASSERT_EQ(entry.size(), 31u);
    EXPECT_EQ(std::string(entry.begin(), entry.begin() + 4), "_SM_");
    EXPECT_EQ(entry[6] << 8 | entry[7], 0x0208);
    std::size_t largest = 0;
    for (const auto& [type, read] : all) {
        std::size_t size = read.bytes.size() + 1 + (read.strings.empty() ? 1 : 0);
        for (const std::string& text : read.strings) size += text.size() + 1;
        largest = std::max(largest, size);
    }
    EXPECT_EQ(entry[8] | entry[9] << 8, int(largest));
    EXPECT_EQ(entry[0x16] | entry[0x17] << 8, int(tables.structures.size()));
    EXPECT_EQ(entry[0x1c] | entry[0x1d] << 8, int(all.size()));
    EXPECT_EQ(one(4).bytes.size(), 42u) << "what 3.0 added to a processor is not there";
}

TEST_F(Smbios, TablesThatOutgrowTheNarrowEntryPointAreRefusedOrWidened) {
    wishes.types[11].strings.assign(200, std::string(400, 'x'));
    ErrorText errors;
    EXPECT_FALSE(make_tables(facts, wishes, EntryPoint::Narrow, tables, errors));
    EXPECT_NE(errors.text().find("smbios-entry-point-type=64"), std::string::npos) << errors.text();
    kind = EntryPoint::Auto;
    make();
    EXPECT_EQ(tables.entry_point.size(), 24u);
    wishes.types.clear();
    make();
    EXPECT_EQ(tables.entry_point.size(), 31u);
}

TEST_F(Smbios, StringsOfTheMakersOwn) {
    wishes.types[11].strings = {"a", "b"};
    const Read strings = one(11);
    EXPECT_EQ(strings.bytes[4], 2);
    EXPECT_EQ(strings.strings, (std::vector<std::string>{"a", "b"}));
}

TEST_F(Smbios, HandlesAreUnique) {
    wishes.types[0];
    wishes.types[2];
    wishes.types[11];
    wishes.ports.resize(2);
    wishes.slots.resize(2);
    wishes.onboard.resize(2);
    facts.sockets = 3;
    std::map<std::uint64_t, unsigned> handles;
    for (const auto& [type, read] : make()) EXPECT_EQ(++handles[read.number(2, 2)], 1u) << type;
}

TEST_F(Smbios, StructureThatWasGivenWholeTakesTheOnesPlace) {
    wishes.ready = {1, 4, 9, 9, 0, 0};
    wishes.ready_types[1] = true;
    EXPECT_EQ(one(1).bytes.size(), 4u);
}

TEST_F(Smbios, FilesAreStructuresOrRefused) {
    const auto type = [](Buffer bytes) {
        ErrorText unused;
        return type_of_structure({bytes.data(), bytes.size()}, unused);
    };
    EXPECT_EQ(type({11, 5, 0, 1, 1, 'h', 0, 0}), 11);
    EXPECT_EQ(type({32, 4, 0, 1, 0, 0}), 32);
    EXPECT_EQ(type({'h', 'e', 'l', 'l', 'o'}), -1);
    EXPECT_EQ(type({11, 5, 0, 1, 1, 'h', 0}), -1);
    EXPECT_EQ(type({11, 9, 0, 1, 1, 'h', 0, 0}), -1);
    EXPECT_EQ(type({11, 3, 0, 1, 0, 0}), -1);
    EXPECT_EQ(type({32, 4, 0, 1, 0, 0, 1}), -1);
}

}  // namespace
}  // namespace backplane::smbios
