#include "kernel/module/manifest.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace backplane::kernel {
namespace {

std::vector<std::uint8_t> file_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
const std::string kGood = std::string(FIXTURES) + "/good/fixture-good.so";

TEST(Manifest, SaysWhatThePluginRegisters) {
    Manifest manifest;
    ErrorText errors;
    ASSERT_TRUE(read_manifest(std::filesystem::path(kGood), manifest, errors)) << errors.text();
    EXPECT_EQ(manifest.plugin, "fixture-good");
    EXPECT_EQ(manifest.version, "1.2");
    EXPECT_EQ(manifest.sdk_major, std::uint64_t{BACKPLANE_SDK_MAJOR});
    EXPECT_EQ(manifest.sdk_minor, std::uint64_t{BACKPLANE_SDK_MINOR});
    EXPECT_FALSE(manifest.draft);
    ASSERT_EQ(manifest.types.size(), 4u);
    const ManifestType& lamp = manifest.types[1];
    EXPECT_EQ(lamp.name, "fixture-lamp");
    EXPECT_EQ(lamp.parent, "fixture-light");
    EXPECT_TRUE(lamp.user_creatable);
    ASSERT_EQ(lamp.properties.size(), 1u);
    EXPECT_EQ(lamp.properties[0].summary, "Power in \"W\"");
    EXPECT_EQ(lamp.properties[0].default_text, "40");
    EXPECT_EQ(manifest.types[2].aliases, (std::vector<TextPart>{"house", "home"}));
}

TEST(Manifest, SaysWhatWasTrueInThePast) {
    Manifest manifest;
    ErrorText errors;
    ASSERT_TRUE(read_manifest(std::filesystem::path(kGood), manifest, errors)) << errors.text();
    ASSERT_EQ(manifest.types[1].history.size(), 1u);
    EXPECT_EQ(manifest.types[1].history[0].release, "1.0");
    EXPECT_EQ(manifest.types[1].history[0].property, "watts");
    EXPECT_EQ(manifest.types[1].history[0].value, "60");
    const auto& versions = manifest.types[2].versions;
    ASSERT_EQ(versions.size(), 2u);
    EXPECT_EQ(versions[0].version, "2.0");
    EXPECT_EQ(versions[0].release, "");
    EXPECT_EQ(versions[1].release, "1.0");
    EXPECT_EQ(versions[1].deprecated, "use fixture-house-2.0");
    EXPECT_EQ(versions[1].aliases, (std::vector<TextPart>{"hut", "shed"}));
    ASSERT_EQ(versions[1].deltas.size(), 1u);
    EXPECT_EQ(versions[1].deltas[0].type, "fixture-lamp");
    EXPECT_EQ(versions[1].deltas[0].value, "50");
}

TEST(Manifest, SaysWhatUsersAndProgramsMaySay) {
    Manifest manifest;
    ErrorText errors;
    ASSERT_TRUE(read_manifest(std::filesystem::path(kGood), manifest, errors)) << errors.text();
    const ManifestType& service = manifest.types[3];
    ASSERT_EQ(service.options.size(), 1u);
    EXPECT_EQ(service.options[0].name, "light");
    EXPECT_EQ(service.options[0].first_property, "brightness");
    EXPECT_EQ(service.options[0].fixed, "colour=red");
    EXPECT_TRUE(service.options[0].repeatable);
    ASSERT_EQ(service.commands.size(), 1u);
    EXPECT_EQ(service.commands[0].human, "info light|info lamp");
    EXPECT_EQ(service.commands[0].returns, "LightInfo");
    EXPECT_EQ(service.commands[0].when, command_when::kBuilt | command_when::kPreconfig);
    ASSERT_EQ(service.commands[0].arguments.size(), 2u);
    EXPECT_EQ(service.commands[0].arguments[0].kind, ArgumentKind::Number);
    EXPECT_TRUE(service.commands[0].arguments[0].required);
    EXPECT_EQ(service.commands[0].arguments[1].choices, "red|green");
    EXPECT_FALSE(service.commands[0].arguments[1].required);
    ASSERT_EQ(service.events.size(), 1u);
    EXPECT_EQ(service.events[0].members.size(), 2u);
}

TEST(Manifest, ListsRegionsAndWires) {
    Manifest manifest;
    ErrorText errors;
    ASSERT_TRUE(read_manifest(std::filesystem::path(kGood), manifest, errors)) << errors.text();
    const ManifestType& lamp = manifest.types.at(1);
    ASSERT_EQ(lamp.regions.size(), 1u);
    EXPECT_EQ(lamp.regions[0].name, "switch");
    EXPECT_EQ(lamp.regions[0].summary, "on or \"off\"");
    EXPECT_EQ(lamp.regions[0].size, 4u);
    EXPECT_TRUE(lamp.regions[0].optional);
    ASSERT_EQ(lamp.wires.size(), 2u);
    EXPECT_EQ(lamp.wires[0].name, "");
    EXPECT_EQ(lamp.wires[0].direction, "input");
    EXPECT_EQ(lamp.wires[0].count, 3u);
    EXPECT_EQ(lamp.wires[1].direction, "output");
    EXPECT_EQ(lamp.wires[1].count, 0u);
}

TEST(Manifest, ADraftHeaderInAnyFileMakesADraftPlugin) {
    Manifest manifest;
    ErrorText errors;
    const std::filesystem::path file = std::string(FIXTURES) + "/hidden_draft/fixture-hidden_draft.so";
    ASSERT_TRUE(read_manifest(file, manifest, errors)) << errors.text();
    EXPECT_TRUE(manifest.draft);
}

TEST(Manifest, TwoDeclarationsInOneFileAreRefusedWithBothNames) {
    Manifest manifest;
    ErrorText errors;
    const std::filesystem::path file = std::string(FIXTURES) + "/two_plugins/fixture-two_plugins.so";
    EXPECT_FALSE(read_manifest(file, manifest, errors));
    EXPECT_NE(errors.text().find("fixture-one"), std::string::npos) << errors.text();
    EXPECT_NE(errors.text().find("fixture-other"), std::string::npos) << errors.text();
}

TEST(Manifest, ListsOptionsCommandsAndEvents) {
    Manifest manifest;
    ErrorText errors;
    ASSERT_TRUE(read_manifest(std::filesystem::path(LIGHTS), manifest, errors)) << errors.text();
    const ManifestType& lights = manifest.types.at(0);
    EXPECT_EQ(lights.options.at(0).first_property, "place");
    EXPECT_FALSE(lights.options[0].verbatim);
    EXPECT_TRUE(lights.options.at(1).verbatim);
    EXPECT_TRUE(lights.options[1].repeatable);
    EXPECT_EQ(lights.options.at(2).fixed, "level=100,place=here");
    const ManifestCommand& command = lights.commands.at(0);
    EXPECT_EQ(command.name, "set-lights");
    EXPECT_EQ(command.human, "lights");
    EXPECT_EQ(command.arguments.at(0).kind, ArgumentKind::Number);
    EXPECT_TRUE(command.arguments[0].required);
    EXPECT_FALSE(command.arguments.at(1).required);
    EXPECT_EQ(command.arguments[1].choices, "red|green");
    EXPECT_EQ(command.when, command_when::kBuilt);
    EXPECT_EQ(lights.commands.at(1).results.size(), 2u);
    EXPECT_EQ(lights.events.at(0).members.at(0).name, "level");
}

TEST(Manifest, SaysWhatAFileIsWhenItIsNoPlugin) {
    for (const auto& [bytes, expected] :
         std::vector<std::pair<std::string, std::string>>{{"", "not an ELF file"},
                                                          {"hello", "not an ELF file"},
                                                          {std::string("\x7f"
                                                                       "ELF\x01\x01",
                                                                       6),
                                                           "not an ELF"}}) {
        Manifest manifest;
        ErrorText errors;
        EXPECT_FALSE(read_manifest(Bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
                                   manifest, errors));
        EXPECT_NE(errors.text().find(expected), std::string::npos) << errors.text();
    }
    Manifest manifest;
    ErrorText errors;
    EXPECT_FALSE(read_manifest(std::filesystem::path("/lib/x86_64-linux-gnu/libc.so.6"), manifest, errors));
    EXPECT_NE(errors.text().find("no Backplane plugin"), std::string::npos) << errors.text();
}

TEST(Manifest, SurvivesTruncationAtEveryLength) {
    const auto bytes = file_bytes(kGood);
    ASSERT_FALSE(bytes.empty());
    for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 64) {
        Manifest manifest;
        ErrorText errors;
        const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + std::ptrdiff_t(length));
        EXPECT_FALSE(read_manifest(Bytes(cut.data(), cut.size()), manifest, errors)) << length;
    }
}

TEST(Manifest, SurvivesMutation) {
    const auto bytes = file_bytes(kGood);
    std::mt19937 random(1);
    for (int round = 0; round < 3000; ++round) {
        auto mutated = bytes;
        // Headers and the note are where it hurts: half of the flips go into the first and last pages.
        for (int flips = 1 + int(random() % 8); flips > 0; --flips) {
            const std::size_t span =
                random() % 2 ? std::min<std::size_t>(mutated.size(), 1024) : mutated.size();
            const std::size_t at = random() % 2 ? random() % span : mutated.size() - 1 - random() % span;
            mutated[at] = std::uint8_t(random());
        }
        Manifest manifest;
        ErrorText errors;
        const bool ok = read_manifest(Bytes(mutated.data(), mutated.size()), manifest, errors);
        EXPECT_EQ(ok, !errors.failed());
    }
}

TEST(Manifest, RefusesHostileJson) {
    for (const std::string& json :
         {std::string(100000, '['), std::string("{\"plugin\":3}"), std::string("{}"), std::string("null"),
          std::string(R"({"plugin":"x","sdk_major":1,"sdk_minor":0,"types":[{"name":1}]})"),
          std::string(R"({"plugin":"x","sdk_major":1,"sdk_minor":0,"types":7})"),
          std::string(
              R"({"plugin":"x","sdk_major":1,"sdk_minor":0,"types":[{"name":"a","parent":"b","commands":[
              {"arguments":[{"name":"c","kind":"hologram"}]}]}]})"),
          std::string(R"({"plugin":"x","sdk_major":1,"sdk_minor":0,"types":[{"name":"a","parent":"b",
              "history":[["1.0","c"]]}]})"),
          std::string(R"({"plugin":"","sdk_major":1,"sdk_minor":0,"types":[]})")}) {
        Manifest manifest;
        ErrorText errors;
        EXPECT_FALSE(parse_manifest(json, manifest, errors));
        EXPECT_TRUE(errors.failed());
    }
}

}  // namespace
}  // namespace backplane::kernel
