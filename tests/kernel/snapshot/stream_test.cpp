#include "kernel/snapshot/stream.h"

#include "tests/kernel/snapshot/memory_channel.h"

#include <gtest/gtest.h>

namespace backplane::kernel::snapshot {
namespace {

using test::MemorySink;
using test::MemorySource;

std::vector<std::uint8_t> sample() {
    MemorySink sink;
    SnapshotProgress progress;
    ErrorText errors;
    SectionWriter out(sink, progress);
    const std::vector<std::uint8_t> payload{1, 2, 3};
    EXPECT_TRUE(out.write_header({}, errors) && out.write(kDevice, payload, errors) &&
                out.write(kMachine, {}, errors) && out.write(kEnd, {}, errors));
    EXPECT_EQ(out.written(), sink.bytes.size());
    EXPECT_EQ(progress.transferred, sink.bytes.size());
    return sink.bytes;
}

/// Why the stream cannot be read to its end; empty when it can.
std::string refusal(const std::vector<std::uint8_t>& bytes) {
    MemorySource source{Bytes(bytes)};
    SnapshotProgress progress;
    ErrorText errors;
    SectionReader in(source, progress);
    Header header;
    if (!in.read_header(header, errors)) return errors.text();
    for (Section section; section.kind != kEnd;)
        if (!in.read(section, errors) || !check(section, errors)) return errors.text();
    return {};
}

TEST(SnapshotStream, IsReadAsItWasWritten) {
    const auto bytes = sample();
    EXPECT_EQ(refusal(bytes), "");
    MemorySource source{Bytes(bytes)};
    SnapshotProgress progress;
    ErrorText errors;
    SectionReader in(source, progress);
    Header header;
    Section section;
    ASSERT_TRUE(in.read_header(header, errors) && in.read(section, errors));
    EXPECT_FALSE(header.mappable);
    EXPECT_EQ(section.kind, kDevice);
    EXPECT_EQ(section.payload, (std::vector<std::uint8_t>{1, 2, 3}));
    EXPECT_EQ(section.name(), "section 0 ('devi', at byte 64)");
}

TEST(SnapshotStream, EveryChangedBitIsNoticed) {
    auto bytes = sample();
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (unsigned bit = 0; bit < 8; ++bit) {
            bytes[at] ^= std::uint8_t(1u << bit);
            EXPECT_NE(refusal(bytes), "") << at;
            bytes[at] ^= std::uint8_t(1u << bit);
        }
}

TEST(SnapshotStream, EveryTruncationIsNoticed) {
    const auto bytes = sample();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_NE(refusal({bytes.begin(), bytes.begin() + std::ptrdiff_t(size)}), "") << size;
}

TEST(SnapshotStream, AMissingOrRepeatedSectionIsNoticed) {
    const auto bytes = sample();
    const std::ptrdiff_t first = kHeaderSize, second = first + kSectionHeaderSize + 3;
    auto missing = bytes;
    missing.erase(missing.begin() + first, missing.begin() + second);
    EXPECT_EQ(refusal(missing),
              "the saved machine is damaged at byte 64: section 1 stands where section 0 should");
    auto twice = bytes;
    twice.insert(twice.begin() + second, bytes.begin() + first, bytes.begin() + second);
    EXPECT_NE(refusal(twice), "");
}

TEST(SnapshotStream, WhatIsNoSavedMachineOrANewerOneIsRefused) {
    std::vector<std::uint8_t> other(200, 'x');
    EXPECT_EQ(refusal(other), "this is no saved machine: its first bytes are others");
    Header header;
    ErrorText errors;
    auto bytes = encode(header);
    EXPECT_TRUE(decode(Bytes(bytes), header, errors));
    EXPECT_EQ(bytes.size(), kHeaderSize);
}

TEST(SnapshotStream, CancellingEndsReadingAndWriting) {
    MemorySink sink;
    SnapshotProgress progress;
    progress.cancel = true;
    ErrorText errors;
    SectionWriter out(sink, progress);
    EXPECT_FALSE(out.write_header({}, errors));
    EXPECT_EQ(errors.text(), "cancelled");
    EXPECT_TRUE(sink.bytes.empty());
}

}  // namespace
}  // namespace backplane::kernel::snapshot
