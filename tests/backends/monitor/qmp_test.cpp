#include "plugins/backends/monitor/qmp.h"

#include "fixture.h"

namespace backplane::monitor {
namespace {

class Qmp : public MonitorTest<QmpMonitor> {
  protected:
    void negotiate() {
        open();
        chardev.type("{\"execute\": \"qmp_capabilities\"}");
        chardev.take();
    }
    std::string answer(std::string_view request) {
        chardev.type(request);
        return chardev.take();
    }
};

TEST_F(Qmp, GreetsWhoConnects) {
    open();
    EXPECT_EQ(chardev.take(), "{\"QMP\": {\"version\": {\"package\": \"test\"}, \"capabilities\": []}}\r\n");
}

TEST_F(Qmp, WantsANegotiationFirst) {
    open();
    chardev.take();
    EXPECT_EQ(answer("{\"execute\": \"stop\"}"),
              "{\"error\": {\"class\":\"CommandNotFound\",\"desc\":\"Expecting capabilities "
              "negotiation with 'qmp_capabilities'\"}}\r\n");
    EXPECT_EQ(answer("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": []}}"),
              "{\"return\": {}}\r\n");
    EXPECT_TRUE(management.calls.empty());
}

TEST_F(Qmp, RefusesCapabilitiesThatItDidNotOffer) {
    open();
    chardev.take();
    EXPECT_NE(answer("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}")
                  .find("\"error\""),
              std::string::npos);
    answer("{\"execute\": \"stop\"}");
    EXPECT_TRUE(management.calls.empty());
}

TEST_F(Qmp, HandsACommandOverAndReturnsItsId) {
    negotiate();
    management.reply.json = "[1]";
    EXPECT_EQ(answer("{\"execute\": \"x\", \"arguments\": {\"a\": 1}, \"id\": {\"n\": 7}}"),
              "{\"return\": [1], \"id\": {\"n\":7}}\r\n");
    EXPECT_EQ(management.calls, (std::vector<std::string>{"x{\"a\":1}"}));
}

TEST_F(Qmp, AnErrorHasAClassAndTheId) {
    negotiate();
    management.reply = {false, {}, "DeviceNotFound", "no such thing", {}};
    EXPECT_EQ(answer("{\"execute\": \"x\", \"id\": 1}"),
              "{\"error\": {\"class\":\"DeviceNotFound\",\"desc\":\"no such thing\"}, \"id\": 1}\r\n");
}

TEST_F(Qmp, SeveralCommandsMayComeInOnePacket) {
    negotiate();
    chardev.type("{\"execute\": \"a\"}{\"execute\": \"b\"}\n{\"exe");
    chardev.type("cute\": \"c\"}");
    EXPECT_EQ(management.calls, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Qmp, AnAnswerMayComeLaterAndTheNextCommandWaitsForIt) {
    negotiate();
    management.late = true;
    chardev.type("{\"execute\": \"a\", \"id\": 1}{\"execute\": \"b\", \"id\": 2}");
    EXPECT_EQ(management.calls, (std::vector<std::string>{"a"}));
    EXPECT_EQ(chardev.take(), "");
    EXPECT_EQ(chardev.front->can_receive(), 0u);
    management.answer();
    EXPECT_EQ(chardev.take(), "{\"return\": {}, \"id\": 1}\r\n");
    EXPECT_EQ(management.calls, (std::vector<std::string>{"a", "b"}));
    management.answer();
    EXPECT_EQ(chardev.take(), "{\"return\": {}, \"id\": 2}\r\n");
    EXPECT_GT(chardev.accepted, 0);
}

TEST_F(Qmp, ASessionThatEndsLeavesNoAnswerBehind) {
    negotiate();
    management.late = true;
    chardev.type("{\"execute\": \"a\"}{\"execute\": \"b\"}");
    chardev.front->char_event(CharEvent::Closed);
    EXPECT_EQ(management.waiting, nullptr);
    chardev.front->char_event(CharEvent::Opened);
    chardev.take();
    EXPECT_EQ(answer("{\"execute\": \"qmp_capabilities\", \"id\": 3}"), "{\"return\": {}, \"id\": 3}\r\n");
    EXPECT_EQ(management.calls, (std::vector<std::string>{"a"}));
}

TEST_F(Qmp, BadInputIsAnErrorAndNoMore) {
    negotiate();
    for (const char* bad : {"[]", "{}", "{\"execute\": 1}", "{\"execute\": \"a\", \"arguments\": []}",
                            "{\"execute\": \"a\", \"extra\": 1}", "{\"execute\" \"a\"}", "nonsense\n"})
        EXPECT_NE(answer(bad).find("GenericError"), std::string::npos) << bad;
    EXPECT_TRUE(management.calls.empty());
    EXPECT_EQ(answer("{\"execute\": \"a\"}"), "{\"return\": {}}\r\n");
}

TEST_F(Qmp, CommandsMayStandInSingleQuotes) {
    negotiate();
    EXPECT_EQ(answer("{'execute': 'x', 'arguments': {'a': 'b'}, 'id': 'c'}"),
              "{\"return\": {}, \"id\": \"c\"}\r\n");
    EXPECT_EQ(management.calls, (std::vector<std::string>{"x{\"a\":\"b\"}"}));
}

TEST_F(Qmp, WhatCouldMeanTwoThingsIsRefused) {
    negotiate();
    EXPECT_NE(answer("{\"execute\": \"a\", \"execute\": \"b\"}").find("duplicate key"), std::string::npos);
    EXPECT_NE(answer("{\"execute\": \"a\", \"arguments\": {\"size\": 1e400}}").find("'size'"),
              std::string::npos);
    EXPECT_TRUE(management.calls.empty());
}

TEST_F(Qmp, EventsComeAfterTheNegotiation) {
    open();
    chardev.take();
    management.listener->management_event("{\"event\": \"STOP\"}");
    EXPECT_EQ(chardev.take(), "");
    answer("{\"execute\": \"qmp_capabilities\"}");
    management.listener->management_event("{\"event\": \"STOP\"}");
    EXPECT_EQ(chardev.take(), "{\"event\": \"STOP\"}\r\n");
}

TEST_F(Qmp, ANewConnectionIsANewSession) {
    negotiate();
    chardev.type("{\"half");
    chardev.front->char_event(CharEvent::Closed);
    management.listener->management_event("{\"event\": \"STOP\"}");
    EXPECT_EQ(chardev.take(), "");
    chardev.front->char_event(CharEvent::Opened);
    chardev.take();
    EXPECT_NE(answer("{\"execute\": \"a\"}").find("Expecting capabilities"), std::string::npos);
}

TEST_F(Qmp, PrettyIsIndented) {
    PropertyValue on;
    on.boolean = true;
    set("pretty", on);
    negotiate();
    management.reply.json = "{\"a\": 1}";
    EXPECT_EQ(answer("{\"execute\": \"x\"}"), "{\n    \"return\": {\n        \"a\": 1\n    }\n}\r\n");
}

TEST_F(Qmp, AClientThatDoesNotReadGetsNoMoreDone) {
    negotiate();
    chardev.room = 0;
    management.reply.json = "\"" + std::string(100 << 10, 'x') + "\"";
    chardev.type("{\"execute\": \"x\"}");
    EXPECT_EQ(chardev.front->can_receive(), 0u);
    chardev.room = ~std::size_t{0};
    chardev.front->can_send();
    EXPECT_GT(chardev.front->can_receive(), 0u);
    EXPECT_EQ(chardev.accepted, 1);
    EXPECT_GT(chardev.take().size(), std::size_t{100} << 10);
}

TEST_F(Qmp, EventsForAClientThatDoesNotReadAreDroppedAndThatIsSaidOnce) {
    negotiate();
    chardev.room = 0;
    const std::string event = "{\"event\": \"" + std::string(1 << 20, 'x') + "\"}";
    for (int i = 0; i < 20; ++i) management.listener->management_event(event);
    EXPECT_EQ(object.warnings.size(), 1u);
}

TEST_F(Qmp, ADeviceInUseIsRefused) {
    QmpMonitor* const first = &monitor;
    open();
    EXPECT_EQ(chardev.front != nullptr, first != nullptr);
    Refusal refusal;
    EXPECT_FALSE(static_cast<Completable&>(monitor).complete(refusal));
    EXPECT_NE(refusal.text.find("'chardev'"), std::string::npos);
}

TEST_F(Qmp, NeedsCommandsToServe) {
    object.management = nullptr;
    Refusal refusal;
    EXPECT_FALSE(static_cast<Completable&>(monitor).complete(refusal));
    EXPECT_EQ(chardev.front, nullptr);
}

}  // namespace
}  // namespace backplane::monitor
