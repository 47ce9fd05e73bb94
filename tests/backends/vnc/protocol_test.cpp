// What clients say, what they get, and how they prove that they may.
#include "plugins/backends/vnc/damage.h"
#include "plugins/backends/vnc/des.h"
#include "plugins/backends/vnc/hands.h"
#include "plugins/backends/vnc/handshake.h"
#include "plugins/backends/vnc/keys.h"
#include "plugins/backends/vnc/messages.h"
#include "plugins/backends/vnc/screen_copy.h"

#include <gtest/gtest.h>

#include <memory>
#include <tuple>
#include <utility>

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
    const ScreenArea all{0, 0, 100, 50};
    Damage damage;
    damage.resize(100, 50);
    std::uint64_t pixels = 0;
    while (!damage.empty())
        for (const ScreenArea& area : damage.take(all, 1000, 64)) {
            EXPECT_LE(area.x + area.width, 100u);
            EXPECT_LE(area.y + area.height, 50u);
            EXPECT_LE(area.width, 64u);
            pixels += area.width * area.height;
        }
    EXPECT_EQ(pixels, 5000u);
    damage.add({99, 49, 0xffffffff, 0xffffffff});
    EXPECT_EQ(damage.take(all, 1000, 64), (std::vector<ScreenArea>{{96, 48, 4, 2}}));
    damage.add({100, 0, 1, 1});
    EXPECT_TRUE(damage.empty());
}

TEST(VncDamage, OutsideOfWhatIsAskedForStays) {
    Damage damage;
    damage.resize(100, 100);
    EXPECT_EQ(damage.take({40, 40, 1, 1}, 10000, 64), (std::vector<ScreenArea>{{32, 32, 16, 16}}));
    EXPECT_TRUE(damage.take({40, 40, 1, 1}, 10000, 64).empty());
    EXPECT_TRUE(damage.take({200, 0, 10, 10}, 10000, 64).empty());
    EXPECT_FALSE(damage.empty());
}

TEST(VncDamage, MovesWithWhatIsMoved) {
    Damage damage;
    damage.resize(100, 100);
    damage.take({0, 0, 100, 100}, 100000, 128);
    damage.copied(0, 16, {0, 0, 100, 84});
    EXPECT_TRUE(damage.empty());
    damage.add({40, 90, 1, 1});
    damage.copied(0, 10, {0, 0, 100, 90});
    EXPECT_EQ(damage.take({0, 0, 100, 100}, 100000, 128), (std::vector<ScreenArea>{{32, 64, 16, 32}}))
        << "tiles that show part of it, and itself";
}

TEST(VncScreenCopy, FindsTextThatWasScrolled) {
    constexpr std::uint32_t kWidth = 50, kHeight = 64, kStep = 7;
    std::vector<std::uint32_t> pixels(kWidth * kHeight);
    for (std::uint32_t i = 0; i < pixels.size(); ++i) pixels[i] = i * i * 31 & 0xffffff;
    const ScreenSurface surface{.width = kWidth,
                                .height = kHeight,
                                .stride = 4 * kWidth,
                                .pixels = reinterpret_cast<const std::uint8_t*>(pixels.data())};
    const ScreenArea all{0, 0, kWidth, kHeight};
    for (const bool up : {true, false}) {
        ScreenCopy copy;
        copy.resize(kWidth, kHeight);
        EXPECT_FALSE(copy.find_scroll(surface)) << "there was nothing";
        copy.update(surface, all);
        EXPECT_FALSE(copy.find_scroll(surface)) << "nothing moved";
        // Between a line at the top and one at the bottom that stay.
        const auto first = pixels.begin() + kWidth, last = pixels.end() - kWidth;
        std::rotate(first, up ? first + kStep * kWidth : last - kStep * kWidth, last);
        const auto scroll = copy.find_scroll(surface);
        ASSERT_TRUE(scroll);
        EXPECT_EQ(scroll->to, (ScreenArea{0, up ? 1 : 1 + kStep, kWidth, kHeight - 2 - kStep}));
        EXPECT_EQ(scroll->from_y, up ? 1 + kStep : 1);
        copy.move(*scroll);
        copy.update(surface, all);
        EXPECT_EQ(copy.picture(all).pixels, pixels);
    }
}

TEST(VncScreenCopy, FindsTheTilesThatDiffer) {
    std::vector<std::uint32_t> pixels(100 * 40, 0xff112233);
    const ScreenSurface surface{.width = 100,
                                .height = 40,
                                .stride = 400,
                                .pixels = reinterpret_cast<const std::uint8_t*>(pixels.data())};
    const ScreenArea all{0, 0, kMostScreenPixels, kMostScreenPixels};
    ScreenCopy copy;
    copy.resize(100, 40);
    EXPECT_EQ(copy.update(surface, all),
              (std::vector<ScreenArea>{{0, 0, 100, 16}, {0, 16, 100, 16}, {0, 32, 100, 8}}));
    for (std::uint32_t& pixel : pixels) pixel &= 0xffffff;
    EXPECT_TRUE(copy.update(surface, all).empty()) << "the highest byte says nothing";
    pixels[20 * 100 + 99] = pixels[35 * 100] = 0;
    EXPECT_TRUE(copy.update(surface, {0, 0, 100, 16}).empty()) << "nobody asked there";
    EXPECT_EQ(copy.update(surface, {50, 17, 50, 23}), (std::vector<ScreenArea>{{96, 16, 4, 16}}));
    EXPECT_EQ(copy.update(surface, all), (std::vector<ScreenArea>{{0, 32, 16, 8}}));
    EXPECT_EQ(copy.picture({98, 20, 4, 1}).pixels, (std::vector<std::uint32_t>{0x112233, 0, 0, 0}));
}

struct Door final : Doorkeeper {
    bool asks_password() const override { return asks; }
    bool admits(const Challenge& challenge, const Challenge& answer) const override {
        const std::uint8_t password[] = {'s', 'e', 's', 'a', 'm', 'e'};
        return same(expected_answer(challenge, password), answer);
    }
    bool asks = false;
};

/// What a server answers to each piece of a conversation.
struct Talk {
    explicit Talk(const Doorkeeper& door) : handshake(door, Challenge{1, 2, 3}, said) {
        EXPECT_EQ(std::string(said.begin(), said.end()), "RFB 003.008\n");
    }
    Buffer say(std::string_view words) {
        said.clear();
        const View bytes(reinterpret_cast<const std::uint8_t*>(words.data()), words.size());
        EXPECT_EQ(handshake.receive(bytes, said), bytes.size());
        return said;
    }
    Buffer said;
    Handshake handshake;
};

using namespace std::string_view_literals;

TEST(VncHandshake, GoesTheWayOfEachVersion) {
    const Door door;
    for (const auto& [version, type, go_on] : {std::tuple{"RFB 003.003\n", Buffer{0, 0, 0, 1}, Buffer{}},
                                               {"RFB 003.005\n", Buffer{0, 0, 0, 1}, Buffer{}},
                                               {"RFB 003.007\n", Buffer{1, 1}, Buffer{}},
                                               {"RFB 003.008\n", Buffer{1, 1}, Buffer{0, 0, 0, 0}},
                                               {"RFB 003.889\n", Buffer{1, 1}, Buffer{0, 0, 0, 0}},
                                               {"RFB 005.000\n", Buffer{1, 1}, Buffer{0, 0, 0, 0}}}) {
        Talk talk(door);
        EXPECT_EQ(talk.say(version), type) << version;
        if (type.size() == 2) {
            EXPECT_EQ(talk.say("\1"), go_on) << version;
        }
        EXPECT_EQ(talk.handshake.outcome(), Handshake::Outcome::Going);
        talk.say("\1");
        EXPECT_EQ(talk.handshake.outcome(), Handshake::Outcome::Entered);
        EXPECT_TRUE(talk.handshake.shared());
    }
}

TEST(VncHandshake, AsksForAPassword) {
    Door door;
    door.asks = true;
    const std::uint8_t password[] = {'s', 'e', 's', 'a', 'm', 'e'};
    const Challenge right = expected_answer({1, 2, 3}, password);
    for (const bool knows : {true, false}) {
        Talk talk(door);
        EXPECT_EQ(talk.say("RFB 003.008\n"), (Buffer{1, 2}));
        EXPECT_EQ(talk.say("\2").size(), 16u);
        std::string answer(right.begin(), right.end());
        if (!knows) answer[3] ^= 1;
        EXPECT_TRUE(talk.say(answer.substr(0, 7)).empty());
        const Buffer result = talk.say(answer.substr(7));
        EXPECT_EQ(result[3], knows ? 0 : 1);
        EXPECT_EQ(result.size(), knows ? 4u : 8u + "Authentication failed"sv.size());
        EXPECT_EQ(talk.handshake.outcome(), knows ? Handshake::Outcome::Going : Handshake::Outcome::Refused);
    }
    Talk talk(door);
    talk.say("RFB 003.007\n");
    EXPECT_EQ(talk.say("\1"), (Buffer{0, 0, 0, 1}))
        << "without a password nobody enters, nor without being asked";
    EXPECT_EQ(talk.handshake.outcome(), Handshake::Outcome::Refused);
}

TEST(VncHandshake, TakesNothingThatIsNotItsOwn) {
    const Door door;
    Talk talk(door);
    const std::string_view words = "RFB 003.008\n\1\0\3rest"sv;
    const View bytes(reinterpret_cast<const std::uint8_t*>(words.data()), words.size());
    EXPECT_EQ(talk.handshake.receive(bytes, talk.said), 14u);
    EXPECT_FALSE(talk.handshake.shared());
    Talk web(door);
    const std::string_view request = "GET / HTTP/1.1"sv;
    web.handshake.receive({reinterpret_cast<const std::uint8_t*>(request.data()), request.size()}, web.said);
    EXPECT_EQ(web.handshake.outcome(), Handshake::Outcome::Refused);
}

struct Machine final : InputHub {
    bool send(Slice<const InputEvent> events) override {
        for (const InputEvent& event : events)
            said += std::string(1, "kbra"[int(event.kind)]) + std::to_string(event.code) + "=" +
                    std::to_string(event.value) + " ";
        return true;
    }
    bool taken(std::uint32_t kinds) const override { return kinds & takes; }
    std::string heard() { return std::exchange(said, {}); }
    std::uint32_t takes = input_takes::kKeys | input_takes::kRelative;
    std::string said;
};

/// Time that a test moves.
struct HandClock final : Clock {
    struct HandTimer final : Timer {
        explicit HandTimer(TimerHandler& h) : handler(h) {}
        void arm(std::uint64_t deadline_ns) override { at = deadline_ns; }
        void cancel() override { at = ~0ull; }
        bool armed() const override { return at != ~0ull; }
        std::uint64_t deadline() const override { return at; }
        void release() override {}
        TimerHandler& handler;
        std::uint64_t at = ~0ull;
    };
    std::uint64_t now_ns() const override { return now; }
    Timer* create_timer(TimerHandler& handler) override {
        timer = std::make_unique<HandTimer>(handler);
        return timer.get();
    }
    void advance(std::uint64_t ns) {
        now += ns;
        if (timer->at > now) return;
        timer->cancel();
        timer->handler.timer_expired();
    }
    std::uint64_t now = 0;
    std::unique_ptr<HandTimer> timer;
};

struct VncHands : ::testing::Test {
    Machine machine;
    HandClock clock;
    KeyQueue keys;
    Hands hands{keys};
};

TEST_F(VncHands, GiveShiftToWhoSendsSymbolsAlone) {
    keys.begin(&machine, clock, 0);
    hands.key(true, 'A', 0, false);
    hands.key(false, 'A', 0, false);
    EXPECT_EQ(machine.heard(), "k42=1 k30=1 k42=0 k30=0 ");
    hands.key(true, 0xffe2, 0, false);
    hands.key(true, 'A', 0, false);
    EXPECT_EQ(machine.heard(), "k54=1 k30=1 ") << "shift is held";
    hands.key(true, 0, 0xc8, false);
    EXPECT_EQ(machine.heard(), "k103=1 ");
    hands.let_go();
    EXPECT_EQ(machine.heard(), "k30=0 k54=0 k103=0 ");
}

TEST_F(VncHands, LeaveCapitalsToTheGuestsCapsLock) {
    keys.begin(&machine, clock, 0);
    hands.key(true, 'A', 0, true);
    EXPECT_EQ(machine.heard(), "k30=1 ");
    hands.key(true, 'b', 0, true);
    EXPECT_EQ(machine.heard(), "k42=1 k48=1 k42=0 ");
    hands.key(true, '!', 0, true);
    EXPECT_EQ(machine.heard(), "k42=1 k2=1 k42=0 ");
}

TEST_F(VncHands, TypeNoFasterThanUsersWant) {
    keys.begin(&machine, clock, 10);
    hands.key(true, 'a', 0, false);
    hands.key(false, 'a', 0, false);
    hands.key(true, 'b', 0, false);
    EXPECT_EQ(machine.heard(), "k30=1 ");
    clock.advance(9'000'000);
    EXPECT_EQ(machine.heard(), "");
    clock.advance(1'000'000);
    EXPECT_EQ(machine.heard(), "k30=0 ");
    clock.advance(10'000'000);
    EXPECT_EQ(machine.heard(), "k48=1 ");
    for (unsigned i = 0; i < 1000; ++i) hands.key(true, 'c', 0, false);
    hands.key(false, 'b', 0, false);
    for (unsigned i = 0; i < 300; ++i) clock.advance(10'000'000);
    const std::string said = machine.heard();
    EXPECT_LT(said.size(), 300 * sizeof("k46=1 ")) << "what nobody can type is left out";
    EXPECT_TRUE(said.ends_with("k48=0 ")) << "and no key stays down";
}

TEST_F(VncHands, PointAtPlacesOrMove) {
    keys.begin(&machine, clock, 0);
    hands.pointer_at(0, 10, 20, 100, 50);
    hands.pointer_at(1, 13, 18, 100, 50);
    EXPECT_EQ(machine.heard(), "r0=0 r1=0 r0=3 r1=-2 b0=1 ");
    hands.pointer_by(0, -5, 1);
    EXPECT_EQ(machine.heard(), "r0=-5 r1=1 b0=0 ");
    machine.takes |= input_takes::kAbsolute;
    hands.pointer_at(4 | 8, 99, 0xffff, 100, 50);
    EXPECT_EQ(machine.heard(), "a0=32767 a1=32767 b2=1 b3=1 ");
    hands.let_go();
    EXPECT_EQ(machine.heard(), "b2=0 b3=0 ");
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
