// RAM through sections and through a file's pages.
#include "kernel/snapshot/ram_reader.h"
#include "kernel/snapshot/ram_writer.h"

#include "tests/kernel/snapshot/memory_channel.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include <unistd.h>

namespace backplane::kernel::snapshot {
namespace {

using test::MemorySink;
using test::MemorySource;

constexpr std::uint64_t kSize = 5 * kPiece + 3 * kPage;

class RamStream : public ::testing::Test {
  protected:
    RamStream() {
        EXPECT_TRUE(ram.make("ram", kSize, errors) && rom.make("rom", 2 * kPage, errors));
        std::mt19937_64 random(3);
        for (const std::uint64_t page : {0u, 1u, 255u, 256u, 700u, 1282u})
            for (unsigned i = 0; i < kPage; i += 8)
                ram.bytes().data[page * kPage + i] = std::uint8_t(random());
        rom.bytes().data[5] = 5;
        blocks = {{"/machine:ram", bytes(ram), ram.descriptor()},
                  {"/machine:rom", bytes(rom), rom.descriptor()}};
        wanted = {{"/machine:ram", kSize}, {"/machine:rom", 2 * kPage}};
    }
    static Bytes bytes(const RamContents& contents) { return {contents.bytes().data, contents.bytes().size}; }
    static bool same(const RamContents& a, const RamContents& b) {
        return std::ranges::equal(a.bytes(), b.bytes());
    }

    std::vector<std::uint8_t> written(const SnapshotOptions& options) {
        MemorySink sink;
        SectionWriter out(sink, progress);
        for (const BlockSource& block : blocks)
            EXPECT_TRUE(out.write(kBlock, encode(BlockEntry{block.id, block.memory.size, 0}), errors));
        EXPECT_TRUE(write_pages(out, blocks, options, progress, errors)) << errors.text();
        EXPECT_TRUE(out.write(kEnd, {}, errors));
        return sink.bytes;
    }
    /// Why it cannot be read.
    std::string read(const std::vector<std::uint8_t>& stream, std::vector<BlockReceived>& received) {
        MemorySource source{Bytes(stream)};
        SnapshotProgress reading;
        ErrorText why;
        SectionReader in(source, reading);
        RamReader reader(wanted, -1, {.workers = 3}, reading);
        for (Section section;;) {
            if (!in.read(section, why)) return why.text();
            if (section.kind != kPages && !check(section, why)) return why.text();
            if (section.kind == kEnd) break;
            if (section.kind == kBlock ? !reader.add_block(section, why) : !reader.add_pages(section, why))
                return why.text();
        }
        if (!reader.finish(why)) return why.text();
        received = reader.take();
        return {};
    }

    ErrorText errors;
    SnapshotProgress progress;
    RamContents ram, rom;
    std::vector<BlockSource> blocks;
    std::vector<BlockWanted> wanted;
};

TEST_F(RamStream, ComesBackThroughSections) {
    for (const SnapshotOptions& options :
         {SnapshotOptions{.workers = 1, .level = 0}, SnapshotOptions{.workers = 4, .level = 1}}) {
        std::vector<BlockReceived> received;
        ASSERT_EQ(read(written(options), received), "");
        ASSERT_EQ(received.size(), 2u);
        EXPECT_TRUE(same(received[0].contents, ram));
        EXPECT_TRUE(same(received[1].contents, rom));
    }
    EXPECT_EQ(progress.total, kSize + 2 * kPage);
    EXPECT_EQ(progress.done, progress.total);
    EXPECT_EQ(progress.data_pages, 7u);
    EXPECT_EQ(progress.zero_pages, progress.total / kPage - 7);
}

TEST_F(RamStream, IsTheSameWithAnyNumberOfWorkers) {
    EXPECT_EQ(written({.workers = 1, .level = 1}), written({.workers = 5, .level = 1}));
}

TEST_F(RamStream, WhereNothingWasEverStoredNothingIsRead) {
    for (const PieceName& piece : pieces_to_save(blocks)) EXPECT_TRUE(piece.piece != 3 && piece.piece != 4);
    blocks[0].descriptor = -1;
    EXPECT_EQ(pieces_to_save(blocks).size(), 7u);
}

TEST_F(RamStream, EveryFlippedByteIsNoticed) {
    const auto good = written({.workers = 2, .level = 1});
    std::mt19937 random(11);
    for (unsigned i = 0; i < 300; ++i) {
        auto bad = good;
        bad[random() % bad.size()] ^= std::uint8_t(1 + random() % 255);
        std::vector<BlockReceived> received;
        EXPECT_NE(read(bad, received), "");
        EXPECT_TRUE(received.empty());
    }
}

TEST_F(RamStream, OtherMemoryThanTheMachinesIsRefused) {
    std::vector<BlockReceived> received;
    const auto stream = written({});
    wanted[0].size += kPage;
    EXPECT_EQ(read(stream, received),
              "memory '/machine:ram' has 5255168 bytes in the saved machine and 5259264 in "
              "this one; start it with the options that it was saved with");
    wanted[0].size -= kPage;
    wanted.push_back({"/machine:nvram", kPage});
    EXPECT_NE(read(stream, received).find("no memory '/machine:nvram'"), std::string::npos);
    wanted.erase(wanted.begin(), wanted.end() - 2);
    EXPECT_NE(read(stream, received).find("'/machine:ram', and this one has not"), std::string::npos);
}

TEST_F(RamStream, AFullDiskIsAReason) {
    MemorySink sink;
    sink.limit = 1000;
    SectionWriter out(sink, progress);
    EXPECT_FALSE(write_pages(out, blocks, {.level = 0}, progress, errors));
    EXPECT_EQ(errors.text(), "the disk is full");
}

class RamFile : public RamStream {
  protected:
    RamFile() : stream(std::tmpfile()), file(fileno(stream)) {
        entries = {{"/machine:ram", kSize, kPage}, {"/machine:rom", 2 * kPage, kPage + kSize}};
        EXPECT_EQ(ftruncate(file, off_t(kSize + 3 * kPage)), 0);
        EXPECT_TRUE(write_pages_to_file(file, blocks, entries, digests, {.workers = 2}, progress, errors));
    }
    ~RamFile() override { std::fclose(stream); }
    bool good(std::size_t block) {
        ErrorText why;
        return verify_file(file, entries[block], digests[block], never, why);
    }

    std::FILE* stream;
    int file;
    std::vector<BlockEntry> entries;
    std::vector<BlockDigest> digests;
    const std::atomic<bool> never{false};
};

TEST_F(RamFile, IsMappedFromTheFile) {
    RamContents mapped;
    ASSERT_TRUE(mapped.map(file, entries[0].file_offset, entries[0].size, errors));
    EXPECT_TRUE(same(mapped, ram));
    EXPECT_EQ(mapped.descriptor(), -1);
    mapped.bytes().data[0] ^= 1;
    EXPECT_TRUE(good(0) && good(1));
}

TEST_F(RamFile, DigestsComeBackThroughTheirSection) {
    BlockDigest digest;
    const auto payload = encode(digests[0]);
    ASSERT_TRUE(decode(Bytes(payload), digest));
    EXPECT_EQ(digest.pieces.size(), digests[0].pieces.size());
    ErrorText why;
    EXPECT_TRUE(verify_file(file, entries[0], digest, never, why)) << why.text();
    for (std::size_t size = 0; size < payload.size(); ++size)
        EXPECT_FALSE(decode(Bytes(payload.data(), size), digest)) << size;
}

TEST_F(RamFile, EveryChangedByteIsNoticedAlsoAmongZeros) {
    std::mt19937_64 random(5);
    for (unsigned i = 0; i < 100; ++i) {
        const off_t at = off_t(kPage + random() % kSize);
        std::uint8_t byte = 0;
        ASSERT_EQ(pread(file, &byte, 1, at), 1);
        const std::uint8_t other = byte ^ 0x40;
        ASSERT_EQ(pwrite(file, &other, 1, at), 1);
        EXPECT_FALSE(good(0)) << at;
        ASSERT_EQ(pwrite(file, &byte, 1, at), 1);
    }
    EXPECT_TRUE(good(0));
    ASSERT_EQ(ftruncate(file, off_t(kSize)), 0);
    EXPECT_FALSE(good(0));
}

}  // namespace
}  // namespace backplane::kernel::snapshot
