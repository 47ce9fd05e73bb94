// Fuzzes what VNC viewers say: a handshake and messages, in two pieces. Pixels are encoded in each format and encoding that the
// viewer asks for, and damage is taken out for each area. What the server keeps of a viewer's bytes is bounded.
#include "plugins/backends/vnc/damage.h"
#include "plugins/backends/vnc/encoder.h"
#include "plugins/backends/vnc/handshake.h"
#include "plugins/backends/vnc/keys.h"
#include "plugins/backends/vnc/messages.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <cstdlib>

namespace backplane::vnc {
namespace {

struct Door final : Doorkeeper {
    explicit Door(bool asks) : asks_(asks) {}
    bool asks_password() const override { return asks_; }
    bool admits(const Challenge& challenge, const Challenge& answer) const override {
        return same(expected_answer(challenge, {}), answer);
    }
    bool asks_;
};

/// A server of a small picture.
class Server final : public MessageSink {
  public:
    Server() { damage_.resize(kWidth, kHeight); }

    void set_format(const PixelFormat& format) override { encoder_.settings.format = format; }
    void set_encodings(const std::vector<std::int32_t>& encodings) override {
        for (const std::int32_t encoding : encodings) {
            if (encoding >= -32 && encoding < -22) encoder_.settings.quality = encoding + 32;
            for (const Encoding known : {Encoding::Raw, Encoding::Hextile, Encoding::Tight, Encoding::Zrle})
                if (encoding == std::int32_t(known)) encoder_.settings.encoding = known;
        }
    }
    void update_wanted(bool, const ScreenArea& area) override {
        damage_.add(area);
        for (const ScreenArea& taken : damage_.take(area, 1000, 64)) {
            if (taken.x + taken.width > kWidth || taken.y + taken.height > kHeight) std::abort();
            Picture picture{taken, {}};
            for (std::uint32_t i = 0; i < taken.width * taken.height; ++i)
                picture.pixels.push_back((i % (1 + taken.x)) * 0x10503 & 0xffffff);
            Buffer out;
            if (encoder_.put(out, picture) == 0 || out.size() < 12) std::abort();
        }
    }
    void key(bool, std::uint32_t symbol, std::uint32_t) override {
        if (key_of_symbol(symbol).number > 255) std::abort();
    }
    void pointer(unsigned, std::uint16_t, std::uint16_t) override {}
    void continuous_updates(bool on, const ScreenArea& area) override { update_wanted(on, area); }
    void fence(std::uint32_t, View payload) override {
        if (payload.size() > 64) std::abort();
    }
    void size_wanted(std::uint16_t, std::uint16_t) override {}

  private:
    static constexpr std::uint32_t kWidth = 100, kHeight = 70;
    Damage damage_;
    Encoder encoder_;
};

}  // namespace
}  // namespace backplane::vnc

using namespace backplane::vnc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Door door(data[0] & 1);
    View bytes(data + 1, size - 1);
    Buffer said;
    Handshake handshake(door, Challenge{}, said);
    bytes = bytes.subspan(handshake.receive(bytes, said));
    if (said.size() > 256) std::abort();
    if (handshake.outcome() != Handshake::Outcome::Entered) return 0;
    Server server;
    MessageReader reader(server);
    const std::size_t half = bytes.size() / 2;
    if (reader.receive(bytes.first(half))) reader.receive(bytes.subspan(half));
    return 0;
}

namespace backplane::test {

using namespace vnc;

const unsigned kFuzzRounds = 3000;

namespace {

void put_message(Buffer& out, std::mt19937& random) {
    const auto put_random = [&](std::size_t count) {
        const FuzzInput bytes = random_bytes(random, count);
        out.insert(out.end(), bytes.begin(), bytes.end());
    };
    const auto place = [&] { put16(out, random() % 8 ? random() % 120 : unsigned(random())); };
    switch (random() % 10) {
    case 0: {
        static const unsigned kBits[] = {8, 16, 32};
        put32(out, 0);
        const unsigned bits = any_of(kBits, random), depth = bits == 32 ? 8 : bits == 16 ? 5 : 2;
        for (const unsigned byte : {bits, 3 * depth, unsigned(random() % 2), 1u}) put8(out, byte);
        for (unsigned i = 0; i < 3; ++i) put16(out, (1u << depth) - 1);
        for (unsigned i = 0; i < 3; ++i) put8(out, i * depth);
        return put_random(3);
    }
    case 1: {
        static const std::int32_t kEncodings[] = {0, 5, 7, 16, -223, -239, -308, -313, -32, -23, -250};
        const unsigned count = random() % 5;
        put16(out, 0x200);
        put16(out, random() % 20 ? count : unsigned(random()));
        for (unsigned i = 0; i < count; ++i) put32(out, std::uint32_t(any_of(kEncodings, random)));
        return;
    }
    case 2:
        put32(out, 0x04010000);
        return put32(out, random() % 2 ? random() % 128 : 0xff00 | random() % 256);
    case 3: put8(out, 5); return put_random(5);
    case 4: put32(out, 0x06000000); return put32(out, random() % 4 ? random() % 20 : unsigned(random()));
    case 5: {
        const unsigned count = random() % 70;
        put32(out, 0xf8000000);
        put_random(4);
        put8(out, count);
        return put_random(count);
    }
    case 6:
        put8(out, 251);
        put8(out, 0);
        put_random(4);
        put16(out, 0);
        return;
    case 7: put16(out, 0xff00); return put_random(10);
    default:
        put8(out, random() % 8 ? 3 : 150);
        put8(out, unsigned(random() % 2));
        for (unsigned i = 0; i < 4; ++i) place();
    }
}

}  // namespace

FuzzInput fuzz_input(std::mt19937& random, unsigned) {
    static const char* kVersions[] = {"RFB 003.003\n", "RFB 003.007\n", "RFB 003.008\n", "RFB 004.001\n",
                                      "RFB"};
    const bool asks = random() % 4 == 0;
    Buffer out{asks};
    const std::string_view version = any_of(kVersions, random);
    put_text(out, version);
    if (!version.ends_with("3\n")) put8(out, random() % 8 ? 1 + asks : unsigned(random()));
    if (asks) {
        const Challenge answer = expected_answer({}, {});
        out.insert(out.end(), answer.begin(), answer.end());
    }
    put8(out, 1);
    for (unsigned messages = random() % 12; messages; --messages) put_message(out, random);
    for (unsigned lies = random() % 3; lies && random() % 2; --lies)
        out[random() % out.size()] = std::uint8_t(random());
    return out;
}

}  // namespace backplane::test
