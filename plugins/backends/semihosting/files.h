// The handles that a guest has on the host: files, the console, and the magic file of features.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace backplane::semihosting {

/// Thread: any, one at a time.
class Files {
  public:
    Files() = default;
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    ~Files();

    enum class Kind : std::uint8_t { None, Host, Input, Output, ErrorOutput, Features };
    Kind kind(std::uint64_t handle) const;

    /// `mode` as SYS_OPEN numbers it, 0 to 11. -1 with errno.
    std::int64_t open(const std::string& name, unsigned mode);
    bool close(std::uint64_t handle);
    /// How many bytes; -1 with errno.
    std::int64_t read(std::uint64_t handle, char* to, std::size_t size);
    std::int64_t write(std::uint64_t handle, const char* from, std::size_t size);
    bool seek(std::uint64_t handle, std::uint64_t position);
    std::int64_t length(std::uint64_t handle);
    bool is_terminal(std::uint64_t handle);

  private:
    static constexpr std::size_t kMaximum = 256;
    struct File {
        Kind kind;
        int fd;
        std::uint64_t position;  ///< of Features
    };
    std::int64_t enter(Kind kind, int fd);
    File* find(std::uint64_t handle);

    std::map<std::uint64_t, File> files_;
};

}  // namespace backplane::semihosting
