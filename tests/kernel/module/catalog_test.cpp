#include "kernel/module/catalog.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <fstream>
#include <sys/stat.h>

namespace backplane::kernel {
namespace {

namespace fs = std::filesystem;

fs::path fixture(const std::string& name) { return fs::path(FIXTURES) / name; }

bool mapped(const std::string& file) {
    std::ifstream maps("/proc/self/maps");
    std::string line;
    while (std::getline(maps, line))
        if (line.find(file) != std::string::npos) return true;
    return false;
}

const PluginFile* find(const Catalog& catalog, const std::string& file) {
    for (const PluginFile& plugin : catalog.plugins())
        if (plugin.path.filename() == file) return &plugin;
    return nullptr;
}

class CatalogTest : public ::testing::Test {
  protected:
    CatalogTest() { unsetenv("BACKPLANE_PLUGIN_PATH"); }
    ErrorText errors;
};

TEST_F(CatalogTest, ListsWithoutLoading) {
    Catalog catalog({fixture("good")});
    const auto devices = catalog.list("fixture-light");
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(devices[0].type->name, "fixture-lamp");
    EXPECT_EQ(catalog.bus_of(*devices[0].type), "fixture-bus");
    EXPECT_EQ(catalog.properties(*devices[0].type).size(), 1u);
    EXPECT_FALSE(mapped("fixture-good.so"));
}

TEST_F(CatalogTest, ResolvesOptionNamesAliasesAndVersions) {
    Catalog catalog({fixture("good")});
    for (const char* option : {"fixture-house", "house", "home", "fixture-house-2.0"})
        EXPECT_EQ(catalog.resolve_option(option, "machine", "machine type", errors),
                  "fixture-house-2.0-machine")
            << option;
    EXPECT_EQ(catalog.resolve_option("fixture-house-1.0", "machine", "machine type", errors),
              "fixture-house-1.0-machine");
    EXPECT_EQ(catalog.resolve_option("hause", "machine", "machine type", errors), "");
    EXPECT_NE(errors.text().find("did you mean 'house'"), std::string::npos) << errors.text();
    EXPECT_NE(errors.text().find(fixture("good").string()), std::string::npos);
}

TEST_F(CatalogTest, AnUnknownNameSaysNearestPluginAndWhereItLooked) {
    Catalog catalog({fixture("good"), fixture("newer_sdk")});
    const std::string text = catalog.explain_unknown("fixture-lump", "device model");
    EXPECT_NE(text.find("did you mean 'fixture-lamp' (plugin fixture-good)?"), std::string::npos) << text;
    EXPECT_NE(text.find(fixture("good").string()), std::string::npos);
    EXPECT_NE(text.find("skipped fixture-newer_sdk.so: built for SDK 0.99, this host offers 0.1"),
              std::string::npos)
        << text;
}

TEST_F(CatalogTest, LoadsTheProviderOnDemand) {
    Catalog catalog({fixture("good")});
    ASSERT_NE(catalog.types().find("fixture-lamp", errors), nullptr) << errors.text();
    EXPECT_TRUE(find(catalog, "fixture-good.so")->loaded);
    EXPECT_EQ(catalog.types().find("fixture-lamp", errors)->plugin(), "fixture-good");
    // A second catalogue of the same process registers the same code again.
    Catalog second({fixture("good")});
    EXPECT_NE(second.types().find("fixture-house-1.0-machine", errors), nullptr) << errors.text();
}

TEST_F(CatalogTest, RefusesADraftPluginOfAnotherBuildBeforeItsCodeRuns) {
    Catalog catalog({fixture("old_draft")});
    const PluginFile* file = find(catalog, "fixture-old_draft.so");
    ASSERT_NE(file, nullptr);
    EXPECT_NE(file->refusal.find("another build"), std::string::npos) << file->refusal;
    EXPECT_EQ(catalog.types().find("fixture-draft", errors), nullptr);
    EXPECT_FALSE(mapped("fixture-old_draft.so"));
}

TEST_F(CatalogTest, AMissingSymbolIsNamed) {
    Catalog catalog({fixture("missing_symbol")});
    EXPECT_EQ(catalog.types().find("fixture-incomplete", errors), nullptr);
    EXPECT_NE(errors.text().find("fixture_symbol_that_nobody_has"), std::string::npos) << errors.text();
}

TEST_F(CatalogTest, AThrowingInitialiserIsARefusal) {
    Catalog catalog({fixture("throwing")});
    EXPECT_EQ(catalog.types().find("fixture-thrower", errors), nullptr);
    EXPECT_NE(errors.text().find("fuse blown"), std::string::npos) << errors.text();
    EXPECT_FALSE(catalog.types().known("fixture-thrower"));
}

TEST_F(CatalogTest, ADuplicateTypeIsRefusedWithBothOwners) {
    Catalog catalog({fixture("duplicate")});
    EXPECT_EQ(catalog.types().find("fixture-unique", errors), nullptr);
    EXPECT_NE(errors.text().find("'device'"), std::string::npos) << errors.text();
    EXPECT_NE(errors.text().find("the core"), std::string::npos) << errors.text();
}

TEST_F(CatalogTest, TwoFilesOfOnePluginNameAreRefusedWithBoth) {
    Catalog catalog({fixture("good"), fixture("namesake")});
    const PluginFile* second = find(catalog, "fixture-namesake.so");
    EXPECT_NE(second->refusal.find((fixture("namesake") / "fixture-namesake.so").string()),
              std::string::npos);
    EXPECT_NE(second->refusal.find((fixture("good") / "fixture-good.so").string()), std::string::npos);
    EXPECT_EQ(catalog.find_type("fixture-namesake"), nullptr);
    EXPECT_EQ(find(catalog, "fixture-good.so")->refusal, "");
}

TEST_F(CatalogTest, AFileOrFolderThatOthersMayWriteIsRefused) {
    char pattern[] = "/tmp/backplane-catalog-XXXXXX";
    const fs::path folder = mkdtemp(pattern);
    fs::copy(fixture("good") / "fixture-good.so", folder);
    const fs::path file = folder / "fixture-good.so";
    chmod(file.c_str(), 0666);
    EXPECT_NE(find(Catalog({folder}), "fixture-good.so")->refusal.find("written by anyone"),
              std::string::npos);
    chmod(file.c_str(), 0644);
    EXPECT_EQ(find(Catalog({folder}), "fixture-good.so")->refusal, "");
    chmod(folder.c_str(), 0777);
    EXPECT_NE(find(Catalog({folder}), "fixture-good.so")->refusal.find("written by anyone"),
              std::string::npos);
    fs::remove_all(folder);
}

TEST_F(CatalogTest, TheFirstOnThePathWinsAndTheOtherIsReported) {
    char pattern[] = "/tmp/backplane-catalog-XXXXXX";
    const fs::path folder = mkdtemp(pattern);
    fs::copy(fixture("good") / "fixture-good.so", folder / "copy.so");
    Catalog catalog({fixture("good"), folder});
    EXPECT_NE(find(catalog, "copy.so")->refusal.find("provided by"), std::string::npos);
    EXPECT_EQ(find(catalog, "fixture-good.so")->refusal, "");
    fs::remove_all(folder);
}

}  // namespace
}  // namespace backplane::kernel
