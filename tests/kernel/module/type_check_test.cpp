// Types as a third party's manifest may have them.
#include "kernel/module/type_check.h"

#include <backplane/device.h>

#include <gtest/gtest.h>

namespace backplane::kernel {
namespace {

class TypeCheckTest : public ::testing::Test {
  protected:
    TypeCheckTest() {
        add({.name = "object"});
        add({.name = "device", .parent = "object", .abstract = true});
        add({.name = "machine", .parent = "object", .abstract = true});
        add({.name = "service", .parent = "object", .abstract = true});
    }
    ManifestType& add(ManifestType type) { return types_[type.name] = type; }
    /// A device with one property.
    ManifestType& device(const char* name, ManifestProperty property) {
        return add({.name = name,
                    .parent = "device",
                    .interfaces = {Device::kId},
                    .properties = {std::move(property)}});
    }
    std::string verdict(const ManifestType& type) { return check_.verdict(type); }
    std::vector<std::string> warnings(const ManifestType& type) {
        std::vector<const ManifestType*> all;
        for (const auto& [name, each] : types_) all.push_back(&each);
        return check_.warnings(type, all);
    }
    static bool contains(const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    }

    std::map<std::string, ManifestType, std::less<>> types_;
    TypeCheck check_{[this](std::string_view name) -> const ManifestType* {
                         const auto found = types_.find(name);
                         return found == types_.end() ? nullptr : &found->second;
                     },
                     [](std::string_view) { return std::string("nobody has"); }};
};

TEST_F(TypeCheckTest, AnOrdinaryDeviceIsFine) {
    EXPECT_EQ(
        verdict(device("lamp", {.name = "watts", .kind = "uint", .default_text = "40", .has_default = true})),
        "");
}

TEST_F(TypeCheckTest, ADeviceThatOffersNoDeviceIsRefused) {
    EXPECT_TRUE(contains(verdict(add({.name = "lamp", .parent = "device"})), "offers backplane.device/1"));
    EXPECT_EQ(verdict(add({.name = "light", .parent = "device", .abstract = true})), "");
}

TEST_F(TypeCheckTest, WhatADeviceShowsStandsThereOnce) {
    ManifestType& light = add({.name = "light",
                               .parent = "device",
                               .abstract = true,
                               .regions = {{.name = "registers"}},
                               .wires = {{.name = "irq", .direction = "output"}}});
    EXPECT_EQ(verdict(light), "");
    ManifestType lamp{.name = "lamp", .parent = "light", .interfaces = {Device::kId}};
    lamp.wires = {{.name = "irq", .direction = "input"}};
    EXPECT_EQ(verdict(add(lamp)), "");
    lamp.name = "torch";
    lamp.regions = {{.name = "registers"}};
    EXPECT_EQ(verdict(add(lamp)), "region 'registers' stands there twice");
    lamp.name = "candle";
    lamp.regions.clear();
    lamp.wires = {{.name = "irq", .direction = "output"}};
    EXPECT_EQ(verdict(add(lamp)), "output 'irq' stands there twice");
    lamp.name = "beacon";
    lamp.wires = {{.name = "irq", .direction = "sideways"}};
    EXPECT_EQ(verdict(add(lamp)), "wire 'irq' is an 'sideways', which this host does not know");
    EXPECT_NE(verdict(add({.name = "lantern", .parent = "object", .wires = {{.name = "irq"}}})), "");
}

TEST_F(TypeCheckTest, PeoplesNamesOfCommandsAndEventsAreOneAsWell) {
    const auto service = [&](const char* name, const char* human, std::vector<ManifestEvent> events) {
        return verdict(add({.name = name,
                            .parent = "service",
                            .interfaces = {"backplane.command-handler/1"},
                            .commands = {{.human = human}},
                            .events = std::move(events)}));
    };
    const ManifestEvent lit{.name = "LIT", .members = {{.name = "lamp"}}};
    EXPECT_EQ(service("first", "info lamp|info light", {lit}), "");
    EXPECT_EQ(service("second", "light|info light", {}),
              "its monitor command 'info light' is taken by type 'first'");
    EXPECT_EQ(service("third", "info lantern", {lit}), "") << "several may tell of the same";
    EXPECT_EQ(service("fourth", "info candle", {{.name = "LIT"}}),
              "its event 'LIT' has other members than that of type 'first'");
    EXPECT_EQ(service("fifth", "torch|torch", {}), "its monitor command 'torch' stands there twice");
}

TEST_F(TypeCheckTest, ABoardNeedsItsTraits) {
    ManifestType board{.name = "house", .parent = "machine", .interfaces = {"backplane.board/1"}};
    EXPECT_TRUE(contains(verdict(add(board)), "BoardTraits"));
    board.name = "home";
    board.has_class_data = true;
    EXPECT_EQ(verdict(add(board)), "");
}

TEST_F(TypeCheckTest, ADefaultThatDoesNotParseIsRefused) {
    const std::string text = verdict(
        device("lamp", {.name = "watts", .kind = "uint", .default_text = "many", .has_default = true}));
    EXPECT_TRUE(contains(text, "lamp.watts") && contains(text, "many")) << text;
    EXPECT_NE(
        verdict(device(
            "bulb",
            {.name = "watts", .kind = "uint", .default_text = "99", .has_default = true, .maximum = 60})),
        "");
    EXPECT_NE(verdict(device("tube", {.name = "mode",
                                      .kind = "enum",
                                      .default_text = "dim",
                                      .has_default = true,
                                      .choices = "on|off"})),
              "");
}

TEST_F(TypeCheckTest, TwoPropertiesOfOneNameAreRefused) {
    ManifestType& lamp = device("lamp", {.name = "watts", .kind = "uint"});
    lamp.properties.push_back(lamp.properties.front());
    EXPECT_EQ(verdict(lamp), "property 'watts' stands there twice");
}

TEST_F(TypeCheckTest, AKindThatIsNotKnownIsRefused) {
    EXPECT_TRUE(contains(verdict(device("lamp", {.name = "hue", .kind = "colour"})), "'colour'"));
}

TEST_F(TypeCheckTest, AHistoryOfWhatIsNotThereIsRefused) {
    const ManifestProperty watts{.name = "watts", .kind = "uint"};
    ManifestType& lamp = device("lamp", watts);
    lamp.history = {{"1.0", "lumen", "3"}};
    EXPECT_TRUE(contains(verdict(lamp), "'lumen'"));
    ManifestType& bulb = device("bulb", watts);
    bulb.history = {{"last-year", "watts", "3"}};
    EXPECT_TRUE(contains(verdict(bulb), "'last-year'"));
    ManifestType& tube = device("tube", watts);
    tube.history = {{"1.0", "watts", "few"}};
    EXPECT_TRUE(contains(verdict(tube), "'few'"));
    ManifestType& led = device("led", watts);
    led.history = {{"acme:1.0", "watts", "3"}};
    EXPECT_EQ(verdict(led), "");
}

TEST_F(TypeCheckTest, ADeltaThatChangesNothingIsWarnedOf) {
    device("lamp", {.name = "watts", .kind = "uint"});
    ManifestType& board = add({.name = "house",
                               .parent = "machine",
                               .has_class_data = true,
                               .interfaces = {"backplane.board/1"},
                               .versions = {{.version = "1.0", .deltas = {{"lamp", "watts", "3"}}}}});
    EXPECT_TRUE(warnings(board).empty());
    // A descendant may have the property.
    board.versions[0].deltas = {{"device", "watts", "3"}};
    EXPECT_TRUE(warnings(board).empty());
    board.versions[0].deltas = {{"lamp", "lumen", "3"}, {"candle", "watts", "3"}, {"lamp", "watts", "few"}};
    const auto found = warnings(board);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_TRUE(contains(found[0], "'lamp.lumen'"));
    EXPECT_TRUE(contains(found[1], "'candle.watts'"));
    EXPECT_TRUE(contains(found[2], "few"));
}

TEST_F(TypeCheckTest, ACommandBelongsToOneType) {
    ManifestType service{.name = "first",
                         .parent = "service",
                         .interfaces = {"backplane.command-handler/1"},
                         .commands = {{.name = "query-light"}}};
    EXPECT_EQ(verdict(add(service)), "");
    service.name = "second";
    EXPECT_TRUE(contains(verdict(add(service)), "is taken by type 'first'"));
}

TEST_F(TypeCheckTest, ADescendantOfARefusedTypeSaysWhy) {
    add({.name = "light", .parent = "nothing", .abstract = true});
    const std::string text = verdict(add({.name = "lamp", .parent = "light"}));
    EXPECT_TRUE(contains(text, "'light'") && contains(text, "'nothing'")) << text;
}

}  // namespace
}  // namespace backplane::kernel
