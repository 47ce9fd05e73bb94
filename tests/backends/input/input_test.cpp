#include <backplane/input.h>
#include <backplane/management.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

using List = std::vector<unsigned>;

class Answer final : public CommandReply {
  public:
    void succeed(Str json) override { text = json.view(); }
    void succeed_text(Str lines) override { text = lines.view(); }
    void fail(Str description) override {
        text = description.view();
        failed = true;
    }
    void fail_as(Str, Str description) override { fail(description); }
    int take_descriptor(Str, Errors&) override { return -1; }
    std::string text;
    bool failed = false;
};

class InputService : public ::testing::Test {
  protected:
    InputService() : service_(&bench.add("input", "input")) {}
    void plug() {
        bench.focus(bench.add("i8042", "keyboard"));
        bench.write(0, 0x60, 1, "command");
        bench.write(0, 0x43, 1, "data");
    }
    Answer execute(const char* command, const char* arguments) {
        Answer answer;
        query<CommandHandler>(*service_)->execute(command, arguments, answer);
        return answer;
    }
    /// What keyboard and mouse have sent.
    List get() {
        List bytes;
        while (bench.read(0, 1, "command") & 1) bytes.push_back(unsigned(bench.read(0, 1, "data")));
        return bytes;
    }
    void mouse_on() {
        bench.write(0, 0xd4, 1, "command");
        bench.write(0, 0xf4, 1, "data");
        get();
    }

    DeviceBench bench;
    Object* service_;
};

TEST_F(InputService, PressesKeysTogetherAndLetsThemGoInReverse) {
    plug();
    EXPECT_EQ(execute("sendkey", R"({"keys": "ctrl-alt-delete"})").text, "{}");
    EXPECT_EQ(get(), (List{0x1d, 0x38, 0xe0, 0x53}));
    bench.advance_ns(99'000'000);
    EXPECT_EQ(get(), List{});
    bench.advance_ns(1'000'000);
    EXPECT_EQ(get(), (List{0xe0, 0xd3, 0xb8, 0x9d}));
}

TEST_F(InputService, HoldsKeysAsLongAsItIsTold) {
    plug();
    execute("send-key", R"({"keys": [{"type": "qcode", "data": "a"}], "hold-time": 5})");
    execute("send-key", R"({"keys": [{"type": "number", "data": 48}], "hold-time": 5})");
    EXPECT_EQ(get(), List{0x1e});
    bench.advance_ns(5'000'000);
    EXPECT_EQ(get(), (List{0x9e, 0x30})) << "one after the other";
    bench.advance_ns(5'000'000);
    EXPECT_EQ(get(), List{0xb0});
}

TEST_F(InputService, KeysHaveNamesAndScanCodes) {
    plug();
    execute("sendkey", R"({"keys": "0x1e-0x9c", "hold-time": 0})");
    bench.advance_ns(0);
    EXPECT_EQ(get(), (List{0x1e, 0xe0, 0x1c, 0xe0, 0x9c, 0x9e}));
    EXPECT_NE(execute("sendkey", R"({"keys": "ctrl-nokey"})").text.find("unknown key 'nokey'"),
              std::string::npos);
    EXPECT_TRUE(execute("sendkey", R"({"keys": ""})").failed);
    EXPECT_TRUE(execute("sendkey", R"({"keys": "0x0"})").failed);
    EXPECT_TRUE(execute("sendkey", R"({"keys": "a", "hold-time": -1})").failed);
    EXPECT_EQ(get(), List{});
}

TEST_F(InputService, SendsEvents) {
    plug();
    mouse_on();
    const char* events = R"({"events": [
        {"type": "key", "data": {"down": true, "key": {"type": "qcode", "data": "ret"}}},
        {"type": "rel", "data": {"axis": "x", "value": 3}},
        {"type": "rel", "data": {"axis": "y", "value": -2}},
        {"type": "btn", "data": {"down": true, "button": "left"}}]})";
    EXPECT_EQ(execute("input-send-event", events).text, "{}");
    EXPECT_EQ(get(), (List{0x1c, 0x09, 0x03, 0x02}));
}

TEST_F(InputService, RefusesEventsWithTheirNumber) {
    plug();
    const std::pair<const char*, const char*> cases[] = {
        {R"({"events": [{"type": "tap", "data": {}}]})", "events: number 0: its type"},
        {R"({"events": [{"type": "key"}]})", "no member 'data'"},
        {R"({"events": [7]})", "no member 'type'"},
        {R"({"events": [{"type": "rel", "data": {"axis": "z", "value": 1}}]})", "not 'z'"},
        {R"({"events": [{"type": "abs", "data": {"axis": "x", "value": 40000}}]})", "40000"},
        {R"({"events": [{"type": "btn", "data": {"down": 1, "button": "left"}}]})", "neither true nor false"},
        {R"({"events": [{"type": "btn", "data": {"down": true, "button": "seventh"}}]})", "'seventh'"},
        {R"({"events": [{"type": "key", "data": {"down": true, "key": {"type": "x", "data": 1}}}]})", "'x'"},
        {R"({"device": "video0", "events": []})", "device"},
    };
    for (const auto& [arguments, reason] : cases) {
        const Answer answer = execute("input-send-event", arguments);
        EXPECT_TRUE(answer.failed) << arguments;
        EXPECT_NE(answer.text.find(reason), std::string::npos) << answer.text;
    }
    EXPECT_EQ(get(), List{});
}

TEST_F(InputService, MovesThePointer) {
    plug();
    mouse_on();
    execute("mouse_move", R"({"dx": 10, "dy": 5})");
    EXPECT_EQ(get(), (List{0x28, 10, 0xfb}));
    execute("mouse_button", R"({"buttons": 5})");
    EXPECT_EQ(get(), (List{0x0b, 0, 0}));
    execute("mouse_button", R"({"buttons": 0})");
    EXPECT_EQ(get(), (List{0x08, 0, 0}));
    EXPECT_TRUE(execute("mouse_move", R"({"dx": 100000, "dy": 0})").failed);
}

TEST_F(InputService, ListsAndChoosesPointers) {
    EXPECT_EQ(execute("info mice", "{}").text, "No mouse devices connected\n");
    plug();
    EXPECT_EQ(execute("info mice", "{}").text, "* Mouse #0: ps2-mouse\n");
    EXPECT_EQ(execute("query-mice", "{}").text,
              R"([{"name":"ps2-mouse","index":0,"current":true,"absolute":false}])");
    bench.add("i8042", "second");
    mouse_on();
    EXPECT_EQ(execute("info mice", "{}").text, "* Mouse #0: ps2-mouse\n  Mouse #1: ps2-mouse\n")
        << "the one that listens";
    EXPECT_FALSE(execute("mouse_set", R"({"index": 1})").failed);
    EXPECT_EQ(execute("info mice", "{}").text, "  Mouse #0: ps2-mouse\n* Mouse #1: ps2-mouse\n");
    EXPECT_TRUE(execute("mouse_set", R"({"index": 2})").failed);
}

TEST_F(InputService, SaysWhenNobodyListens) {
    EXPECT_TRUE(execute("sendkey", R"({"keys": "a"})").failed);
    EXPECT_TRUE(execute("mouse_move", R"({"dx": 1, "dy": 1})").failed);
    EXPECT_FALSE(query<InputHub>(*service_)->taken(input_takes::kKeys));
    plug();
    EXPECT_TRUE(query<InputHub>(*service_)->taken(input_takes::kKeys));
    EXPECT_FALSE(query<InputHub>(*service_)->taken(input_takes::kAbsolute));
}

TEST_F(InputService, KeysThatWaitAreLimited) {
    plug();
    unsigned taken = 0;
    while (taken < 10'000 && !execute("sendkey", R"({"keys": "a", "hold-time": 1000})").failed) ++taken;
    EXPECT_LT(taken, 1000u);
    EXPECT_GT(taken, 100u);
}

}  // namespace
}  // namespace backplane::testing
