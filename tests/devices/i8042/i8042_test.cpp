#include <backplane/input.h>
#include <backplane/input_keys.h>
#include <backplane/input_lights.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

using List = std::vector<unsigned>;
constexpr unsigned kOutputFull = 0x01;
constexpr unsigned kMouseFull = 0x20;

class I8042 : public ::testing::Test {
  protected:
    unsigned status() { return unsigned(bench.read(0, 1, "command")); }
    void command(unsigned value) { bench.write(0, value, 1, "command"); }
    void put(unsigned value) { bench.write(0, value, 1, "data"); }
    /// All bytes that are there; those of the mouse with 0x100.
    List get() {
        List bytes;
        for (unsigned now = status(); now & kOutputFull && bytes.size() < 200; now = status())
            bytes.push_back(unsigned(bench.read(0, 1, "data")) | (now & kMouseFull ? 0x100 : 0));
        return bytes;
    }
    List keyboard(List bytes) {
        for (const unsigned byte : bytes) put(byte);
        return get();
    }
    /// What the mouse says to bytes, without the marks; each is read before the next is sent.
    List mouse(const List& bytes) {
        List all;
        for (const unsigned byte : bytes) {
            command(0xd4);
            put(byte);
            for (const unsigned got : get()) all.push_back(got & 0xff);
        }
        return all;
    }
    void set_mode(unsigned mode) {
        command(0x60);
        put(mode);
    }
    InputDevice& device(const char* name) { return *query<InputDevice>(*bench.device().child(name)); }
    void key(const char* name, bool down) {
        const InputEvent event{InputKind::Key, key_of_name(name)->number, down};
        device("ps2kbd").input({&event, 1});
    }
    void press(const char* name) {
        key(name, true);
        key(name, false);
    }
    void move(int x, int y) {
        const InputEvent events[] = {{InputKind::Relative, std::uint16_t(InputAxis::X), x},
                                     {InputKind::Relative, std::uint16_t(InputAxis::Y), y}};
        device("ps2mouse").input(events);
    }
    void button(InputButton which, bool down) {
        const InputEvent event{InputKind::Button, std::uint16_t(which), down};
        device("ps2mouse").input({&event, 1});
    }

    DeviceBench bench{"i8042"};
};

TEST_F(I8042, IsUnlockedAndEmptyAtFirst) {
    EXPECT_EQ(status(), 0x18u);
    command(0x20);
    EXPECT_EQ(get(), List{0x03});
    command(0xd0);
    EXPECT_EQ(get(), List{0xcf});
    command(0xc0);
    EXPECT_EQ(get(), List{0x80});
}

TEST_F(I8042, TestsItselfAndItsPorts) {
    command(0xaa);
    EXPECT_EQ(status(), 0x1du);
    EXPECT_EQ(get(), List{0x55});
    EXPECT_EQ(status(), 0x1cu);
    command(0xab);
    EXPECT_EQ(get(), List{0x00});
    command(0xa9);
    EXPECT_EQ(get(), List{0x00});
}

TEST_F(I8042, DisablesAndEnablesItsPorts) {
    const std::pair<unsigned, unsigned> steps[] = {{0xa7, 0x23}, {0xad, 0x33}, {0xa8, 0x13}, {0xae, 0x03}};
    for (const auto& [code, mode] : steps) {
        command(code);
        command(0x20);
        EXPECT_EQ(get(), List{mode}) << code;
    }
    command(0xad);
    press("a");
    EXPECT_EQ(get(), List{});
    command(0xae);
    EXPECT_EQ(get(), (List{0x1c, 0xf0, 0x1c}));
}

TEST_F(I8042, PassesBytesOffAsItsDevices) {
    command(0xd2);
    put(0x55);
    EXPECT_EQ(get(), List{0x55});
    command(0xd3);
    put(0x66);
    EXPECT_EQ(get(), List{0x166});
}

TEST_F(I8042, InterruptsForEachByteOfEachDevice) {
    set_mode(0x43);
    bench.output_changes("", 0);
    press("a");
    EXPECT_EQ(bench.output("", 0), 1);
    EXPECT_EQ(get(), (List{0x1e, 0x9e}));
    EXPECT_EQ(bench.output("", 0), 0);
    EXPECT_EQ(bench.output_changes("", 0), 4u);
    EXPECT_EQ(bench.output("", 1), 0);
    command(0xd4);
    put(0xf4);
    EXPECT_EQ(bench.output("", 1), 1);
    EXPECT_EQ(bench.output("", 0), 0);
    set_mode(0x40);
    EXPECT_EQ(bench.output("", 1), 0);
}

TEST_F(I8042, ADebuggerLeavesTheByte) {
    press("a");
    EXPECT_EQ(bench.peek(0, 1, "data"), 0x1cu);
    EXPECT_EQ(status() & kOutputFull, kOutputFull);
}

TEST_F(I8042, GatesA20) {
    EXPECT_EQ(bench.output("a20"), 1);
    command(0xd1);
    put(0xdd);
    EXPECT_EQ(bench.output("a20"), 0);
    command(0xdf);
    EXPECT_EQ(bench.output("a20"), 1);
    command(0xdd);
    EXPECT_EQ(bench.output("a20"), 0);
    bench.reset();
    EXPECT_EQ(bench.output("a20"), 1);
}

TEST_F(I8042, ResetsTheMachine) {
    command(0xff);
    EXPECT_EQ(bench.requests().size(), 0u);
    command(0xfe);
    EXPECT_EQ(bench.requests().size(), 1u);
    command(0xd1);
    put(0xde);
    EXPECT_EQ(bench.requests().size(), 2u);
}

TEST_F(I8042, TheKeyboardAnswersCommands) {
    EXPECT_EQ(keyboard({0xff}), (List{0xfa, 0xaa}));
    EXPECT_EQ(keyboard({0xee}), (List{0xee}));
    EXPECT_EQ(keyboard({0xf2}), (List{0xfa, 0xab, 0x83}));
    set_mode(0x43);
    EXPECT_EQ(keyboard({0xf2}), (List{0xfa, 0xab, 0x41}));
    set_mode(0x03);
    EXPECT_EQ(keyboard({0xed}), (List{0xfa}));
    EXPECT_EQ(keyboard({0x07}), (List{0xfa}));
    EXPECT_EQ(keyboard({0xfe}), (List{0xfa})) << "the last byte again";
    EXPECT_EQ(keyboard({0x11}), (List{0xfe}));
    EXPECT_EQ(keyboard({0xf0}), (List{0xfa}));
    EXPECT_EQ(keyboard({0x05}), (List{0xfe}));
    EXPECT_EQ(keyboard({0xf0}), (List{0xfa}));
    EXPECT_EQ(keyboard({0x00}), (List{0xfa, 0x02}));
}

TEST_F(I8042, TheKeyboardShowsItsLights) {
    const auto& lights = *query<InputLights>(*bench.device().child("ps2kbd"));
    EXPECT_EQ(lights.lights(), 0u);
    keyboard({0xed});
    keyboard({0x05});
    EXPECT_EQ(lights.lights(), input_lights::kScrollLock | input_lights::kCapsLock);
    keyboard({0xff});
    EXPECT_EQ(lights.lights(), 0u);
}

TEST_F(I8042, ADisabledKeyboardIsSilent) {
    keyboard({0xf5});
    press("a");
    EXPECT_EQ(get(), List{});
    keyboard({0xf4});
    press("a");
    EXPECT_EQ(get().size(), 3u);
}

TEST_F(I8042, KeysHaveCodesInThreeSets) {
    press("f7");
    press("right");
    EXPECT_EQ(get(), (List{0x83, 0xf0, 0x83, 0xe0, 0x74, 0xe0, 0xf0, 0x74}));
    set_mode(0x43);
    press("f7");
    press("right");
    press("meta_l");
    EXPECT_EQ(get(), (List{0x41, 0xc1, 0xe0, 0x4d, 0xe0, 0xcd, 0xe0, 0x5b, 0xe0, 0xdb}));
    set_mode(0x03);
    keyboard({0xf0});
    keyboard({0x01});
    press("f7");
    press("right");
    EXPECT_EQ(get(), (List{0x41, 0xc1, 0xe0, 0x4d, 0xe0, 0xcd}));
    keyboard({0xf0});
    keyboard({0x03});
    press("f7");
    press("right");
    EXPECT_EQ(get(), (List{0x37, 0xf0, 0x37, 0x6a, 0xf0, 0x6a}));
}

TEST_F(I8042, PauseAndPrintHaveSequencesOfTheirOwn) {
    set_mode(0x43);
    press("pause");
    EXPECT_EQ(get(), (List{0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}));
    press("print");
    EXPECT_EQ(get(), (List{0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa}));
    key("alt", true);
    press("print");
    key("alt", false);
    EXPECT_EQ(get(), (List{0x38, 0x54, 0xd4, 0xb8}));
    key("ctrl", true);
    press("pause");
    EXPECT_EQ(get(), (List{0x1d, 0xe0, 0x46, 0xe0, 0xc6}));
}

TEST_F(I8042, AHeldKeyRepeats) {
    keyboard({0xf3});
    keyboard({0x00});  // 250 ms, then 30 a second
    key("a", true);
    key("a", true);
    bench.advance_ns(249'000'000);
    EXPECT_EQ(get(), List{0x1c}) << "a host's repetition is not ours";
    bench.advance_ns(2'000'000);
    EXPECT_EQ(get(), List{0x1c});
    bench.advance_ns(100'000'000);
    EXPECT_EQ(get().size(), 3u);
    key("a", false);
    get();
    bench.advance_ns(1'000'000'000);
    EXPECT_EQ(get(), List{});
}

TEST_F(I8042, KeysThatNobodyReadsAreLostAndThatIsSaid) {
    for (unsigned i = 0; i < 20; ++i) press("a");
    const List bytes = get();
    EXPECT_LE(bytes.size(), 17u);
    EXPECT_EQ(bytes.back(), 0x00u);
}

TEST_F(I8042, TheMouseAnswersCommands) {
    EXPECT_EQ(mouse({0xff}), (List{0xfa, 0xaa, 0x00}));
    EXPECT_EQ(mouse({0xf2}), (List{0xfa, 0x00}));
    EXPECT_EQ(mouse({0xe9}), (List{0xfa, 0x00, 0x02, 0x64}));
    EXPECT_EQ(mouse({0xe8, 0x03, 0xe7, 0xf3, 40, 0xf4, 0xe9}),
              (List{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0x30, 0x03, 40}));
    EXPECT_EQ(mouse({0xf6, 0xe9}), (List{0xfa, 0xfa, 0x00, 0x02, 0x64}));
    EXPECT_EQ(mouse({0x01}), (List{0xfe}));
    EXPECT_EQ(mouse({0xee, 0x12, 0xf4, 0xec}), (List{0xfa, 0x12, 0xf4, 0xfa}));
}

TEST_F(I8042, TheMouseReportsMovementsAndButtons) {
    move(3, 4);
    EXPECT_EQ(get(), List{}) << "it is not on";
    mouse({0xf6, 0xf4});
    move(3, 4);
    EXPECT_EQ(get(), (List{0x128, 0x103, 0x1fc})) << "down is negative";
    button(InputButton::Left, true);
    button(InputButton::Right, true);
    EXPECT_EQ(get(), (List{0x109, 0x100, 0x100, 0x10b, 0x100, 0x100}));
    move(-300, 0);
    EXPECT_EQ(get(), (List{0x11b, 0x101, 0x100, 0x11b, 0x1d3, 0x100})) << "255, and what is left";
}

TEST_F(I8042, MovementsThatNobodyReadsAddUp) {
    mouse({0xf4});
    for (unsigned i = 0; i < 100; ++i) move(1, 0);
    int sum = 0;
    const List bytes = get();
    for (std::size_t i = 1; i < bytes.size(); i += 3) sum += int(bytes[i] & 0xff);
    EXPECT_EQ(sum, 100);
    EXPECT_LE(bytes.size(), 30u);
}

TEST_F(I8042, TheSampleRatesOfWheelDriversTurnTheWheelOn) {
    EXPECT_EQ(mouse({0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf2}).back(), 3u);
    mouse({0xf4});
    button(InputButton::WheelUp, true);
    EXPECT_EQ(get(), (List{0x108, 0x100, 0x100, 0x1ff}));
    button(InputButton::WheelUp, false);
    EXPECT_EQ(get(), List{});
    EXPECT_EQ(mouse({0xf3, 200, 0xf3, 200, 0xf3, 80, 0xf2}).back(), 4u);
    button(InputButton::Side, true);
    EXPECT_EQ(get(), (List{0x108, 0x100, 0x100, 0x110}));
    EXPECT_EQ(mouse({0xff, 0xf2}).back(), 0u);
}

TEST_F(I8042, InRemoteModeTheMouseIsAsked) {
    mouse({0xf0, 0xf4});
    move(5, 0);
    EXPECT_EQ(get(), List{});
    EXPECT_EQ(mouse({0xeb}), (List{0xfa, 0x08, 0x05, 0x00}));
    EXPECT_EQ(mouse({0xeb}), (List{0xfa, 0x08, 0x00, 0x00}));
}

TEST_F(I8042, UnknownCommandsAreTaken) {
    for (unsigned code = 0; code < 0xf0; ++code) command(code);
    get();
    EXPECT_EQ(bench.output("a20"), 1);
}

TEST_F(I8042, StateGoesOnElsewhere) {
    set_mode(0x43);
    command(0xd1);
    put(0xdd);
    command(0xd2);
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(bench.save_state(), saved);
    put(0x77);
    EXPECT_EQ(get(), List{0x77});
    command(0xd0);
    EXPECT_EQ(get(), List{0xcd});
}

class Ps2Devices : public I8042 {};

TEST_F(Ps2Devices, KeepTheirState) {
    key("shift", true);
    mouse({0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf4});
    for (const char* name : {"ps2kbd", "ps2mouse"}) {
        bench.focus(*bench.device().child(name));
        const auto saved = bench.save_state();
        bench.reset();
        bench.load_state(saved);
        EXPECT_EQ(bench.save_state(), saved) << name;
        bench.focus(*bench.device().parent());
    }
}

TEST(Keys, HaveDistinctNumbersNamesAndCodes) {
    for (const KeyInfo& key : kKeys) {
        EXPECT_EQ(key_of_number(key.number), &key) << key.name;
        EXPECT_EQ(key_of_name(key.name), &key) << key.name;
        const unsigned code = key.scan_code >> 8 ? (key.scan_code & 0xffu) | 0x80 : key.scan_code;
        EXPECT_EQ(key_of_scan_code(code), &key) << key.name;
    }
    EXPECT_STREQ(key_of_name("sysrq")->name, "print");
    EXPECT_EQ(key_of_name("nokey"), nullptr);
}

}  // namespace
}  // namespace backplane::testing
