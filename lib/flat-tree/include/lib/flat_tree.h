// Writes a flattened device tree from the top down. Follows "Devicetree Specification" v0.4, chapters 2 and 5.
#pragma once

#include <backplane/abi.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace backplane::device_tree {

using Cells = std::vector<std::uint32_t>;

/// The two cells of a 64-bit number.
inline void put64(Cells& cells, std::uint64_t value) {
    cells.push_back(std::uint32_t(value >> 32));
    cells.push_back(std::uint32_t(value));
}

/// A failure (out of room) is kept, and told by finish().
class FlatTree {
  public:
    /// `capacity`: bytes that the tree may take while it is written.
    explicit FlatTree(std::size_t capacity);

    void begin(const std::string& name);
    void end();
    void flag(const char* name);
    void cell(const char* name, std::uint32_t value) { cells(name, {value}); }
    void cells(const char* name, const Cells& values);
    void text(const char* name, const std::string& value) { texts(name, {value}); }
    void texts(const char* name, const std::vector<std::string>& values);
    void bytes(const char* name, Bytes value) { raw(name, value.data, value.size); }
    /// `reg` with two cells for each address and size.
    void reg(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> ranges);

    bool finish(Errors& errors);
    std::vector<std::uint8_t> take() { return std::move(bytes_); }

  private:
    void note(int result);
    void raw(const char* name, const void* data, std::size_t size);
    std::vector<std::uint8_t> bytes_;
    int first_error_ = 0;
};

}  // namespace backplane::device_tree
