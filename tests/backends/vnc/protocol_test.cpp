// What clients say, what they get, and how they prove that they may.
#include "plugins/backends/vnc/damage.h"
#include "plugins/backends/vnc/des.h"
#include "plugins/backends/vnc/keys.h"
#include "plugins/backends/vnc/messages.h"

#include <gtest/gtest.h>

namespace backplane::vnc {
namespace {

struct Heard final : MessageSink {
    void set_format(const PixelFormat& f) override { format = f; }
    void set_encodings(const std::vector<std::int32_t>& e) override { encodings = e; }
    void update_wanted(bool, const ScreenArea& a) override { areas.push_back(a); }
    void key(bool down, std::uint32_t symbol, std::uint32_t code) override {
        said += (down ? "down " : "up ") + std::to_string(symbol) + "/" + std::to_string(code) + ";";
    }
    void pointer(unsigned buttons, std::uint16_t x, std::uint16_t y) override {
        said += "at " + std::to_string(buttons) + " " + std::to_string(x) + "," + std::to_string(y) + ";";
    }
    void continuous_updates(bool on, const ScreenArea&) override { said += on ? "on;" : "off;"; }
    void fence(std::uint32_t flags, View payload) override {
        said += "fence " + std::to_string(flags) + " " + std::to_string(payload.size()) + ";";
    }
    void size_wanted(std::uint16_t width, std::uint16_t height) override {
        said += "size " + std::to_string(width) + "x" + std::to_string(height) + ";";
    }
    PixelFormat format;
    std::vector<std::int32_t> encodings;
    std::vector<ScreenArea> areas;
    std::string said;
};

TEST(VncMessages, ComeInAnyPieces) {
    const Buffer all = {4, 1, 0,  0, 0, 0, 0,    97,  5,   1,   0,   2,    0,    3,    6,
                        0, 0, 0,  0, 0, 0, 3,    'a', 'b', 'c', 255, 0,    0,    0,    0,
                        0, 0, 98, 0, 0, 0, 0x30, 2,   0,   0,   1,   0xff, 0xff, 0xfe, 0xfd};
    for (std::size_t step = 1; step <= all.size(); ++step) {
        Heard heard;
        MessageReader reader(heard);
        for (std::size_t at = 0; at < all.size(); at += step)
            EXPECT_TRUE(reader.receive(View(all).subspan(at, std::min(step, all.size() - at))));
        EXPECT_EQ(heard.said, "down 97/0;at 1 2,3;up 98/48;") << step;
        EXPECT_EQ(heard.encodings, (std::vector<std::int32_t>{-259})) << step;
    }
}

TEST(VncMessages, ThatNobodyMaySendAreTheLast) {
    for (const Buffer& lie :
         {Buffer{99}, Buffer{2, 0, 0xff, 0xff}, Buffer{6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff},
          Buffer{6, 0, 0, 0, 0x80, 0, 0, 0}, Buffer{248, 0, 0, 0, 0, 0, 0, 0, 65}, Buffer{255, 9},
          Buffer{0, 0, 0, 0, 24, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0}}) {
        Heard heard;
        MessageReader reader(heard);
        EXPECT_FALSE(reader.receive(lie));
        EXPECT_NE(reader.problem(), "");
        EXPECT_FALSE(reader.receive(Buffer{5, 0, 0, 0, 0, 0}));
        EXPECT_EQ(heard.said, "");
    }
}

TEST(VncAuthentication, IsDesWithTheBitsOfThePasswordReversed) {
    // The worked example that FIPS 46-3's validation begins with: key 133457799BBCDFF1.
    EXPECT_EQ(des_encrypt(0x0123456789abcdef, 0x133457799bbcdff1), 0x85e813540f0ab405u);
    const Challenge challenge{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    const std::uint8_t password[] = {0xc8, 0x2c, 0xea, 0x9e, 0xd9, 0x3d, 0xfb, 0x8f, 'x'};
    const Challenge answer = expected_answer(challenge, password);
    EXPECT_EQ(answer[0], 0x85);
    EXPECT_EQ(answer[7], 0x05);
    Challenge other = answer;
    other[15] ^= 1;
    EXPECT_TRUE(same(answer, answer));
    EXPECT_FALSE(same(answer, other));
}

TEST(VncDamage, IsTakenOutOnceAndWithinThePicture) {
    Damage damage;
    damage.resize(100, 50);
    std::uint64_t pixels = 0;
    while (!damage.empty())
        for (const ScreenArea& area : damage.take(1000, 64)) {
            EXPECT_LE(area.x + area.width, 100u);
            EXPECT_LE(area.y + area.height, 50u);
            EXPECT_LE(area.width, 64u);
            pixels += area.width * area.height;
        }
    EXPECT_EQ(pixels, 5000u);
    damage.add({99, 49, 0xffffffff, 0xffffffff});
    EXPECT_EQ(damage.take(1000, 64), (std::vector<ScreenArea>{{96, 48, 4, 2}}));
    damage.add({100, 0, 1, 1});
    EXPECT_TRUE(damage.empty());
}

TEST(VncKeys, AreFoundByTheirSymbols) {
    EXPECT_EQ(key_of_symbol('a').number, 30);
    EXPECT_TRUE(key_of_symbol('~').shifted);
    EXPECT_EQ(key_of_symbol('~').number, 41);
    EXPECT_EQ(key_of_symbol('/').number, 53);
    EXPECT_EQ(key_of_symbol(0xff0d).number, 28);
    EXPECT_EQ(key_of_symbol(0x20ac).number, 0);
}

}  // namespace
}  // namespace backplane::vnc
