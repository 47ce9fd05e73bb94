#include <lib/aml.h>

#include <gtest/gtest.h>

namespace backplane::aml {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Aml, IntegersTakeTheirShortestForm) {
    EXPECT_EQ(integer(0), (Bytes{0x00}));
    EXPECT_EQ(integer(1), (Bytes{0x01}));
    EXPECT_EQ(integer(0xff), (Bytes{0x0a, 0xff}));
    EXPECT_EQ(integer(0x100), (Bytes{0x0b, 0x00, 0x01}));
    EXPECT_EQ(integer(0x10000), (Bytes{0x0c, 0, 0, 1, 0}));
    EXPECT_EQ(integer(0x100000000), (Bytes{0x0e, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(Aml, NamesAreFilledUpAndCounted) {
    EXPECT_EQ(path("COM1"), (Bytes{'C', 'O', 'M', '1'}));
    EXPECT_EQ(path("\\_SB"), (Bytes{0x5c, '_', 'S', 'B', '_'}));
    EXPECT_EQ(path("^A.B"), (Bytes{0x5e, 0x2e, 'A', '_', '_', '_', 'B', '_', '_', '_'}));
    EXPECT_EQ(path("\\A.B.C").at(1), 0x2f);
    EXPECT_EQ(path("\\A.B.C").at(2), 3);
    EXPECT_EQ(path("\\"), (Bytes{0x5c, 0}));
}

TEST(Aml, EisaIdsAreCompressed) { EXPECT_EQ(eisa_id("PNP0A03"), (Bytes{0x0c, 0x41, 0xd0, 0x0a, 0x03})); }

TEST(Aml, AUuidsFirstGroupsAreLittleEndian) {
    const Term term = uuid("00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(Bytes(term.end() - 16, term.end()), (Bytes{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88,
                                                         0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}));
}

/// The length that a package says, and how many bytes it says it with.
std::pair<std::size_t, std::size_t> said(const Term& term) {
    const std::size_t extra = term[1] >> 6;
    std::size_t length = extra ? term[1] & 15u : term[1] & 63u;
    for (std::size_t i = 0; i < extra; ++i) length |= std::size_t{term[2 + i]} << (4 + 8 * i);
    return {length, extra + 1};
}

TEST(Aml, LengthsCountThemselvesAtEverySize) {
    for (const std::size_t size :
         {0u, 50u, 57u, 58u, 59u, 60u, 4080u, 4088u, 4089u, 4090u, 4091u, 70000u, 0x100000u}) {
        const Term term = scope("ABCD", {Term(size, 0xa3)});
        const auto [length, bytes] = said(term);
        EXPECT_EQ(length, term.size() - 1) << size;
        EXPECT_EQ(bytes, length < 0x40 ? 1u : length < 0x1000 ? 2u : length < 0x100000 ? 3u : 4u) << size;
    }
}

TEST(Aml, FieldWidthsDoNotCountThemselves) {
    const Term term =
        field("REGN", FieldAccess::Byte, FieldUpdate::Preserve, {{"A", 8}, {"", 63}, {"B", 64}});
    EXPECT_EQ(Bytes(term.end() - 13, term.end()),
              (Bytes{'A', '_', '_', '_', 8, 0, 63, 'B', '_', '_', '_', 0x40, 4}));
}

TEST(Aml, AFieldOfABufferIsCreatedByItsPlace) {
    EXPECT_EQ(create_dword_field(local(0), integer(14), "MNL"),
              (Bytes{0x8a, 0x60, 0x0a, 0x0e, 'M', 'N', 'L', '_'}));
}

TEST(Aml, ResourcesEndWithTheirTag) {
    EXPECT_EQ(resources({io(0x60, 1)}),
              (Bytes{0x11, 0x0d, 0x0a, 0x0a, 0x47, 0x01, 0x60, 0, 0x60, 0, 1, 1, 0x79, 0}));
    EXPECT_EQ(isa_irq(1 << 4), (Bytes{0x22, 0x10, 0}));
}

}  // namespace
}  // namespace backplane::aml
