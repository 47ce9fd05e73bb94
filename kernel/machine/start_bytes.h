// Bytes that a machine starts with, each time: a file of the host, or what somebody handed over.
#pragma once

#include <backplane/abi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace backplane::kernel {

class StartBytes {
  public:
    enum class Reading {
        Now,      ///< whoever changes the file later changes nothing here
        AsNeeded  ///< the file is kept open; a machine that never starts from it costs no reading
    };
    /// A regular file of at most `limit` bytes: 0 and `bytes`, or an errno as read_whole_file() has them.
    static int open(const std::string& path, std::uint64_t limit, Reading reading,
                    std::shared_ptr<const StartBytes>& bytes);
    explicit StartBytes(std::vector<std::uint8_t> bytes) : owned_(std::move(bytes)), bytes_(owned_) {}
    StartBytes(const StartBytes&) = delete;
    StartBytes& operator=(const StartBytes&) = delete;
    ~StartBytes();

    /// For a look at them: of a file that is read as needed these are its pages.
    Bytes bytes() const { return bytes_; }
    /// Puts them, from `offset` on, where they are wanted: 0, or an errno when the file has changed so that they
    /// cannot be had any more (ENODATA: it is shorter).
    int copy(std::uint64_t offset, MutableBytes to) const;

  private:
    StartBytes(int file, Bytes mapped) : file_(file), bytes_(mapped) {}

    std::vector<std::uint8_t> owned_;
    int file_ = -1;  ///< read as needed
    Bytes bytes_;
};

}  // namespace backplane::kernel
