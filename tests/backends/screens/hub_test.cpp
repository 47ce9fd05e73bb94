// Who looks at screens: viewers that come, leave and pause, also while they are told something.
#include <backplane/screen.h>
#include <backplane/testing/bench.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace backplane::testing {
namespace {

struct Viewer final : ScreenViewer {
    void drawn(const ScreenArea&) override {}
    void copied(std::uint32_t, std::uint32_t, const ScreenArea&) override {}
    void replaced() override {
        ++replacements;
        if (on_replaced) on_replaced();
    }
    void pointer_changed() override {}
    void pointer_moved() override {}
    void looked() override {
        ++looks;
        if (on_looked) on_looked();
    }
    void screen_gone() override {
        ++gone;
        if (on_gone) on_gone();
    }
    unsigned replacements = 0, looks = 0, gone = 0;
    std::function<void()> on_replaced, on_looked, on_gone;
};

class Screens : public ::testing::Test {
  protected:
    static constexpr std::uint32_t kPace = 10;  // ms
    Screens() {
        bench.add("gpex-pcihost", "pci");
        card = &bench.add("secondary-vga", "card", {{"romfile", ""}}, "pci");
        hub = query<ScreenHub>(bench.add("screens", "hub"));
        IgnoredErrors none;
        place = hub->find("card", 0, none);
    }
    DeviceBench bench;
    Object* card = nullptr;
    ScreenHub* hub = nullptr;
    ScreenPlace place;
    Viewer first, second;
};

TEST_F(Screens, AreFoundByTheirDevice) {
    EXPECT_EQ(hub->count(), 1u);
    EXPECT_EQ(hub->at(0).device, card);
    EXPECT_EQ(hub->at(1).screen, nullptr);
    ErrorText errors;
    EXPECT_EQ(hub->find("card", 1, errors).screen, nullptr);
    EXPECT_EQ(errors.text(), "there is no head 1");
}

TEST_F(Screens, FirstLookShowsAll) {
    hub->watch(place, first, kPace);
    hub->look(place);
    hub->look(place);
    EXPECT_EQ(first.replacements, 1u);
    EXPECT_EQ(first.looks, 2u);
    hub->watch(place, second, kPace);
    hub->look(place);
    EXPECT_EQ(second.replacements, 1u);
    EXPECT_EQ(first.replacements, 1u);
}

TEST_F(Screens, ViewersMayLeaveWhileTheyAreTold) {
    first.on_replaced = [&] { hub->unwatch(first); };
    hub->watch(place, first, kPace);
    hub->look(place);
    EXPECT_EQ(first.looks, 0u) << "it has left";
    hub->look(place);
    EXPECT_EQ(first.replacements, 1u);

    first.on_replaced = nullptr;
    first.on_looked = [&] {
        hub->unwatch(first);
        hub->unwatch(second);
    };
    hub->watch(place, first, kPace);
    hub->watch(place, second, kPace);
    hub->look(place);
    EXPECT_EQ(second.looks, 0u);
}

TEST_F(Screens, WhoComesWhileOthersAreToldIsShownAllLater) {
    first.on_looked = [&] {
        first.on_looked = nullptr;
        hub->watch(place, second, kPace);
    };
    hub->watch(place, first, kPace);
    hub->look(place);
    EXPECT_EQ(second.replacements, 0u);
    hub->look(place);
    EXPECT_EQ(second.replacements, 1u);
}

TEST_F(Screens, WhoPausedIsShownAllThatChanged) {
    hub->watch(place, first, kPace);
    hub->look(place);
    hub->set_interval(first, 0);
    bench.focus(*card);
    // A mode of Bochs' registers: 640 by 480, 32 bits.
    for (const auto& [index, value] : {std::pair{1, 640}, {2, 480}, {3, 32}, {4, 0x41}})
        bench.write(0x500 + 2 * unsigned(index), std::uint64_t(value), 2, "registers");
    hub->look(place);
    EXPECT_EQ(first.looks, 1u);
    hub->set_interval(first, kPace);
    hub->look(place);
    EXPECT_EQ(first.replacements, 2u);
    EXPECT_EQ(place.screen->surface().width, 640u);
}

TEST_F(Screens, ViewersHearThatTheScreenWent) {
    auto other = std::make_unique<Viewer>();
    hub->watch(place, first, kPace);
    hub->watch(place, *other, kPace);
    first.on_gone = [&] {
        hub->unwatch(*other);
        other.reset();
        hub->unwatch(first);
    };
    bench.remove(*card);
    EXPECT_EQ(first.gone, 1u);
    EXPECT_EQ(hub->count(), 0u);
}

}  // namespace
}  // namespace backplane::testing
