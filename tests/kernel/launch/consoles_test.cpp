// What -serial, -monitor, -nographic and their absence connect.
#include "fixture.h"

namespace backplane::kernel {
namespace {

const ObjectPlan& chardev(const LaunchPlan& plan, const std::string& id) {
    static const ObjectPlan kNone;
    for (const ObjectPlan& found : plan.chardevs)
        if (found.id == id) return found;
    return kNone;
}

TEST(Consoles, NographicSharesTheTerminalBetweenSerialPortAndMonitor) {
    const LaunchPlan plan = plan_of("-nographic");
    EXPECT_EQ(plan.serials, (std::vector<std::string>{"serial0"}));
    ASSERT_EQ(plan.monitors.size(), 1u);
    EXPECT_EQ(plan.monitors[0].chardev, "serial0");
    EXPECT_FALSE(plan.monitors[0].control);
    EXPECT_EQ(chardev(plan, "serial0").type, "mux");
    EXPECT_EQ(chardev(plan, "serial0-base").properties, (PropertyList{{"signal", "off"}}));
}

TEST(Consoles, WithoutADisplayThatIsTheDefault) {
    EXPECT_EQ(plan_of("-M virt").serials, plan_of("-nographic").serials);
    EXPECT_TRUE(plan_of("-display none").chardevs.empty());
    EXPECT_TRUE(plan_of("-nodefaults").chardevs.empty());
}

TEST(Consoles, PortsThatNobodySpeaksOfAreTheMachinesOwn) {
    const LaunchPlan bare = plan_of("-display none");
    EXPECT_TRUE(bare.default_serial && bare.default_parallel);
    EXPECT_EQ(bare.unseen_ports, "vc");
    EXPECT_EQ(plan_of("-nographic").unseen_ports, "null");
    const LaunchPlan given = plan_of("-display none -serial none -parallel null");
    EXPECT_FALSE(given.default_serial || given.default_parallel);
    EXPECT_EQ(given.parallels, (std::vector<std::string>{"parallel0"}));
    const LaunchPlan without = plan_of("-display none -nodefaults");
    EXPECT_FALSE(without.default_serial || without.default_parallel);
}

TEST(Consoles, WhatTheUserConnectedStaysThere) {
    const LaunchPlan serial = plan_of("-nographic -serial null");
    EXPECT_EQ(chardev(serial, "serial0").type, "null");
    ASSERT_EQ(serial.monitors.size(), 1u);
    EXPECT_EQ(serial.monitors[0].chardev, "compat_monitor0");

    const LaunchPlan monitor = plan_of("-nographic -monitor none");
    EXPECT_TRUE(monitor.monitors.empty());
    EXPECT_EQ(monitor.serials, (std::vector<std::string>{"serial0"}));
}

TEST(Consoles, ATerminalThatIsTakenIsLeftAlone) {
    const LaunchPlan plan = plan_of("-M virt -qmp stdio");
    EXPECT_TRUE(plan.serials.empty());
    EXPECT_EQ(plan.chardevs.size(), 1u);
    EXPECT_TRUE(plan.monitors[0].control);
}

TEST(Consoles, TheTerminalHasOneUser) {
    const std::string error = error_of("-serial stdio -monitor stdio");
    EXPECT_NE(
        error.find("-monitor stdio: cannot use stdio by multiple character devices: -serial stdio has it"),
        std::string::npos)
        << error;
}

TEST(Consoles, MonSharesASerialPortWithAMonitor) {
    const LaunchPlan plan = plan_of("-serial mon:stdio");
    EXPECT_EQ(plan.monitors.size(), 1u);
    EXPECT_EQ(plan.monitors[0].chardev, plan.serials[0]);
}

TEST(Consoles, ShortFormsBecomeChardevs) {
    const LaunchPlan plan =
        plan_of("-display none -serial unix:/tmp/s,server=on,wait=off -serial tcp:localhost:4444,server "
                "-serial file:out,,put.txt -serial tcp:[::1]:23 -serial none -serial chardev:other");
    EXPECT_EQ(chardev(plan, "serial0").type, "socket");
    EXPECT_EQ(chardev(plan, "serial0").properties,
              (PropertyList{{"path", "/tmp/s"}, {"server", "on"}, {"wait", "off"}}));
    EXPECT_EQ(chardev(plan, "serial1").properties,
              (PropertyList{{"host", "localhost"}, {"port", "4444"}, {"server", "on"}}));
    EXPECT_EQ(chardev(plan, "serial2").properties, (PropertyList{{"path", "out,put.txt"}}));
    EXPECT_EQ(chardev(plan, "serial3").properties, (PropertyList{{"host", "::1"}, {"port", "23"}}));
    EXPECT_EQ(plan.serials[4], "");
    EXPECT_EQ(plan.serials[5], "other");
}

TEST(Consoles, DatagramsAndConsolesHaveShortForms) {
    const LaunchPlan plan =
        plan_of("-serial udp:10.0.0.1:1@:2 -serial udp::3 -serial vc -serial vc:800x600 -serial vc:80Cx24C");
    EXPECT_EQ(chardev(plan, "serial0").properties,
              (PropertyList{{"host", "10.0.0.1"}, {"port", "1"}, {"localport", "2"}}));
    EXPECT_EQ(chardev(plan, "serial1").properties, (PropertyList{{"port", "3"}}));
    EXPECT_EQ(chardev(plan, "serial2").type, "vc");
    EXPECT_EQ(chardev(plan, "serial3").properties, (PropertyList{{"width", "800"}, {"height", "600"}}));
    EXPECT_EQ(chardev(plan, "serial4").properties, (PropertyList{{"cols", "80"}, {"rows", "24"}}));
}

TEST(Consoles, WhatIsNoDeviceIsRefused) {
    EXPECT_NE(error_of("-serial vc:800").find("no WIDTHxHEIGHT"), std::string::npos);
    EXPECT_NE(error_of("-serial tcp:nowhere").find("no HOST:PORT"), std::string::npos);
    EXPECT_NE(error_of("-display gtk").find("there is no display 'gtk'"), std::string::npos);
    EXPECT_NE(error_of("-serial mon:none"), "");
}

TEST(Consoles, AMuxIsADeviceOnAnother) {
    const LaunchPlan plan =
        plan_of("-chardev socket,id=c,path=/tmp/s,mux=on -mon chardev=c,mode=control,pretty=on");
    EXPECT_EQ(chardev(plan, "c").properties, (PropertyList{{"chardev", "c-base"}}));
    EXPECT_EQ(chardev(plan, "c-base").type, "socket");
    EXPECT_TRUE(plan.monitors[0].pretty);
}

TEST(Consoles, QtestIsAPropertyOfItsAccelerator) {
    const LaunchPlan plan = plan_of("-display none -qtest unix:/tmp/q -accel qtest");
    EXPECT_EQ(plan.accelerators[0].properties, (PropertyList{{"chardev", "qtest"}}));
    EXPECT_EQ(plan_of("-qtest unix:/tmp/q").accelerators[0].name, "qtest");
    EXPECT_NE(error_of("-qtest unix:/tmp/q -accel tcg"), "");
}

}  // namespace
}  // namespace backplane::kernel
