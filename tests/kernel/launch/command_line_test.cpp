// argv → plan, but for consoles (consoles_test.cpp) and -readconfig (read_config_test.cpp).
#include "fixture.h"

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

TEST(CommandLine, OneDashAndTwoAreTheSameOption) {
    EXPECT_EQ(plan_of("-machine virt -m 1G").ram_size, std::uint64_t{1} << 30);
    EXPECT_EQ(plan_of("--machine virt --m 1G").machine, "virt");
    EXPECT_EQ(plan_of("-M virt").machine, "virt");
}

TEST(CommandLine, MachineOptionsAddUp) {
    const LaunchPlan plan = plan_of("-machine virt,a=1 -M type=other,b=on,c");
    EXPECT_EQ(plan.machine, "other");
    EXPECT_EQ(plan.machine_properties, (PropertyList{{"a", "1"}, {"b", "on"}, {"c", "on"}}));
}

TEST(CommandLine, WhatToStartIsAPropertyOfTheMachine) {
    const LaunchPlan plan = plan_of("-kernel k -initrd i -append quiet -bios b -dtb d -kernel k2");
    const PropertyList expected{
        {"initrd", "i"}, {"append", "quiet"}, {"firmware", "b"}, {"dtb", "d"}, {"kernel", "k2"}};
    EXPECT_EQ(plan.machine_properties, expected);
}

TEST(CommandLine, APropertyRemembersTheOptionThatGaveIt) {
    const PropertyList expected{{"kernel", "-kernel k"}, {"firmware", "-bios b"}};
    EXPECT_EQ(plan_of("-kernel k -bios b").property_options, expected);
    EXPECT_EQ(plan_of("-kernel k -M virt,kernel=other").property_options,
              (PropertyList{{"kernel", "-M virt,kernel=other"}}));
}

TEST(CommandLine, AFileHasAName) {
    for (const char* option : {"-kernel", "-bios", "-initrd", "-dtb"}) {
        try {
            read_command_line({option, ""});
            ADD_FAILURE() << option;
        } catch (const UserError& error) {
            EXPECT_EQ(error.what(),
                      std::string(option) + " '': expects the name of a file; leave the option out for none");
        }
    }
    EXPECT_NO_THROW(read_command_line({"-append", ""}));
}

TEST(CommandLine, ACommaAtTheEndEndsTheLastParameter) {
    EXPECT_EQ(plan_of("-device acme,").devices[0].type, "acme");
    EXPECT_EQ(plan_of("-device acme,").devices[0].properties, PropertyList{});
    EXPECT_EQ(plan_of("-device acme,x=1,").devices[0].properties, (PropertyList{{"x", "1"}}));
    EXPECT_EQ(plan_of("-device acme,,").devices[0].type, "acme,");
    EXPECT_NE(error_of("-device ,id=a"), "");
}

TEST(CommandLine, AWordAloneIsNamedAsItWasTyped) {
    EXPECT_EQ(plan_of("d.img").block_nodes[0].option, "disk image d.img");
    EXPECT_EQ(plan_of("d.img").drives[0].option, "disk image d.img");
}

TEST(CommandLine, AMessageShowsAnEmptyValue) {
    try {
        read_command_line({"-m", ""});
        FAIL();
    } catch (const UserError& error) {
        EXPECT_STREQ(error.what(), "-m '': parameter 'size' is missing");
    }
}

TEST(CommandLine, AcceleratorsAreTriedInTheOrderGiven) {
    const LaunchPlan plan = plan_of("-accel kvm:fast -accel slow,thread=multi");
    ASSERT_EQ(plan.accelerators.size(), 3u);
    EXPECT_EQ(plan.accelerators[0].name, "kvm");
    EXPECT_EQ(plan.accelerators[1].name, "fast");
    EXPECT_EQ(plan.accelerators[2].properties, (PropertyList{{"thread", "multi"}}));
    EXPECT_EQ(plan_of("-M virt,accel=a:b").accelerators.size(), 2u);
    EXPECT_EQ(plan_of("-enable-kvm -accel tcg").accelerators.front().name, "kvm");
}

TEST(CommandLine, TwoWaysToNameAnAcceleratorExcludeEachOther) {
    EXPECT_NE(error_of("-accel kvm -machine accel=tcg").find("are incompatible"), std::string::npos);
    EXPECT_NE(error_of("-machine accel=tcg -accel kvm").find("are incompatible"), std::string::npos);
}

TEST(CommandLine, CpuFeaturesAreProperties) {
    const LaunchPlan plan = plan_of("-cpu rv64,+zba,-c,vlen=128");
    EXPECT_EQ(plan.cpu->model, "rv64");
    EXPECT_EQ(plan.cpu->features, (PropertyList{{"zba", "on"}, {"c", "off"}, {"vlen", "128"}}));
    EXPECT_NE(error_of("-cpu +a"), "");
}

TEST(CommandLine, MemoryIsInMebibytesUnlessItSaysOtherwise) {
    EXPECT_EQ(plan_of("-m 128").ram_size, 128u << 20);
    EXPECT_EQ(plan_of("-m size=64M").ram_size, 64u << 20);
    EXPECT_EQ(error_of("-m 0"), "-m 0: a machine needs memory: give a size such as 512M");
    EXPECT_NE(error_of("-m abc").find("expects a size"), std::string::npos);
    EXPECT_EQ(plan_of("-m 1G,slots=2,maxmem=2G").ram_size, 1u << 30);
    EXPECT_EQ(plan_of("-m 1G,slots=2,maxmem=2G").ram_slots, 2u);
    EXPECT_EQ(plan_of("-m 1G,slots=0,maxmem=1G").ram_slots, 0u);
    EXPECT_EQ(error_of("-m 1G,slots=2"), "-m 1G,slots=2: slots specified but no max-size");
    EXPECT_NE(error_of("-m 1G,maxmem=512M").find("maxmem="), std::string::npos);
}

TEST(CommandLine, DevicesAreGivenAsParametersOrAsJson) {
    const LaunchPlan plan =
        plan_of(R"(-device acme,id=a,bus=b0,x=1 -device {"driver":"acme","id":"c","x":true})");
    ASSERT_EQ(plan.devices.size(), 2u);
    EXPECT_EQ(plan.devices[0].bus, "b0");
    EXPECT_EQ(plan.devices[0].properties, (PropertyList{{"x", "1"}}));
    EXPECT_EQ(plan.devices[1].id, "c");
    EXPECT_EQ(plan.devices[1].properties, (PropertyList{{"x", "on"}}));
}

TEST(CommandLine, AnIdIsGivenOncePerKind) {
    EXPECT_EQ(error_of("-device VGA,id=a -device VGA,id=a"),
              "-device VGA,id=a: Duplicate ID 'a' for device; give each an id of its own");
    EXPECT_EQ(error_of("-device VGA,id=a -netdev user,id=a"), "");
    EXPECT_NE(error_of("-netdev user,id=a -netdev user,id=a"), "");
    EXPECT_NE(error_of("-drive file=x,id=a,if=none -blockdev file,node-name=a,filename=y"), "");
}

TEST(CommandLine, ADriveIsABlockNodeAndAPlaceForIt) {
    const LaunchPlan plan =
        plan_of("-drive file=disk.img,format=raw,if=none,id=d,cache=none,readonly=on,discard=unmap");
    ASSERT_EQ(plan.block_nodes.size(), 1u);
    EXPECT_EQ(plan.block_nodes[0].type, "file");
    EXPECT_EQ(plan.block_nodes[0].id, "d");
    EXPECT_EQ(
        plan.block_nodes[0].properties,
        (PropertyList{
            {"filename", "disk.img"}, {"cache.direct", "on"}, {"read-only", "on"}, {"discard", "unmap"}}));
    ASSERT_EQ(plan.drives.size(), 1u);
    EXPECT_EQ(plan.drives[0].interface, "none");
    EXPECT_EQ(plan.drives[0].node, "d");
}

TEST(CommandLine, ADrivesImageMayBeSpelledOut) {
    const LaunchPlan plan =
        plan_of("-drive driver=raw,file.driver=file,file.filename=a,file.locking=off,if=none,id=d");
    ASSERT_EQ(plan.block_nodes.size(), 1u);
    EXPECT_EQ(plan.block_nodes[0].type, "file");
    EXPECT_EQ(plan.block_nodes[0].properties, (PropertyList{{"filename", "a"}, {"locking", "off"}}));
    EXPECT_NE(error_of("-drive file.driver=nbd,file.filename=a,if=none").find("file.driver=nbd"),
              std::string::npos);
}

TEST(CommandLine, DrivesMayStayAsTheyAre) {
    const LaunchPlan plan =
        plan_of("-drive file=a,if=none,id=a -snapshot -drive file=b,if=none,id=b,snapshot=off "
                "-drive file=c,if=none,id=c,format=acme -drive file=d,if=none,id=d,readonly=on");
    std::vector<std::string> nodes;
    for (const ObjectPlan& node : plan.block_nodes) nodes.push_back(node.type + " " + node.id);
    EXPECT_EQ(nodes,
              (std::vector<std::string>{"file a-original", "temporary-overlay a", "file b", "file c-file",
                                        "acme c-original", "temporary-overlay c", "file d"}));
    EXPECT_EQ(plan.block_nodes[0].properties, (PropertyList{{"filename", "a"}, {"read-only", "on"}}));
    EXPECT_EQ(plan.block_nodes[1].properties, (PropertyList{{"file", "a-original"}}));
    EXPECT_EQ(plan_of("-drive file=a,if=none,id=a,snapshot=on").block_nodes.size(), 2u);
}

TEST(CommandLine, AnotherFormatIsANodeAboveTheFile) {
    const LaunchPlan plan = plan_of("-drive file=a,format=acme,id=d");
    ASSERT_EQ(plan.block_nodes.size(), 2u);
    EXPECT_EQ(plan.block_nodes[0].id, "d-file");
    EXPECT_EQ(plan.block_nodes[1].type, "acme");
    EXPECT_EQ(plan.block_nodes[1].properties, (PropertyList{{"file", "d-file"}}));
}

TEST(CommandLine, WhatADriveCannotDoIsRefusedWithAReason) {
    for (const char* bad : {"snapshot=maybe", "iops=5", "throttling.bps-total=5", "werror=fast", "cache=fast",
                            "media=tape", "copy-on-read=on", "index=x"})
        EXPECT_NE(error_of("-drive file=a,if=none,id=d," + std::string(bad)), "") << bad;
}

TEST(CommandLine, ADriveWithoutAFileIsEmpty) {
    const LaunchPlan plan = plan_of("-drive if=none,id=d,media=cdrom -drive if=floppy");
    ASSERT_EQ(plan.block_nodes.size(), 2u);
    EXPECT_EQ(plan.block_nodes[0].type, "blockdev-empty");
    EXPECT_EQ(plan.block_nodes[0].id, "d");
    EXPECT_TRUE(plan.drives[0].named);
    EXPECT_TRUE(plan.drives[0].removable);
    EXPECT_FALSE(plan.drives[1].named);
    EXPECT_NE(error_of("-drive if=none,id=d,aio=native").find("the drive is empty"), std::string::npos);
}

TEST(CommandLine, ShortFormsOfDrivesHaveAnIndex) {
    const LaunchPlan plan = plan_of("-hdb b.img -cdrom c.iso d.img");
    ASSERT_EQ(plan.drives.size(), 3u);
    EXPECT_EQ(plan.drives[0].index, 1u);
    EXPECT_EQ(plan.drives[1].index, 2u);
    EXPECT_TRUE(plan.drives[1].removable);
    EXPECT_EQ(plan.block_nodes[1].properties, (PropertyList{{"filename", "c.iso"}, {"read-only", "on"}}));
    EXPECT_EQ(plan.drives[2].index, 0u);  // a word alone is -hda
}

TEST(CommandLine, ABlockdevMayDescribeTheNodeBelowIt) {
    const LaunchPlan plan =
        plan_of("-blockdev driver=raw,node-name=d,file.driver=file,file.filename=x,file.node-name=f");
    ASSERT_EQ(plan.block_nodes.size(), 2u);
    EXPECT_EQ(plan.block_nodes[0].id, "f");
    EXPECT_EQ(plan.block_nodes[0].properties, (PropertyList{{"filename", "x"}}));
    EXPECT_EQ(plan.block_nodes[1].properties, (PropertyList{{"file", "f"}}));
    const LaunchPlan whole = plan_of(
        "-blockdev driver=raw,node-name=d,cache.direct=on,read-only=on,file.driver=file,file.filename=x,file.read-only=off");
    EXPECT_EQ(whole.block_nodes[0].properties,
              (PropertyList{{"filename", "x"}, {"read-only", "off"}, {"cache.direct", "on"}}));
    EXPECT_EQ(plan_of(R"(-blockdev {"driver":"raw","node-name":"d","file":{"driver":"file","filename":"x"}})")
                  .block_nodes[1]
                  .properties,
              (PropertyList{{"file", "d-file"}}));
}

TEST(CommandLine, ANicIsABackendAndADevice) {
    const LaunchPlan plan = plan_of("-nic user,model=acme,mac=52:54:00:00:00:01,hostfwd=tcp::1-:2");
    ASSERT_EQ(plan.nics.size(), 1u);
    EXPECT_EQ(plan.nics[0].model, "acme");
    EXPECT_EQ(plan.nics[0].properties, (PropertyList{{"mac", "52:54:00:00:00:01"}}));
    EXPECT_EQ(plan.netdevs[0].id, plan.nics[0].netdev);
    EXPECT_EQ(plan.netdevs[0].properties, (PropertyList{{"hostfwd", "tcp::1-:2"}}));
    EXPECT_FALSE(plan.default_network);
    EXPECT_FALSE(plan_of("-nic none").default_network);
    EXPECT_TRUE(plan_of("-M virt").default_network);
}

TEST(CommandLine, GlobalsNameATypeAndAProperty) {
    const LaunchPlan plan = plan_of("-global acme.speed=3 -global driver=b,property=p,value=v");
    ASSERT_EQ(plan.globals.size(), 2u);
    EXPECT_EQ(plan.globals[0].type, "acme");
    EXPECT_EQ(plan.globals[0].value, "3");
    EXPECT_EQ(plan.globals[1].property, "p");
    EXPECT_NE(error_of("-global acme"), "");
}

TEST(CommandLine, TheClockOfTheGuestHasABase) {
    EXPECT_EQ(plan_of("-rtc base=2006-06-17T16:01:21").rtc.date_ns, 1150560081'000'000'000);
    EXPECT_EQ(plan_of("-rtc 1970-01-02,clock=vm").rtc.date_ns, 86400'000'000'000);
    EXPECT_TRUE(plan_of("-rtc clock=vm").rtc.virtual_clock);
    EXPECT_TRUE(plan_of("-rtc driftfix=slew,base=2006-06-17").rtc.slew);
    EXPECT_FALSE(plan_of("-rtc driftfix=none").rtc.slew);
    EXPECT_NE(error_of("-rtc base=foo").find("invalid datetime format"), std::string::npos);
    for (const char* bad : {"base=2006-13-01", "base=2006-01-01T25:00:00", "base=2006-01-01x",
                            "driftfix=fast", "base=9999-01-01"})
        EXPECT_NE(error_of("-rtc " + std::string(bad)), "") << bad;
}

TEST(CommandLine, AnUnknownOptionNamesTheNearest) {
    EXPECT_EQ(error_of("-deviec foo"), "-deviec: invalid option; did you mean -device? -help lists them");
    EXPECT_NE(error_of("-nettap,ifname=tap0").find("-nettap,ifname=tap0: invalid option"), std::string::npos);
    EXPECT_NE(error_of("--zzzzzzzz").find("--zzzzzzzz: invalid option"), std::string::npos);
}

TEST(CommandLine, AMissingArgumentIsSaid) {
    EXPECT_EQ(error_of("-kernel"), "-kernel: requires an argument: FILE");
}

TEST(CommandLine, TheWordAfterAnOptionIsItsArgumentWhateverItIs) {
    const LaunchPlan plan = plan_of("-append -S");
    EXPECT_EQ(plan.machine_properties, (PropertyList{{"append", "-S"}}));
    EXPECT_FALSE(plan.start_paused);
}

TEST(CommandLine, TheFirstQuestionIsAnswered) {
    EXPECT_EQ(read("-device help -machine help").topic->kind, Kind::Devices);
    EXPECT_EQ(read("-device acme,help").topic->name, "acme");
    EXPECT_EQ(read("-cpu help").topic->kind, Kind::Cpus);
    EXPECT_EQ(read("-M virt,help").topic->name, "virt");
    EXPECT_EQ(read("-d help").topic->kind, Kind::LogItems);
    EXPECT_EQ(read("-h").topic->kind, Kind::Usage);
    EXPECT_FALSE(read("-M virt").topic);
}

TEST(CommandLine, EveryOptionStandsInTheHelp) {
    const std::string text = usage();
    for (const char* option :
         {"-machine",   "-M",          "-accel",     "-cpu",         "-smp",       "-m ",       "-kernel",
          "-initrd",    "-append",     "-bios",      "-dtb",         "-drive",     "-blockdev", "-device",
          "-netdev",    "-nic",        "-chardev",   "-serial",      "-monitor",   "-qmp",      "-display",
          "-nographic", "-nodefaults", "-no-reboot", "-no-shutdown", "-S",         "-name",     "-rtc",
          "-global",    "-object",     "-d ",        "-D ",          "-trace",     "-pidfile",  "-version",
          "-help",      "-readconfig", "-qtest",     "-plugin-dir",  "-print-plan"})
        EXPECT_NE(text.find("\n" + std::string(option)), std::string::npos) << option;
}

TEST(CommandLine, LogItemsAreAList) {
    const LaunchPlan plan = plan_of("-d in_asm,int -D log.txt --trace enable=exec");
    EXPECT_EQ(plan.log_items,
              (std::vector<LogItemPlan>{
                  {"-d in_asm,int", "in_asm"}, {"-d in_asm,int", "int"}, {"-trace enable=exec", "exec"}}));
    EXPECT_EQ(plan.log_file, "log.txt");
    EXPECT_NE(error_of("-d in_asm,,int"), "");
}

TEST(CommandLine, WhatFollowsAnEndIsChosen) {
    EXPECT_EQ(plan_of("-no-reboot -no-shutdown").actions,
              plan_of("-action reboot=shutdown,shutdown=pause").actions);
    EXPECT_EQ(plan_of("-watchdog-action pause").actions.watchdog, RunActions::Watchdog::Pause);
    EXPECT_EQ(plan_of("-action panic=exit-failure").actions.panic, RunActions::Panic::ExitFailure);
    for (const char* bad : {"panic=foo", "foo=pause", "watchdog=nmi", "reboot="})
        EXPECT_NE(error_of("-action " + std::string(bad)), "") << bad;
}

TEST(CommandLine, APropertyIsSetForWhatStandsBefore) {
    const LaunchPlan plan = plan_of("-device acme,id=d,x=1 -set device.d.x=2 -set device.d.y=a.b=c");
    EXPECT_EQ(plan.devices.at(0).properties, (PropertyList{{"x", "2"}, {"y", "a.b=c"}}));
    for (const char* bad : {"device.e.x=1", "device.d=1", "nothing.d.x=1", "device.d.=1"})
        EXPECT_NE(error_of("-device acme,id=d -set " + std::string(bad)), "") << bad;
}

TEST(CommandLine, ADeviceAndItsNetworkMayBeTwoOptions) {
    const LaunchPlan plan =
        plan_of("-net nic,model=acme-net,macaddr=52:54:00:00:00:01 -net user,hostfwd=tcp::1-:2");
    ASSERT_EQ(plan.nics.size(), 1u);
    ASSERT_EQ(plan.netdevs.size(), 1u);
    EXPECT_EQ(plan.nics[0].netdev, plan.netdevs[0].id);
    EXPECT_EQ(plan.nics[0].model, "acme-net");
    EXPECT_EQ(plan.nics[0].properties, (PropertyList{{"mac", "52:54:00:00:00:01"}}));
    EXPECT_EQ(plan.netdevs[0].properties, (PropertyList{{"hostfwd", "tcp::1-:2"}}));
    EXPECT_FALSE(plan.default_network);
    EXPECT_NE(plan_of("-net nic").warnings.front().find("there is no network for it"), std::string::npos);
    EXPECT_NE(error_of("-net nic -net nic -net user"), "");
}

TEST(CommandLine, TheParametersOfAnOptionAreListed) {
    EXPECT_EQ(read("-smp help").topic->kind, Kind::Text);
    EXPECT_NE(read("-smp help").topic->name.find("  maxcpus=<N>\n"), std::string::npos);
    EXPECT_NE(read("-action help").topic->name.find("  panic=<pause|shutdown|exit-failure|none>\n"),
              std::string::npos);
    EXPECT_EQ(read("-accel tcg,help").topic->name, "tcg");
    EXPECT_EQ(read("-cpu rv64,help").topic->ancestor, "cpu");
    EXPECT_EQ(read("-blockdev file,help").topic->name, "file");
}

TEST(CommandLine, WhatIsElsewhereIsNoMisspelling) {
    EXPECT_EQ(error_of("-usbdevice tablet"),
              "-usbdevice: devices are plugged in with -device, such as -usb -device usb-tablet");
    EXPECT_EQ(error_of("-vnc :1").find("did you mean"), std::string::npos);
    EXPECT_EQ(error_of("-q"), "-q: invalid option; -help lists them");
}

TEST(CommandLine, ALayoutThatIsNotThereIsNotIgnored) {
    EXPECT_NE(error_of("-k de").find("there is no layout 'de'"), std::string::npos);
    plan_of("-k en-us");
}

TEST(CommandLine, WhatBecomesOfTheProcessIsAPlan) {
    const ProcessPlan plan =
        plan_of("-run-with user=nobody,chroot=/srv -sandbox on,spawn=deny -overcommit mem-lock=on-fault")
            .process;
    EXPECT_EQ(plan.user, "nobody");
    EXPECT_EQ(plan.root, "/srv");
    EXPECT_TRUE(plan.sandbox.on && plan.sandbox.deny_spawn && !plan.sandbox.deny_resources);
    EXPECT_EQ(plan.memory_lock, ProcessPlan::MemoryLock::OnFault);
    for (const char* bad :
         {"-sandbox maybe", "-sandbox on,spawn=x", "-overcommit cpu-pm=on", "-run-with async-teardown=on",
          "-add-fd fd=1", "-add-fd set=1", "-nographic -daemonize",
          "-display none -daemonize -run-with exit-with-parent=on"})
        EXPECT_NE(error_of(bad), "") << bad;
}

TEST(CommandLine, APlanIsPrintedAsJson) {
    const std::string text = print_plan(plan_of("-M virt,x=1 -m 1G -smp 2"));
    EXPECT_NE(text.find("\"memory\": 1073741824"), std::string::npos);
    EXPECT_NE(text.find("\"cpus\": 2"), std::string::npos);
    EXPECT_TRUE(read("-M virt --print-plan").print_plan);
}

TEST(CommandLine, APrintedPlanLeavesNothingOut) {
    const std::string plain = print_plan(plan_of("-M virt -display none"));
    for (const char* option : {"-daemonize",
                               "-runas 1:1",
                               "-chroot /srv",
                               "-run-with exit-with-parent=on",
                               "-sandbox on",
                               "-sandbox on,spawn=deny",
                               "-sandbox on,obsolete=allow",
                               "-sandbox on,elevateprivileges=deny",
                               "-sandbox on,resourcecontrol=deny",
                               "-overcommit mem-lock=on",
                               "-add-fd fd=5",
                               "-msg timestamp=on",
                               "-msg guest-name=on",
                               "-mem-path /dev/shm",
                               "-name x,process=y",
                               "-pidfile x",
                               "-S",
                               "-d int",
                               "-D x",
                               "-L x",
                               "-seed 1",
                               "-rtc clock=vm",
                               "-rtc driftfix=slew",
                               "-no-reboot",
                               "-numa node",
                               "-smp 2",
                               "-m 1G",
                               "-cpu x",
                               "-accel tcg",
                               "-global a.b=c",
                               "-nodefaults",
                               "-nic none"})
        EXPECT_NE(print_plan(plan_of(std::string("-M virt -display none ") + option)), plain) << option;
}

TEST(CommandLine, APlanIsACopyableValue) {
    const LaunchPlan plan = plan_of("-M virt -device a,id=x");
    LaunchPlan copy = plan;
    EXPECT_EQ(copy, plan);
    copy.devices[0].id = "y";
    EXPECT_NE(copy, plan);
}

}  // namespace
}  // namespace backplane::kernel
