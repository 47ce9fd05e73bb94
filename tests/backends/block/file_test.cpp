// Images of the host as block nodes: bytes, bounds, locks, full disks.
#include "tests/backends/fixture.h"

#include <backplane/block.h>
#include <backplane/text.h>
#include <backplane/whereabouts.h>

#include <gtest/gtest.h>

#include <csignal>
#include <cstddef>
#include <cstring>

#include <sys/resource.h>
#include <sys/stat.h>

namespace backplane::test {
namespace {

class Request final : public BlockRequest {
  public:
    void done(BlockStatus result) override {
        status = result;
        ++completions;
        if (then) then();
    }
    BlockStatus status = BlockStatus::Unsupported;
    int completions = 0;
    std::function<void()> then;
};

struct File : BackendBench, ::testing::Test {
    BlockBackend& open(const std::string& path, testing::Properties properties = {}) {
        properties.insert(properties.begin(), {"filename", path});
        return make<BlockBackend>("blockdev-file", "node" + std::to_string(++nodes), properties);
    }
    BlockStatus run(BlockBackend& node, BlockOperation operation, std::uint64_t offset, void* data,
                    std::uint64_t size) {
        Request request;
        const IoVector vector{data, size};
        request.operation = operation;
        request.offset = offset;
        request.size = size;
        if (data) request.vectors = {&vector, 1};
        locked([&] { node.submit(request); });
        EXPECT_TRUE(run_until([&] { return request.completions > 0; }));
        EXPECT_EQ(request.completions, 1);
        return request.status;
    }
    BlockStatus write(BlockBackend& node, std::uint64_t offset, std::string text) {
        return run(node, BlockOperation::Write, offset, text.data(), text.size());
    }
    std::string read(BlockBackend& node, std::uint64_t offset, std::size_t size) {
        std::string text(size, '?');
        EXPECT_EQ(run(node, BlockOperation::Read, offset, text.data(), size), BlockStatus::Ok);
        return text;
    }
    int nodes = 0;
};

TEST(BlockRequest, IsReadByTheSizeThatItWasMadeWith) {
    Request older;
    const IoVector vector{nullptr, 1};
    older.offset = 512;
    older.vectors = {&vector, 1};  // to be taken for what stands behind an older, shorter one
    older.struct_size = offsetof(BlockTransfer, vectors);
    EXPECT_EQ(older.transfer().offset, 512u);
    EXPECT_TRUE(older.transfer().vectors.empty());
}

TEST_F(File, ReadsWhatItWroteAtAnyAlignment) {
    TemporaryFile image(std::string(4096, '.'));
    BlockBackend& node = open(image.path());
    EXPECT_EQ(node.size(), 4096u);
    EXPECT_EQ(write(node, 1001, "hello"), BlockStatus::Ok);
    EXPECT_EQ(read(node, 1000, 7), ".hello.");
    EXPECT_EQ(image.contents().substr(1000, 7), ".hello.");
}

TEST_F(File, SeveralVectorsAreOneStretch) {
    TemporaryFile image(std::string(1024, '.'));
    BlockBackend& node = open(image.path());
    char a[] = "abc", b[] = "de";
    const IoVector vectors[] = {{a, 3}, {nullptr, 0}, {b, 2}};
    Request request;
    request.operation = BlockOperation::Write;
    request.offset = 10;
    request.size = 5;
    request.vectors = {vectors, 3};
    locked([&] {
        node.submit(request);
        node.drain();
    });
    EXPECT_EQ(request.status, BlockStatus::Ok);
    EXPECT_EQ(image.contents().substr(9, 7), ".abcde.");
}

TEST_F(File, ManyVectorsAreWalkedInBatches) {
    TemporaryFile image(std::string(1024, '.'));
    BlockBackend& node = open(image.path());
    std::string data(500, 0);
    std::vector<IoVector> vectors;
    for (std::size_t index = 0; index < data.size(); ++index) {
        data[index] = char('a' + index % 26);
        vectors.push_back({&data[index], 1});
    }
    Request request;
    request.operation = BlockOperation::Write;
    request.size = data.size();
    request.vectors = vectors;
    locked([&] {
        node.submit(request);
        node.drain();
    });
    EXPECT_EQ(image.contents().substr(0, 500), data);
}

TEST_F(File, WhatPassesTheEndIsOutOfRange) {
    TemporaryFile image(std::string(1024, '.'));
    BlockBackend& node = open(image.path());
    char byte = 0;
    EXPECT_EQ(run(node, BlockOperation::Read, 1024, &byte, 1), BlockStatus::OutOfRange);
    EXPECT_EQ(run(node, BlockOperation::Write, ~std::uint64_t(0), &byte, 1), BlockStatus::OutOfRange);
    EXPECT_EQ(run(node, BlockOperation::WriteZeroes, 1000, nullptr, 25), BlockStatus::OutOfRange);
    EXPECT_EQ(run(node, BlockOperation::Discard, 1, nullptr, ~std::uint64_t(0)), BlockStatus::OutOfRange);
}

TEST_F(File, AnOddSizeIsRoundedUpAndTheRestReadsAsZero) {
    TemporaryFile image(std::string(1000, 'x'));
    BlockBackend& node = open(image.path());
    EXPECT_EQ(node.size(), 1024u);
    EXPECT_EQ(read(node, 990, 34), std::string(10, 'x') + std::string(24, '\0'));
    EXPECT_EQ(write(node, 1020, "tail"), BlockStatus::Ok);
    EXPECT_EQ(read(node, 1018, 6), std::string("\0\0tail", 6));
}

struct Observer final : BlockObserver {
    void block_resized() override { ++calls; }
    int calls = 0;
};

TEST_F(File, AnImageGrowsAndShrinksAndItsUserHearsOfIt) {
    TemporaryFile file(std::string(1024, 'a'));
    BlockBackend& below = open(file.path());
    Object& raw = add("blockdev-raw", "raw", {{"file", "node1"}, {"offset", "512"}});
    auto& node = *query<BlockBackend>(raw);
    Observer observer;
    ErrorText errors;
    locked([&] {
        EXPECT_TRUE(node.claim("disk", &observer, errors)) << errors.text();
        EXPECT_TRUE(query<BlockResize>(raw)->resize(4096, errors)) << errors.text();
    });
    EXPECT_EQ(node.size(), 4096u);
    EXPECT_EQ(below.size(), 4608u);
    EXPECT_EQ(file.contents().size(), 4608u);
    EXPECT_EQ(observer.calls, 1);
    EXPECT_EQ(write(node, 3584, std::string(512, 'b')), BlockStatus::Ok);
    EXPECT_TRUE(locked([&] { return query<BlockResize>(raw)->resize(512, errors); })) << errors.text();
    EXPECT_EQ(file.contents().size(), 1024u);
    EXPECT_EQ(write(node, 512, std::string(512, 'b')), BlockStatus::OutOfRange);
    locked([&] { node.release(); });
}

TEST_F(File, AReadOnlyImageKeepsItsSize) {
    TemporaryFile file(std::string(1024, 'a'));
    Object& node = add("blockdev-file", "node", {{"filename", file.path()}, {"read-only", "on"}});
    ErrorText errors;
    EXPECT_FALSE(locked([&] { return query<BlockResize>(node)->resize(512, errors); }));
    EXPECT_NE(errors.text().find("read-only"), std::string::npos);
}

TEST_F(File, AReadOnlyImageIsNotWritten) {
    TemporaryFile image(std::string(512, 'x'));
    BlockBackend& node = open(image.path(), {{"read-only", "on"}});
    EXPECT_TRUE(node.read_only());
    EXPECT_EQ(write(node, 0, "y"), BlockStatus::ReadOnly);
    EXPECT_EQ(run(node, BlockOperation::Flush, 0, nullptr, 0), BlockStatus::Ok);
    EXPECT_EQ(image.contents()[0], 'x');
}

TEST_F(File, ZeroesAreWrittenWithOrWithoutTheHostsHelp) {
    TemporaryFile image(std::string(1 << 20, 'x'));
    BlockBackend& node = open(image.path());
    EXPECT_EQ(run(node, BlockOperation::WriteZeroes, 1000, nullptr, 600'000), BlockStatus::Ok);
    const std::string contents = image.contents();
    EXPECT_EQ(contents.size(), std::size_t(1 << 20));
    EXPECT_EQ(contents.substr(999, 2), std::string("x\0", 2));
    EXPECT_EQ(contents.find_first_not_of('\0', 1000), 601'000u);
}

TEST_F(File, ADiscardGivesSpaceBackOnlyOnRequest) {
    TemporaryFile kept(std::string(1 << 20, 'x')), holed(std::string(1 << 20, 'x'));
    EXPECT_EQ(run(open(kept.path()), BlockOperation::Discard, 0, nullptr, 1 << 20), BlockStatus::Ok);
    EXPECT_EQ(kept.contents()[0], 'x');
    EXPECT_EQ(run(open(holed.path(), {{"discard", "unmap"}}), BlockOperation::Discard, 0, nullptr, 1 << 20),
              BlockStatus::Ok);
    struct stat status {};
    ASSERT_EQ(stat(holed.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_size, 1 << 20);
    EXPECT_LT(status.st_blocks, 8);
}

TEST_F(File, AFullDiskIsNoSpace) {
    TemporaryFile image("x");
    ASSERT_EQ(truncate(image.path().c_str(), 1 << 20), 0);
    BlockBackend& node = open(image.path());
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{4096, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const BlockStatus status = write(node, 8192, "too far");
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(status, BlockStatus::NoSpace);
}

TEST_F(File, AnImageThatIsLetGoIsAnothers) {
    TemporaryFile image(std::string(512, 'x'));
    Object& first = add("blockdev-file", "first", {{"filename", image.path()}});
    EXPECT_NE(refusal("blockdev-file", {{"filename", image.path()}}).find("Failed to get"),
              std::string::npos);
    auto& exclusive = *query<Exclusive>(first);
    locked([&] { exclusive.let_go(); });
    auto& second = *query<Exclusive>(add("blockdev-file", "second", {{"filename", image.path()}}));
    ErrorText errors;
    EXPECT_FALSE(locked([&] { return exclusive.take(errors); }));
    EXPECT_NE(errors.text().find(image.path()), std::string::npos) << errors.text();
    locked([&] { second.let_go(); });
    EXPECT_TRUE(locked([&] { return exclusive.take(errors) && exclusive.take(errors); }));
}

TEST_F(File, AFlushCompletes) {
    TemporaryFile image(std::string(512, 'x'));
    EXPECT_EQ(run(open(image.path()), BlockOperation::Flush, 0, nullptr, 0), BlockStatus::Ok);
}

TEST_F(File, WritebackIsWhatTheGuestIsTold) {
    TemporaryFile a(std::string(512, 'x')), b(std::string(512, 'x'));
    EXPECT_TRUE(open(a.path()).write_cache());
    BlockBackend& through = open(b.path(), {{"cache.writeback", "off"}});
    EXPECT_FALSE(through.write_cache());
    EXPECT_EQ(write(through, 0, "y"), BlockStatus::Ok);
}

TEST_F(File, ManyRequestsAtOnceAllComplete) {
    TemporaryFile image(std::string(1 << 16, 'x'));
    BlockBackend& node = open(image.path());
    std::vector<std::string> data(200, std::string(64, 0));
    std::vector<Request> requests(200);
    std::vector<IoVector> vectors(200);
    locked([&] {
        for (std::size_t index = 0; index < requests.size(); ++index) {
            std::memset(data[index].data(), int(index), 64);
            vectors[index] = {data[index].data(), 64};
            requests[index].operation = BlockOperation::Write;
            requests[index].offset = index * 64;
            requests[index].size = 64;
            requests[index].vectors = {&vectors[index], 1};
            node.submit(requests[index]);
        }
        node.drain();
    });
    const std::string contents = image.contents();
    for (std::size_t index = 0; index < requests.size(); ++index) {
        EXPECT_EQ(requests[index].completions, 1);
        EXPECT_EQ(std::uint8_t(contents[index * 64 + 63]), index);
    }
}

TEST_F(File, ACompletionMaySubmitAgainForEverAndMayDrain) {
    TemporaryFile image(std::string(4096, 'x'));
    BlockBackend& node = open(image.path());
    char byte = 0;
    const IoVector vector{&byte, 1};
    Request request;
    request.size = 1;
    request.vectors = {&vector, 1};
    request.then = [&] {
        if (request.completions < 10'000) node.submit(request);
        else node.drain();
    };
    locked([&] {
        node.submit(request);
        node.drain();
    });
    EXPECT_EQ(request.completions, 10'000);
}

TEST_F(File, HasOneUser) {
    TemporaryFile image(std::string(512, 'x'));
    BlockBackend& node = open(image.path());
    struct Reasons final : Errors {
        void fail(Str message) override { text = message.view(); }
        std::string text;
    } errors;
    EXPECT_TRUE(node.claim("disk0", nullptr, errors));
    EXPECT_FALSE(node.claim("disk1", nullptr, errors));
    EXPECT_NE(errors.text.find("'disk0'"), std::string::npos);
    node.release();
    EXPECT_TRUE(node.claim("disk1", nullptr, errors));
}

TEST_F(File, AnImageThatIsWrittenIsOursAlone) {
    TemporaryFile image(std::string(512, 'x'));
    open(image.path());
    EXPECT_NE(refusal("blockdev-file", {{"filename", image.path()}}).find("Failed to get \"write\" lock"),
              std::string::npos);
    EXPECT_NE(refusal("blockdev-file", {{"filename", image.path()}, {"read-only", "on"}})
                  .find("Failed to get shared \"write\" lock"),
              std::string::npos);
    open(image.path(), {{"locking", "off"}});
}

TEST_F(File, AnImageThatIsOnlyReadIsShared) {
    TemporaryFile image(std::string(512, 'x'));
    open(image.path(), {{"read-only", "on"}});
    open(image.path(), {{"read-only", "on"}});
    EXPECT_NE(refusal("blockdev-file", {{"filename", image.path()}}).find("lock"), std::string::npos);
}

TEST_F(File, ALockGoesWithItsNode) {
    TemporaryFile image(std::string(512, 'x'));
    Object& first = add("blockdev-file", "first", {{"filename", image.path()}});
    bench.remove(first);
    open(image.path());
}

TEST_F(File, AnImageThatIsNotThereIsNamed) {
    const std::string text = refusal("blockdev-file", {{"filename", "/nowhere/disk.img"}});
    EXPECT_NE(text.find("Could not open '/nowhere/disk.img': No such file or directory"), std::string::npos)
        << text;
    EXPECT_NE(
        refusal("blockdev-file", {{"filename", "/tmp"}, {"read-only", "on"}}).find("neither a regular file"),
        std::string::npos);
}

TEST_F(File, DirectIoTakesAnyAlignment) {
    // The build folder's file system, not a tmpfs.
    const std::string path = "file_test.direct";
    const std::string contents(10'000, 'x');
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT_EQ(::write(fd, contents.data(), contents.size()), ssize_t(contents.size()));
    ::close(fd);
    const std::string problem = refusal("blockdev-file", {{"filename", path}, {"cache.direct", "on"}});
    if (problem.find("O_DIRECT") != std::string::npos) {
        unlink(path.c_str());
        GTEST_SKIP() << problem;
    }
    ASSERT_EQ(problem, "");
    bench.remove(*backend_context(add("chardev-null", "probe")).find("refused"));
    BlockBackend& node = open(path, {{"cache.direct", "on"}});
    EXPECT_EQ(write(node, 5001, "hello"), BlockStatus::Ok);
    EXPECT_EQ(read(node, 5000, 7), "xhellox");
    EXPECT_EQ(read(node, 9990, 20), std::string(10, 'x') + std::string(10, '\0'));
    unlink(path.c_str());
}

TEST_F(File, RawShowsAPartOfANode) {
    TemporaryFile image(std::string(1024, '.') + std::string(1024, ':') + std::string(1024, '.'));
    add("blockdev-file", "below", {{"filename", image.path()}});
    BlockBackend& raw =
        make<BlockBackend>("blockdev-raw", "part", {{"file", "below"}, {"offset", "1k"}, {"size", "1k"}});
    EXPECT_EQ(raw.size(), 1024u);
    EXPECT_EQ(read(raw, 0, 4), "::::");
    EXPECT_EQ(write(raw, 1022, "ab"), BlockStatus::Ok);
    EXPECT_EQ(write(raw, 1023, "ab"), BlockStatus::OutOfRange);
    EXPECT_EQ(image.contents().substr(2045, 5), ":ab..");
    EXPECT_EQ(run(raw, BlockOperation::Flush, 0, nullptr, 0), BlockStatus::Ok);
    EXPECT_NE(refusal("blockdev-raw", {{"file", "below"}}).find("already in use by 'part'"),
              std::string::npos);
    EXPECT_NE(refusal("blockdev-raw", {{"file", "below"}, {"offset", "1M"}}).find("pass the end"),
              std::string::npos);
}

TEST_F(File, RawShowsAllOfANode) {
    TemporaryFile image(std::string(1024, '.'));
    add("blockdev-file", "below", {{"filename", image.path()}});
    BlockBackend& raw = make<BlockBackend>("blockdev-raw", "all", {{"file", "below"}, {"read-only", "on"}});
    EXPECT_EQ(raw.size(), 1024u);
    EXPECT_TRUE(raw.read_only());
    EXPECT_EQ(write(raw, 0, "x"), BlockStatus::ReadOnly);
    EXPECT_EQ(read(raw, 1020, 4), "....");
}

TEST_F(File, ZeroesThatAreWrittenTakeNoSpaceOnRequest) {
    TemporaryFile image(std::string(1 << 20, 'x'));
    BlockBackend& node = open(image.path(), {{"detect-zeroes", "unmap"}, {"discard", "unmap"}});
    EXPECT_EQ(write(node, 0, std::string(1 << 20, 0)), BlockStatus::Ok);
    struct stat status {};
    ASSERT_EQ(stat(image.path().c_str(), &status), 0);
    EXPECT_LT(status.st_blocks, 1 << 10);
    EXPECT_EQ(read(node, 4096, 4), std::string(4, 0));
    EXPECT_NE(
        refusal("blockdev-file", {{"filename", image.path()}, {"detect-zeroes", "unmap"}}).find("discard"),
        std::string::npos);
}

TEST_F(File, NativeIoNeedsTheHostsCacheOutOfTheWay) {
    TemporaryFile image(std::string(4096, '.'));
    EXPECT_NE(
        refusal("blockdev-file", {{"filename", image.path()}, {"aio", "native"}}).find("cache.direct=on"),
        std::string::npos);
    BlockBackend& node = open(image.path(), {{"aio", "io_uring"}});
    EXPECT_EQ(read(node, 0, 2), "..");
}

TEST_F(File, WaysToAnImageThatAreNotThereAreNamed) {
    EXPECT_NE(refusal("blockdev-file", {{"filename", "nbd:localhost:10809"}}).find("'nbd:'"),
              std::string::npos);
    TemporaryFile image("0123");
    EXPECT_EQ(read(open("file:" + image.path()), 0, 4), "0123");
}

}  // namespace
}  // namespace backplane::test
