#include "kernel/object/type_store.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>

namespace backplane::kernel {
namespace {

TEST(TypeStore, RefusesADuplicateNameAndNamesBothPlugins) {
    TypeStore store;
    ErrorText errors;
    store.set_registering_plugin("first");
    ASSERT_TRUE(store.register_type({.name = "led", .parent = "device"}, errors));
    store.set_registering_plugin("second");
    EXPECT_FALSE(store.register_type({.name = "led", .parent = "device"}, errors));
    EXPECT_NE(errors.text().find("'first'"), std::string::npos);
    EXPECT_NE(errors.text().find("'second'"), std::string::npos);
}

TEST(TypeStore, RefusesMalformedPapers) {
    TypeStore store;
    const InterfaceInfo interfaces[] = {{"x/1", [](void* part) { return part; }}};
    const PropertyInfo choice_without_choices[] = {{.name = "mode", .kind = PropertyKind::Enum}};
    for (const TypeInfo& bad : {TypeInfo{.name = ""}, TypeInfo{.name = "orphan", .parent = nullptr},
                                TypeInfo{.name = "no-part", .interfaces = interfaces},
                                TypeInfo{.name = "no-choices", .properties = choice_without_choices}}) {
        ErrorText errors;
        EXPECT_FALSE(store.register_type(bad, errors));
        EXPECT_TRUE(errors.failed());
    }
}

TEST(TypeStore, MakesParentsFirstAndOnlyWhenAsked) {
    static std::vector<std::string> made;
    made.clear();
    TypeStore store;
    ErrorText errors;
    const auto remember = [](Class& made_class, const void*) { made.emplace_back(made_class.name().view()); };
    store.register_type({.name = "child", .parent = "parent", .class_init = remember}, errors);
    store.register_type({.name = "parent", .parent = "device", .class_init = remember}, errors);
    EXPECT_TRUE(made.empty());
    ASSERT_NE(store.find("child", errors), nullptr);
    EXPECT_EQ(made, (std::vector<std::string>{"parent", "child"}));
}

TEST(TypeStore, RunsAClassBaseInitForEachDescendant) {
    TypeStore store;
    ErrorText errors;
    static constexpr PropertyInfo kSpeed[] = {{.name = "speed", .default_text = "1"}};
    store.register_type({.name = "base",
                         .parent = "device",
                         .properties = kSpeed,
                         .class_base_init =
                             [](Class& c, const void*) {
                                 if (c.name() == Str("fast")) c.set_default("speed", "9");
                             }},
                        errors);
    store.register_type({.name = "fast", .parent = "base"}, errors);
    const Type* fast = store.find("fast", errors);
    ASSERT_NE(fast, nullptr);
    EXPECT_STREQ(fast->default_of(*fast->find_property("speed")), "9");
    const Type* base = store.find("base", errors);
    EXPECT_STREQ(base->default_of(*base->find_property("speed")), "1");
}

TEST(TypeStore, RefusesATypeThatIsItsOwnAncestor) {
    TypeStore store;
    ErrorText errors;
    store.register_type({.name = "hen", .parent = "egg"}, errors);
    store.register_type({.name = "egg", .parent = "hen"}, errors);
    EXPECT_EQ(store.find("hen", errors), nullptr);
    EXPECT_NE(errors.text().find("its own ancestor"), std::string::npos);
}

TEST(TypeStore, ListsByAncestorWithAndWithoutAbstractTypes) {
    TypeStore store;
    ErrorText errors;
    store.register_type({.name = "serial", .parent = "device", .abstract = true}, errors);
    store.register_type({.name = "uart", .parent = "serial"}, errors);
    EXPECT_EQ(store.list("serial", false).size(), 1u);
    EXPECT_EQ(store.list("serial", true).size(), 2u);
}

/// Rows as a plugin has them that was built when a TypeInfo ended before class_base_init and a property before
/// `required`.
TEST(TypeStore, ReadsTheShorterRowsOfAnOlderPlugin) {
    constexpr std::uint32_t kTypeSize = offsetof(TypeInfo, class_base_init);
    constexpr std::uint32_t kPropertySize = offsetof(PropertyInfo, required) & ~7u;
    const PropertyInfo full[2] = {{.name = "first", .default_text = "1"},
                                  {.name = "second", .default_text = "2"}};
    alignas(8) unsigned char properties[2 * kPropertySize];
    alignas(8) unsigned char types[2 * kTypeSize];
    for (int i = 0; i < 2; ++i)
        std::memcpy(properties + i * kPropertySize, static_cast<const void*>(&full[i]), kPropertySize);
    for (int i = 0; i < 2; ++i) {
        TypeInfo info{.name = i ? "old-b" : "old-a", .parent = "device"};
        info.properties = {reinterpret_cast<const PropertyInfo*>(properties), 2};
        std::memcpy(types + i * kTypeSize, static_cast<const void*>(&info), kTypeSize);
    }
    const TypeInfo unused[1] = {};
    TypeTable table(unused);
    table.types = types;
    table.count = 2;
    table.type_size = kTypeSize;
    table.property_size = kPropertySize;
    TypeStore store;
    ErrorText errors;
    ASSERT_TRUE(store.register_types(table, errors)) << errors.text();
    const Type* type = store.find("old-b", errors);
    ASSERT_NE(type, nullptr) << errors.text();
    ASSERT_NE(type->find_property("second"), nullptr);
    EXPECT_STREQ(type->default_of(*type->find_property("second")), "2");
    EXPECT_FALSE(type->find_property("second")->info->required);
    EXPECT_EQ(type->info().class_base_init, nullptr);
}

TEST(TypeStore, AddsUpTheDeltasOfNewerMachineVersions) {
    TypeStore store;
    ErrorText errors;
    static constexpr CompatProperty kSince2[] = {{"nic", "queues", "2"}};
    static constexpr CompatProperty kSince3[] = {{"nic", "queues", "4"}, {"disk", "cache", "off"}};
    static constexpr MachineVersion kVersions[] = {{"3", {}}, {"2", kSince3}, {"1", kSince2}};
    ASSERT_TRUE(store.register_type(
        {.name = "box-machine", .parent = "machine", .option_name = "box", .versions = kVersions}, errors));
    EXPECT_TRUE(store.find("box-3-machine", errors)->compat().empty());
    EXPECT_EQ(store.find("box-2-machine", errors)->compat().size(), 2u);
    const auto& oldest = store.find("box-1-machine", errors)->compat();
    ASSERT_EQ(oldest.size(), 3u);
    EXPECT_EQ(oldest.back().value, "2");
    EXPECT_TRUE(store.find("box-1-machine", errors)->is_a("box-machine"));
}

std::string past(const Type& type, const char* release, const char* property) {
    for (const Type::PastDefault& row : type.past_defaults(release))
        if (row.entry->info->name == std::string_view(property)) return std::string(row.value);
    return {};
}

constexpr PropertyInfo kQueues[] = {{.name = "queues", .default_text = "8"},
                                    {.name = "speed", .default_text = "1"}};

TEST(TypeStore, APastDefaultHoldsUpToItsRelease) {
    TypeStore store;
    ErrorText errors;
    static constexpr HistoryRow kHistory[] = {
        {"9.1", "queues", "2"}, {"8.0", "queues", "1"}, {"10.0", "queues", "4"}};
    ASSERT_TRUE(store.register_type(
        {.name = "nic", .parent = "device", .properties = kQueues, .history = kHistory}, errors));
    const Type& nic = *store.find("nic", errors);
    EXPECT_EQ(past(nic, "", "queues"), "");
    EXPECT_EQ(past(nic, "11.0", "queues"), "");
    EXPECT_EQ(past(nic, "10.0", "queues"), "4");
    EXPECT_EQ(past(nic, "9.2", "queues"), "4");
    EXPECT_EQ(past(nic, "9.0", "queues"), "2");
    EXPECT_EQ(past(nic, "7.2", "queues"), "1");
    EXPECT_EQ(past(nic, "acme:1.0", "queues"), "");
}

TEST(TypeStore, ADescendantsHistoryIsStronger) {
    TypeStore store;
    ErrorText errors;
    static constexpr HistoryRow kHistory[] = {{"9.0", "queues", "2"}, {"9.0", "speed", "3"}};
    static constexpr HistoryRow kOwn[] = {{"9.0", "queues", "1"}};
    store.register_type({.name = "nic", .parent = "device", .properties = kQueues, .history = kHistory},
                        errors);
    store.register_type({.name = "slow-nic", .parent = "nic", .history = kOwn}, errors);
    const Type* slow = store.find("slow-nic", errors);
    ASSERT_NE(slow, nullptr) << errors.text();
    EXPECT_EQ(past(*slow, "9.0", "queues"), "1");
    EXPECT_EQ(past(*slow, "9.0", "speed"), "3");
}

TEST(TypeStore, RefusesAHistoryOfAPropertyThatIsNotThere) {
    TypeStore store;
    ErrorText errors;
    static constexpr HistoryRow kHistory[] = {{"9.0", "lumen", "2"}};
    ASSERT_TRUE(store.register_type({.name = "nic", .parent = "device", .history = kHistory}, errors));
    EXPECT_EQ(store.find("nic", errors), nullptr);
    EXPECT_NE(errors.text().find("'lumen'"), std::string::npos) << errors.text();
}

TEST(TypeStore, AVersionHasItsTraitsReleaseAndWarning) {
    TypeStore store;
    ErrorText errors;
    static constexpr int kToday = 3, kOld = 1;
    static constexpr MachineVersion kVersions[] = {{.version = "3"},
                                                   {.version = "2", .release = "9.0", .traits = &kOld},
                                                   {.version = "1", .deprecated = "use box-3"}};
    ASSERT_TRUE(store.register_type({.name = "box-machine",
                                     .parent = "machine",
                                     .option_name = "box",
                                     .versions = kVersions,
                                     .class_data = &kToday},
                                    errors))
        << errors.text();
    EXPECT_EQ(store.find("box-3-machine", errors)->class_data(), &kToday);
    EXPECT_EQ(store.find("box-2-machine", errors)->class_data(), &kOld);
    EXPECT_EQ(store.find("box-1-machine", errors)->class_data(), &kOld);
    EXPECT_EQ(store.find("box-2-machine", errors)->release(), "9.0");
    EXPECT_EQ(store.find("box-1-machine", errors)->release(), "");
    EXPECT_EQ(store.find("box-1-machine", errors)->deprecated(), "use box-3");
}

TEST(TypeStore, PassesOverTheTypesThatWereRefused) {
    TypeStore store;
    ErrorText errors;
    static constexpr TypeInfo kTypes[] = {{.name = "kept"}, {.name = "taken"}};
    store.set_registering_plugin("p", {"taken"});
    ASSERT_TRUE(store.register_types(TypeTable(kTypes), errors)) << errors.text();
    EXPECT_TRUE(store.known("kept"));
    EXPECT_FALSE(store.known("taken"));
}

TEST(TypeStore, RefusesWhatAManifestCouldNotSay) {
    TypeStore store;
    const PropertyInfo twice[] = {{.name = "a"}, {.name = "a"}};
    const PropertyInfo unknown[] = {{.name = "a", .kind = PropertyKind(99)}};
    const PropertyInfo unfit[] = {{.name = "a", .default_text = "many"}};
    const HistoryRow nonsense[] = {{"once", "a", "1"}};
    const RegionInfo nameless[] = {{.summary = "somewhere"}};
    const WireInfo sideways[] = {{.name = "irq", .direction = WireDirection(2)}};
    for (const TypeInfo& bad :
         {TypeInfo{.name = "twice", .properties = twice}, TypeInfo{.name = "unknown", .properties = unknown},
          TypeInfo{.name = "unfit", .properties = unfit}, TypeInfo{.name = "nameless", .regions = nameless},
          TypeInfo{.name = "sideways", .wires = sideways},
          TypeInfo{.name = "nonsense", .history = nonsense}}) {
        ErrorText errors;
        EXPECT_FALSE(store.register_type(bad, errors)) << bad.name;
        EXPECT_NE(errors.text().find(bad.name), std::string::npos) << errors.text();
    }
}

/// A plugin that was built when a table ended before the sizes of regions and wires.
TEST(TypeStore, ReadsATableThatIsShorter) {
    const TypeInfo types[] = {{.name = "old", .parent = "device"}};
    TypeTable table(types);
    table.struct_size = offsetof(TypeTable, region_size);
    table.region_size = table.wire_size = 0x5a5a5a5a;
    TypeStore store;
    ErrorText errors;
    ASSERT_TRUE(store.register_types(table, errors)) << errors.text();
    EXPECT_TRUE(store.known("old"));
}

/// Rows inside of rows: a plugin that was built when an argument ended before `choices`.
TEST(TypeStore, ReadsTheShorterRowsInsideOfRows) {
    constexpr std::uint32_t kSize = offsetof(ArgumentInfo, choices);
    const ArgumentInfo full[2] = {{.name = "first"}, {.name = "second", .summary = "the second"}};
    alignas(8) unsigned char arguments[2 * kSize];
    for (int i = 0; i < 2; ++i) std::memcpy(arguments + i * kSize, static_cast<const void*>(&full[i]), kSize);
    const CommandInfo commands[] = {
        {.name = "query-x", .arguments = {reinterpret_cast<const ArgumentInfo*>(arguments), 2}}};
    const TypeInfo types[1] = {{.name = "old", .commands = commands}};
    TypeTable table(types);
    table.argument_size = kSize;
    TypeStore store;
    ErrorText errors;
    ASSERT_TRUE(store.register_types(table, errors)) << errors.text();
    const Slice<const ArgumentInfo> read = store.find("old", errors)->info().commands[0].arguments;
    EXPECT_STREQ(read[1].name, "second");
    EXPECT_STREQ(read[1].summary, "the second");
    EXPECT_EQ(read[1].choices, nullptr);
}

}  // namespace
}  // namespace backplane::kernel
