#include "kernel/module/catalog.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
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

TEST_F(CatalogTest, AProgramOfOneArchitectureHasItsMachinesAlone) {
    Catalog catalog({fixture("good")});
    EXPECT_FALSE(catalog.select_architecture("straw", errors));
    EXPECT_NE(errors.text().find("no machine of architecture 'straw'"), std::string::npos) << errors.text();
    EXPECT_NE(errors.text().find("brick"), std::string::npos) << errors.text();
    ASSERT_TRUE(catalog.select_architecture("brick", errors));
    ASSERT_EQ(catalog.list("machine").size(), 1u);
    EXPECT_EQ(catalog.default_machine(), catalog.list("machine")[0].type);
    EXPECT_EQ(catalog.list("fixture-light").size(), 1u) << "what has none is for any";
    EXPECT_EQ(catalog.list("cpu").size(), 0u);
}

TEST_F(CatalogTest, AnUnknownNameSaysNearestPluginAndWhereItLooked) {
    Catalog catalog({fixture("good"), fixture("newer_sdk")});
    const std::string text = catalog.explain_unknown("fixture-lump", "device model");
    EXPECT_NE(text.find("did you mean 'fixture-lamp' (plugin fixture-good)?"), std::string::npos) << text;
    EXPECT_NE(text.find(fixture("good").string()), std::string::npos);
    EXPECT_NE(text.find("skipped fixture-newer_sdk.so: built for SDK 0.99, this host offers 0.2"),
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
    EXPECT_EQ(errors.text().find("boost"), std::string::npos) << errors.text();
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

const SearchFolder& folder_of(const Catalog& catalog, const fs::path& path) {
    for (const SearchFolder& folder : catalog.search_path())
        if (folder.path == fs::weakly_canonical(path)) return folder;
    throw std::runtime_error("not on the path: " + path.string());
}

/// A folder of the test's own.
class Scratch {
  public:
    Scratch() {
        char pattern[] = "/tmp/backplane-catalog-XXXXXX";
        path = mkdtemp(pattern);
    }
    ~Scratch() { fs::remove_all(path); }
    fs::path path;
};

TEST_F(CatalogTest, AFileOrFolderThatOthersMayWriteIsRefused) {
    const Scratch scratch;
    fs::copy(fixture("good") / "fixture-good.so", scratch.path);
    const fs::path file = scratch.path / "fixture-good.so";
    chmod(file.c_str(), 0666);
    EXPECT_NE(find(Catalog({scratch.path}), "fixture-good.so")->refusal.find("written by anyone"),
              std::string::npos);
    chmod(file.c_str(), 0644);
    EXPECT_EQ(find(Catalog({scratch.path}), "fixture-good.so")->refusal, "");
    chmod(scratch.path.c_str(), 0777);
    const Catalog catalog({scratch.path});
    EXPECT_NE(folder_of(catalog, scratch.path).problem.find("written by anyone"), std::string::npos);
    EXPECT_EQ(find(catalog, "fixture-good.so"), nullptr);
}

TEST_F(CatalogTest, AFolderThatIsNotThereIsNamed) {
    const Catalog catalog({"/tmp/backplane-no-such-folder"});
    ASSERT_EQ(catalog.folder_warnings().size(), 1u);
    EXPECT_EQ(catalog.folder_warnings()[0], "--plugin-dir: '/tmp/backplane-no-such-folder' does not exist");
}

TEST_F(CatalogTest, TheSamePluginTwiceIsUsedWhereItIsFoundFirst) {
    const Scratch scratch;
    fs::copy(fixture("good") / "fixture-good.so", scratch.path / "copy.so");
    const Catalog catalog({fixture("good"), scratch.path});
    EXPECT_NE(find(catalog, "copy.so")->refusal.find("comes first"), std::string::npos);
    EXPECT_EQ(find(catalog, "fixture-good.so")->refusal, "");
}

TEST_F(CatalogTest, OnlyTheTypeWhoseNameIsTakenIsRefused) {
    Catalog catalog({fixture("good"), fixture("rival")});
    const PluginFile* rival = find(catalog, "fixture-rival.so");
    EXPECT_EQ(rival->refusal, "");
    ASSERT_NE(rival->refused_type("fixture-lamp"), nullptr);
    EXPECT_NE(rival->refused_type("fixture-lamp")->reason.find("fixture-good.so already"), std::string::npos);
    EXPECT_EQ(catalog.types().find("fixture-lamp", errors)->plugin(), "fixture-good") << errors.text();
    ASSERT_NE(catalog.types().find("fixture-rival-lamp", errors), nullptr) << errors.text();
    EXPECT_EQ(catalog.types().find("fixture-rival-lamp", errors)->plugin(), "fixture-rival");
}

TEST_F(CatalogTest, TheEnvironmentTakesNothingFromTheInstallation) {
    setenv("BACKPLANE_PLUGIN_PATH", fixture("rival").c_str(), 1);
    const Catalog catalog;
    unsetenv("BACKPLANE_PLUGIN_PATH");
    EXPECT_EQ(catalog.search_path().front().origin, FolderOrigin::Install);
    EXPECT_NE(find(catalog, "fixture-rival.so")->refused_type("rng-builtin"), nullptr);
    EXPECT_EQ(find(catalog, "rng.so")->refused_type("rng-builtin"), nullptr);
}

TEST_F(CatalogTest, ParentsAreLoadedWhenTheyAreNeeded) {
    Catalog catalog({fixture("good"), fixture("rival")});
    ASSERT_NE(catalog.types().find("fixture-rival", errors), nullptr) << errors.text();
    EXPECT_TRUE(find(catalog, "fixture-rival.so")->loaded);
    EXPECT_FALSE(find(catalog, "fixture-good.so")->loaded);
    ASSERT_NE(catalog.types().find("fixture-rival-lamp", errors), nullptr) << errors.text();
    EXPECT_TRUE(find(catalog, "fixture-good.so")->loaded);
}

TEST_F(CatalogTest, AMissingParentIsNamed) {
    Catalog catalog({fixture("orphan")});
    for (const char* name : {"fixture-orphan", "fixture-grandchild"}) {
        ErrorText reason;
        EXPECT_EQ(catalog.types().find(name, reason), nullptr);
        EXPECT_NE(reason.text().find("'fixture-nobody', which no plugin"), std::string::npos)
            << reason.text();
        EXPECT_EQ(reason.text().find("did you mean"), std::string::npos) << reason.text();
    }
    EXPECT_NE(catalog.types().find("fixture-whole", errors), nullptr) << errors.text();
    EXPECT_EQ(catalog.find_type("fixture-orphan"), nullptr);
}

TEST_F(CatalogTest, ACircleIsNamed) {
    Catalog catalog({fixture("orphan")});
    const std::string text = catalog.explain_unknown("fixture-hen", "device model");
    EXPECT_NE(text.find("'fixture-hen' derives from 'fixture-egg' derives from 'fixture-hen'"),
              std::string::npos)
        << text;
}

TEST_F(CatalogTest, AVersionSaysWhatItChanges) {
    Catalog catalog({fixture("good")});
    // The product's own types have histories as well.
    const auto changes = [&catalog](const char* version) {
        std::vector<std::string> found;
        for (const ManifestDelta& delta : catalog.defaults_of(catalog.find_version(version)))
            if (delta.type.starts_with("fixture-"))
                found.push_back(delta.type + "." + delta.property + "=" + delta.value);
        return found;
    };
    // The board's own delta is stronger than the lamp's history.
    EXPECT_EQ(changes("fixture-house-1.0-machine"), std::vector<std::string>{"fixture-lamp.watts=50"});
    EXPECT_TRUE(changes("fixture-house-2.0-machine").empty());
    EXPECT_EQ(catalog.resolve_option("shed", "machine", "machine type", errors), "fixture-house-1.0-machine");
}

}  // namespace
}  // namespace backplane::kernel
