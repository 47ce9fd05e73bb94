#include <lib/read_file.h>

#include <backplane/text.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane {
namespace {

class ReadFile : public ::testing::Test {
  protected:
    ReadFile() : path(::testing::TempDir() + "read-file-" + std::to_string(getpid())) {}
    ~ReadFile() override { std::remove(path.c_str()); }
    void write(std::size_t size) { std::ofstream(path) << std::string(size, 'x'); }
    /// How many bytes, or why not.
    std::string read(std::size_t most) {
        ErrorText errors;
        std::vector<std::uint8_t> bytes{1, 2, 3};
        if (read_file(path, most, bytes, errors)) return std::to_string(bytes.size());
        return errors.text().substr(errors.text().rfind("': ") + 3);
    }
    std::string path;
};

TEST_F(ReadFile, GivesAllOfIt) {
    write(200'000);
    EXPECT_EQ(read(1 << 20), "200000");
    write(0);
    EXPECT_EQ(read(1 << 20), "0");
}

TEST_F(ReadFile, RefusesOneThatIsTooLarge) {
    write(65536);
    EXPECT_EQ(read(65536), "65536");
    write(65537);
    EXPECT_EQ(read(65536), "it is larger than 64 KiB");
    EXPECT_EQ(truncate(path.c_str(), off_t(1) << 40), 0);
    EXPECT_EQ(read(256 << 20), "it is larger than 256 MiB");
}

TEST_F(ReadFile, SaysWhyNot) {
    EXPECT_EQ(read(100), "No such file or directory");
    path = "/";
    EXPECT_EQ(read(100), "it is a directory");
    path = "/dev/zero";
    EXPECT_EQ(read(100), "it is not a regular file");
    path = "none";
}

TEST_F(ReadFile, DoesNotWaitForTheWriterOfAPipe) {
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(read(100), "0");
}

TEST_F(ReadFile, ReadsAPipeToItsEnd) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "hello", 5), 5);
    close(ends[1]);
    path = "/dev/fd/" + std::to_string(ends[0]);
    EXPECT_EQ(read(100), "5");
    close(ends[0]);
    path = "none";
}

}  // namespace
}  // namespace backplane
