// Memory of the host, as -object makes it.
#include "tests/backends/fixture.h"

#include <backplane/memory_backend.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace backplane::test {
namespace {

struct Memory : BackendBench, ::testing::Test {
    static std::uint64_t file_size(int fd) {
        struct stat status {};
        return fstat(fd, &status) == 0 ? std::uint64_t(status.st_size) : 0;
    }
    static bool contains(const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    }
};

TEST_F(Memory, RamIsPrivateAndAMemfdIsShared) {
    const MemoryDescription& ram =
        make<MemoryBackend>("memory-backend-ram", "ram", {{"size", "2M"}}).memory();
    EXPECT_EQ(ram.size, 2u << 20);
    EXPECT_FALSE(ram.shared);
    const MemoryDescription& memfd =
        make<MemoryBackend>("memory-backend-memfd", "memfd", {{"size", "2M"}}).memory();
    EXPECT_TRUE(memfd.shared);
    EXPECT_EQ(file_size(memfd.fd), 2u << 20);
    EXPECT_NE(ftruncate(memfd.fd, 4096), 0) << "a sealed size cannot be changed";
}

TEST_F(Memory, OneUserAtATime) {
    MemoryBackend& backend = make<MemoryBackend>("memory-backend-ram", "ram", {{"size", "1M"}});
    ErrorText errors;
    EXPECT_TRUE(backend.claim("/machine", errors));
    EXPECT_FALSE(backend.claim("/machine/other", errors));
    EXPECT_TRUE(contains(errors.text(), "in use by /machine")) << errors.text();
    backend.release();
    errors.clear();
    EXPECT_TRUE(backend.claim("/machine/other", errors));
}

TEST_F(Memory, AnEmptyFileGetsTheSizeAndAFullOneKeepsIt) {
    TemporaryFile empty("");
    const MemoryDescription& made =
        make<MemoryBackend>("memory-backend-file", "a", {{"size", "64k"}, {"mem-path", empty.path()}})
            .memory();
    EXPECT_EQ(file_size(made.fd), 64u << 10);
    TemporaryFile full(std::string(8192, 'x'));
    const MemoryDescription& kept =
        make<MemoryBackend>("memory-backend-file", "b", {{"size", "8192"}, {"mem-path", full.path()}})
            .memory();
    char byte = 0;
    EXPECT_EQ(pread(kept.fd, &byte, 1, 8191), 1);
    EXPECT_EQ(byte, 'x');
}

TEST_F(Memory, WhatCannotBeIsRefusedWithTheProperty) {
    EXPECT_TRUE(contains(refusal("memory-backend-ram"), "size"));
    EXPECT_TRUE(contains(refusal("memory-backend-ram", {{"size", "1000"}}), "no multiple of its pages"));
    EXPECT_TRUE(contains(refusal("memory-backend-ram", {{"size", "1M"}, {"host-nodes", "0"}}), "host-nodes"));
    EXPECT_TRUE(contains(refusal("memory-backend-file", {{"size", "1M"}}), "mem-path"));
    EXPECT_TRUE(contains(refusal("memory-backend-file", {{"size", "1M"}, {"mem-path", "/nowhere/at/all"}}),
                         "/nowhere/at/all"));
    TemporaryFile small(std::string(4096, 'x'));
    EXPECT_TRUE(contains(refusal("memory-backend-file", {{"size", "1M"}, {"mem-path", small.path()}}),
                         "has 4096 bytes, and size= asks for 1048576 bytes"));
    EXPECT_TRUE(contains(
        refusal("memory-backend-file", {{"size", "4096"}, {"mem-path", small.path()}, {"offset", "100"}}),
        "offset"));
    EXPECT_TRUE(contains(refusal("memory-backend-memfd", {{"size", "3M"}, {"hugetlb", "on"}}), "pages of"));
    EXPECT_TRUE(
        contains(refusal("memory-backend-memfd", {{"size", "2M"}, {"hugetlbsize", "2M"}}), "hugetlbsize"));
}

}  // namespace
}  // namespace backplane::test
