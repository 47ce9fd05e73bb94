// A debugger's packets and their answers, in the words of the GDB manual, appendix E.
#include "fixture.h"

#include <gtest/gtest.h>

namespace backplane::gdb::testing {
namespace {

using Reason = DebugStop::Reason;

class SessionTest : public ::testing::Test {
  protected:
    FakeMachine machine;
    Client client{machine};
    std::string ask(std::string_view payload) { return client.ask(payload); }
};

// ---- frames

TEST_F(SessionTest, PacketsAreAcknowledgedUntilBothAgreeNotTo) {
    client.send_raw("$qC#b4");
    EXPECT_EQ(client.raw, "+$QC01#f5");
    EXPECT_EQ(ask("QStartNoAckMode"), "OK");
    client.send_raw("$qC#b4");
    EXPECT_EQ(client.raw, "$QC01#f5");
}

TEST_F(SessionTest, ADamagedPacketIsAskedForAgainAndAnAnswerIsSentAgain) {
    client.send_raw("$qC#00");
    EXPECT_EQ(client.raw, "-");
    client.raw.clear();
    client.send_raw("$qC#b4");
    client.send_raw("-");
    EXPECT_EQ(client.raw, "+$QC01#f5$QC01#f5");
}

TEST_F(SessionTest, WhatNobodyKnowsIsAnsweredEmpty) {
    for (const char* packet : {"", "vMustReplyEmpty", "qWhat", "_x", "vFile:open:", "QNonStop:1"})
        EXPECT_EQ(ask(packet), "") << packet;
}

TEST_F(SessionTest, APacketThatIsTooLongIsRefused) {
    EXPECT_EQ(ask("m0," + std::string(kMaximumPayload, '0')), "E16");
    EXPECT_EQ(ask("qC"), "QC01");
}

TEST_F(SessionTest, OnlyFeaturesThatTheClientKnowsAreOffered) {
    const std::string plain = ask("qSupported:xmlRegisters=i386");
    EXPECT_EQ(plain.find("multiprocess"), std::string::npos);
    EXPECT_NE(plain.find("PacketSize=10000;"), std::string::npos);
    const std::string full = ask("qSupported:multiprocess+;swbreak+;hwbreak+");
    for (const char* feature :
         {"multiprocess+", "swbreak+", "hwbreak+", "vContSupported+", "qXfer:features:read+"})
        EXPECT_NE(full.find(feature), std::string::npos) << feature;
    EXPECT_EQ(ask("qC"), "QCp1.01");
}

// ---- registers and memory

TEST_F(SessionTest, RegistersAreReadAndWritten) {
    EXPECT_EQ(ask("g"), "88776655443322110010000000000000");
    EXPECT_EQ(ask("p2"), "efbe");
    EXPECT_EQ(ask("P1=0020000000000000"), "OK");
    EXPECT_EQ(machine.first.pc, 0x2000u);
    EXPECT_EQ(ask("G01000000000000000300000000000000"), "OK");
    EXPECT_EQ(machine.first.r0, 1u);
    EXPECT_EQ(machine.first.pc, 3u);
    EXPECT_GT(machine.state_changes, 0u) << "who runs the CPU heard of it";
    machine.first.half_readable = false;
    EXPECT_EQ(ask("p2"), "xxxx");
    for (const char* packet : {"p3", "pffffffffffffffff", "P1=00", "P1", "P9=00", "Gzz", "G01"})
        EXPECT_EQ(ask(packet)[0], 'E') << packet;
}

TEST_F(SessionTest, TheSelectedThreadsRegistersAreMeant) {
    machine.second.r0 = 5;
    EXPECT_EQ(ask("Hg2"), "OK");
    EXPECT_EQ(ask("p0"), "0500000000000000");
    EXPECT_EQ(ask("Hgp1.1"), "OK");
    EXPECT_EQ(ask("p0"), "8877665544332211");
    for (const char* packet : {"Hg3", "Hgp2.1", "Hx1", "H", "Hg1z"}) EXPECT_EQ(ask(packet)[0], 'E') << packet;
}

TEST_F(SessionTest, MemoryIsReadAndWrittenAsTheCpuSeesIt) {
    EXPECT_EQ(ask("M80100010,3:0a0b0c"), "OK");
    EXPECT_EQ(ask("m80100010,4"), "0a0b0c00");
    EXPECT_EQ(ask(std::string("X80100000,2:") + "}#"), "OK");
    EXPECT_EQ(ask("m80100000,2"), "7d23");
    EXPECT_EQ(ask("Qqemu.PhyMemMode:1"), "OK");
    EXPECT_EQ(ask("qqemu.PhyMemMode"), "1");
    EXPECT_EQ(ask("m80000010,1"), "0a");
}

TEST_F(SessionTest, WhatCanBeReadBeforeAHoleIsReturned) {
    EXPECT_EQ(ask("m80103ffe,4"), "0000") << "a page at a time";
    EXPECT_EQ(ask("m90000000,4"), "E0e");
    EXPECT_EQ(ask("M90000000,1:00"), "E0e");
    EXPECT_EQ(ask("m80100000,8001"), "E16");
    for (const char* packet : {"m", "mx,1", "m0", "M80100000,2:00", "M80100000,1", "X80100000,2:a"})
        EXPECT_EQ(ask(packet)[0], 'E') << packet;
}

TEST_F(SessionTest, ADevicesRegistersAreReadAndNotWritten) {
    EXPECT_EQ(ask("m10100000,2"), "d0d0");
    EXPECT_EQ(ask("M10100000,1:00"), "E0e");
}

TEST_F(SessionTest, AMachineThatIsSavedIsReadAndNotWritten) {
    ask("M80100010,1:0a");
    const std::string registers = ask("g");
    machine.saved = true;
    for (const std::string& packet :
         {std::string("M80100010,1:0b"), std::string("X80100010,1:b"), std::string("P0=0000000000000000"),
          "G" + registers, std::string("c3000"), std::string("S05;3000")})
        EXPECT_EQ(ask(packet), "E10") << packet;
    EXPECT_EQ(ask("m80100010,1"), "0a");
    EXPECT_EQ(ask("g"), registers);
    machine.saved = false;
    EXPECT_EQ(ask("M80100010,1:0b"), "OK");
}

// ---- running

TEST_F(SessionTest, TheMachineStopsWhenADebuggerComes) {
    machine.runs = true;
    Client second(machine);
    EXPECT_FALSE(machine.runs);
    EXPECT_EQ(second.ask("?"), "T05thread:01;");
}

TEST_F(SessionTest, ABreakpointIsReportedWithItsThread) {
    ask("qSupported:multiprocess+;swbreak+;hwbreak+");
    EXPECT_EQ(ask("Z0,1000,4"), "OK");
    EXPECT_EQ(ask("Z1,2000,4"), "OK");
    ASSERT_EQ(machine.points.size(), 2u);
    EXPECT_EQ(ask("vCont;c"), "(none)");
    EXPECT_TRUE(machine.runs);
    machine.cpu_stops(1, {Reason::SoftwareBreakpoint, 0x1000});
    EXPECT_TRUE(machine.runs) << "a CPU's thread only tells";
    machine.run_posted();
    EXPECT_FALSE(machine.runs);
    EXPECT_EQ(client.heard(), "T05thread:p1.02;swbreak:;");
    EXPECT_EQ(ask("qC"), "QCp1.02");
    EXPECT_EQ(machine.resumes[1], DebugResume::RunPast) << "for whoever else makes it go on";
    EXPECT_EQ(ask("z0,1000,4"), "OK");
    EXPECT_EQ(machine.points.size(), 1u);
    ask("vCont;c");
    machine.cpu_stops(0, {Reason::HardwareBreakpoint, 0x2000});
    machine.run_posted();
    EXPECT_EQ(client.heard(), "T05thread:p1.01;hwbreak:;");
}

TEST_F(SessionTest, AWatchpointIsReportedWithItsAddress) {
    EXPECT_EQ(ask("Z2,80000010,4"), "OK");
    EXPECT_EQ(machine.points[0], (DebugPoint{Reason::Write, 0x80000010, 4}));
    for (const auto& [reason, text] :
         {std::pair{Reason::Write, "watch"}, {Reason::Read, "rwatch"}, {Reason::Access, "awatch"}}) {
        ask("c");
        machine.cpu_stops(0, {reason, 0x80000012});
        machine.run_posted();
        EXPECT_EQ(client.heard(), std::string("T05thread:01;") + text + ":80000012;");
    }
}

TEST_F(SessionTest, PointsThatCannotBeAreRefused) {
    for (const char* packet : {"Z2,0,0", "Z3,fffffffffffffff0,11", "Z0,1000", "Z0", "Zx,0,1"})
        EXPECT_EQ(ask(packet)[0], 'E') << packet;
    EXPECT_EQ(ask("Z5,0,1"), "");
    for (const char* packet : {"Z0,1,1", "Z0,1,1", "Z0,2,1", "Z0,3,1"}) EXPECT_EQ(ask(packet), "OK");
    EXPECT_EQ(ask("Z0,4,1"), "E1c");
    EXPECT_EQ(ask("z0,4,1"), "OK") << "what is not there is gone";
    EXPECT_EQ(machine.points.size(), 3u);
}

TEST_F(SessionTest, AnAcceleratorThatCannotStopOffersNoBreakpoints) {
    machine.can_debug = false;
    EXPECT_EQ(ask("Z0,1000,4"), "");
    EXPECT_EQ(ask("s"), "E16");
    EXPECT_EQ(ask("c"), "(none)");
}

TEST_F(SessionTest, ForEachThreadTheFirstActionHolds) {
    EXPECT_EQ(ask("vCont?"), "vCont;c;C;s;S");
    ask("vCont;s:1;c");
    EXPECT_EQ(machine.resumes, (std::array{DebugResume::Step, DebugResume::Run}));
    machine.cpu_stops(0, {});
    machine.run_posted();
    EXPECT_EQ(client.heard(), "T05thread:01;");
    ask("vCont;s:p1.2");
    EXPECT_EQ(machine.resumes, (std::array{DebugResume::Stand, DebugResume::Step}));
    machine.stop_machine(false);
    ask("vCont;C05:2;S05:p1.-1");
    EXPECT_EQ(machine.resumes, (std::array{DebugResume::Step, DebugResume::Run}));
    machine.stop_machine(false);
    for (const char* packet : {"vCont", "vCont;", "vCont;x", "vCont;c:3", "vCont;c:", "vCont;C", "vCont;cc"})
        EXPECT_EQ(ask(packet)[0], 'E') << packet;
    EXPECT_FALSE(machine.runs);
}

TEST_F(SessionTest, TheOldFormsGoOnAndStepFromAnAddress) {
    ask("s2000");
    EXPECT_EQ(machine.first.pc, 0x2000u);
    EXPECT_EQ(machine.resumes, (std::array{DebugResume::Step, DebugResume::Stand}));
    machine.stop_machine(false);
    ask("Hc2");
    ask("S05");
    EXPECT_EQ(machine.resumes, (std::array{DebugResume::Stand, DebugResume::Step}));
    machine.stop_machine(false);
    ask("C05;3000");
    EXPECT_EQ(machine.first.pc, 0x3000u);
    EXPECT_EQ(machine.resumes, (std::array{DebugResume::Run, DebugResume::Run}));
}

TEST_F(SessionTest, AnInterruptStopsTheMachine) {
    ask("c");
    client.send_raw("\x03");
    EXPECT_FALSE(machine.runs);
    EXPECT_EQ(client.heard(), "T02thread:01;");
    client.send_raw("\x03");
    EXPECT_EQ(client.heard(), "(none)") << "nobody waits";
}

TEST_F(SessionTest, StopsByOthersAreReportedWithTheirReason) {
    for (const auto& [state, signal] :
         {std::pair{"paused", "T02"}, {"shutdown", "T03"}, {"internal-error", "T06"}, {"debug", "T05"}}) {
        ask("c");
        machine.runs = false;
        machine.listener->machine_stopped(state);
        EXPECT_EQ(client.heard(), std::string(signal) + "thread:01;");
    }
}

TEST_F(SessionTest, AStopThatNobodyWaitsForIsNotSent) {
    machine.start_machine();  // by a monitor
    machine.stop_machine(false);
    EXPECT_EQ(client.heard(), "(none)");
    EXPECT_EQ(ask("?"), "T02thread:01;");
}

TEST_F(SessionTest, WhatIsAskedWhileTheMachineRunsStopsItForAMoment) {
    machine.start_machine();
    EXPECT_EQ(ask("g").size(), 32u);
    EXPECT_EQ(ask("Z0,1000,4"), "OK");
    EXPECT_TRUE(machine.runs);
    EXPECT_FALSE(machine.quiet);
}

TEST_F(SessionTest, AMachineThatCannotGoOnIsReportedAtOnce) {
    machine.can_start = false;
    EXPECT_EQ(ask("c"), "T05thread:01;");
}

TEST_F(SessionTest, TheEndOfTheProgramIsReported) {
    ask("c");
    machine.listener->machine_ends(3);
    EXPECT_EQ(client.heard(), "W03");
}

TEST_F(SessionTest, KillEndsTheProgram) {
    EXPECT_EQ(ask("vKill;1"), "OK");
    EXPECT_TRUE(machine.quits);
    machine.quits = false;
    ask("k");
    EXPECT_TRUE(machine.quits);
}

TEST_F(SessionTest, AfterDetachNothingStopsAndAnotherMayCome) {
    ask("Z0,1000,4");
    EXPECT_EQ(ask("D"), "OK");
    EXPECT_TRUE(machine.runs);
    EXPECT_TRUE(machine.points.empty());
    EXPECT_EQ(machine.debug_listener, nullptr);
    EXPECT_EQ(ask("vAttach;1"), "T05thread:01;");
    EXPECT_FALSE(machine.runs);
    EXPECT_NE(machine.debug_listener, nullptr);
}

TEST_F(SessionTest, AClientThatVanishesLeavesTheMachineAsItIs) {
    ask("Z0,1000,4");
    ask("c");
    client.session().end();
    EXPECT_TRUE(machine.runs);
    EXPECT_TRUE(machine.points.empty());
    client.session().begin();
    client.session().end();
    EXPECT_FALSE(machine.runs);
}

TEST(SessionBeforeTheMachine, TheMachineStopsAsSoonAsThereIsOne) {
    FakeMachine machine;
    machine.built = false;
    Client client(machine);
    EXPECT_EQ(client.ask("?"), "E01");
    EXPECT_EQ(client.ask("vCont;c"), "E16");
    EXPECT_EQ(client.ask("qfThreadInfo"), "l");
    machine.built = true;
    machine.start_machine();
    machine.run_posted();
    EXPECT_FALSE(machine.runs);
    EXPECT_EQ(client.ask("?").substr(0, 3), "T02");
}

// ---- queries

TEST_F(SessionTest, ThreadsAreListed) {
    EXPECT_EQ(ask("qfThreadInfo"), "m01,02");
    EXPECT_EQ(ask("qsThreadInfo"), "l");
    EXPECT_EQ(ask("T2"), "OK");
    EXPECT_EQ(ask("T3"), "E16");
    machine.second.run.halted = 1;
    EXPECT_EQ(ask("qThreadExtraInfo,2"), hex_of_bytes("CPU#1 [halted]"));
    EXPECT_EQ(ask("qXfer:threads:read::0,1000"),
              "l<?xml version=\"1.0\"?><threads><thread id=\"01\" core=\"0\" name=\"CPU#0\">running</thread>"
              "<thread id=\"02\" core=\"1\" name=\"CPU#1\">halted</thread></threads>");
}

TEST_F(SessionTest, TheDescriptionComesInPieces) {
    std::string whole;
    for (bool more = true; more;) {
        const std::string piece =
            ask("qXfer:features:read:target.xml:" + hex_of_number(whole.size()) + ",40");
        more = piece[0] == 'm';
        whole += piece.substr(1);
        ASSERT_LE(piece.size(), 65u);
    }
    EXPECT_NE(whole.find("<architecture>fake:&lt;64&gt;</architecture>"), std::string::npos);
    EXPECT_NE(whole.find("<reg name=\"pc\" bitsize=\"64\" regnum=\"1\" type=\"code_ptr\"/>"),
              std::string::npos);
    EXPECT_NE(whole.find("<reg name=\"half\" bitsize=\"16\" regnum=\"2\" type=\"int\" group=\"system\"/>"),
              std::string::npos);
    EXPECT_EQ(ask("qXfer:features:read:other.xml:0,40"), "E00");
    EXPECT_EQ(ask("qXfer:auxv:read::0,40"), "");
    EXPECT_EQ(ask("qXfer:features:read:target.xml:ffffff,40"), "E16");
}

TEST_F(SessionTest, MonitorCommandsAreRunAndTheirOutputShown) {
    EXPECT_EQ(ask("qRcmd," + hex_of_bytes("info status")), "O" + hex_of_bytes("ran info status\n") + "|OK");
    EXPECT_EQ(ask("qRcmd,0"), "E16");
    EXPECT_EQ(ask("qRcmd," + hex_of_bytes(std::string(5000, 'x'))).substr(0, 3), "O72");
}

TEST_F(SessionTest, StepsTakeInterruptsWhenTheyAreToldTo) {
    EXPECT_EQ(ask("qqemu.sstepbits"), "ENABLE=1,NOIRQ=2");
    EXPECT_EQ(ask("qqemu.sstep"), "0x3");
    EXPECT_EQ(ask("Qqemu.sstep=0x1"), "OK");
    ask("s");
    EXPECT_EQ(machine.resumes[0], DebugResume::StepWithInterrupts);
    for (const char* packet : {"Qqemu.sstep=0", "Qqemu.sstep=4", "Qqemu.sstep", "Qqemu.PhyMemMode:2"})
        EXPECT_EQ(ask(packet)[0], 'E') << packet;
}

}  // namespace
}  // namespace backplane::gdb::testing
