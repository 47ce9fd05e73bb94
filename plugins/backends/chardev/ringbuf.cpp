// "ringbuf": keeps the last bytes that the device wrote, for a monitor to read.
#include "char_base.h"

#include <backplane/draft/char_ring.h>
#include <backplane/plugin.h>

#include <bit>
#include <vector>

namespace backplane::chardev {

namespace {

class RingChar final : public CharBase, public CharRing {
  public:
    explicit RingChar(Object& object) : CharBase(object) {}

    std::uint64_t size_ = 0;

    std::string description() const override { return "ringbuf"; }
    bool start(Errors& errors) override {
        if (!std::has_single_bit(size_))
            return fail(errors, "size=" + std::to_string(size_) + " is not a power of two");
        ring_.resize(size_);
        set_open(true);
        return true;
    }
    std::size_t send(Bytes bytes) override {
        ring_write(bytes);
        return bytes.size;
    }
    std::size_t ring_read(MutableBytes to) override {
        std::size_t count = 0;
        while (count < to.size && read_ != written_) to[count++] = ring_[read_++ & (size_ - 1)];
        return count;
    }
    void ring_write(Bytes from) override {
        for (const std::uint8_t byte : from) ring_[written_++ & (size_ - 1)] = byte;
        if (written_ - read_ > size_) read_ = written_ - size_;
    }

  private:
    std::vector<std::uint8_t> ring_;
    std::uint64_t read_ = 0;
    std::uint64_t written_ = 0;
};

constexpr PropertyInfo kOwnProperties[] = {
    size_property<&RingChar::size_>({.name = "size",
                                     .summary = "bytes, a power of two",
                                     .default_text = "64k",
                                     .maximum = 1u << 30,
                                     .minimum = 1}),
};
constexpr auto kProperties = with_common<RingChar>(kOwnProperties);
constexpr InterfaceInfo kInterfaces[] = {offers<RingChar, CharBackend>(), offers<RingChar, Completable>(),
                                         offers<RingChar, CharRing>()};
constexpr TypeInfo kTypes[] = {
    backend_type<RingChar>({.name = "chardev-ringbuf",
                            .parent = "chardev",
                            .summary = "memory that a monitor reads",
                            .option_name = "ringbuf",
                            .aliases = "memory",
                            .interfaces = kInterfaces,
                            .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::chardev

BACKPLANE_PLUGIN("chardev-ringbuf", "1.0", "Backplane", backplane::chardev::kTypes)
