// Little-endian numbers and texts in a section's payload. Reading past the end gives zeros and is remembered.
#pragma once

#include <backplane/abi.h>

#include <cstring>
#include <string>
#include <vector>

namespace backplane::kernel::snapshot {

class ByteWriter {
  public:
    template <class T>
    void number(T value) {
        for (std::size_t i = 0; i < sizeof value; ++i) bytes_.push_back(std::uint8_t(value >> 8 * i));
    }
    void bytes(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    /// Its length (4 bytes) ahead.
    void sized(Bytes bytes) {
        number(std::uint32_t(bytes.size));
        this->bytes(bytes);
    }
    void text(std::string_view text) {
        sized({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    }
    std::vector<std::uint8_t> take() { return std::move(bytes_); }
    std::size_t size() const { return bytes_.size(); }

  private:
    std::vector<std::uint8_t> bytes_;
};

class ByteReader {
  public:
    explicit ByteReader(Bytes bytes) : bytes_(bytes) {}
    Bytes bytes(std::size_t size) {
        if (size > bytes_.size - at_) {
            short_ = true;
            at_ = bytes_.size;
            return {};
        }
        at_ += size;
        return {bytes_.data + at_ - size, size};
    }
    template <class T>
    T number() {
        T value{};
        const Bytes from = bytes(sizeof value);
        if (from.size) std::memcpy(&value, from.data, sizeof value);
        return value;
    }
    Bytes sized() { return bytes(number<std::uint32_t>()); }
    std::string text() {
        const Bytes from = sized();
        return {reinterpret_cast<const char*>(from.data), from.size};
    }
    /// Everything was there so far, and nothing is left.
    bool complete() const { return !short_ && at_ == bytes_.size; }
    bool ran_short() const { return short_; }
    std::size_t left() const { return bytes_.size - at_; }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
    bool short_ = false;
};

}  // namespace backplane::kernel::snapshot
