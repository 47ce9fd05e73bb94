// The two stages of the watchdog, and what protects them.
#include <backplane/pci.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kPreload1 = 0, kPreload2 = 4, kStatus = 8, kReload = 12;
constexpr unsigned kConfiguration = 0x60, kLock = 0x68;
constexpr std::uint64_t kMillisecond = 1'000'000;

class I6300esb : public ::testing::Test {
  protected:
    I6300esb() : watchdog(make()), pci(*query<PciDevice>(watchdog)) { bench.focus(watchdog); }
    Object& make() {
        bench.add("gpex-pcihost", "pci");
        return bench.add("i6300esb", "watchdog", {}, "pci");
    }
    void unlock() {
        bench.write(kReload, 0x80, 2);
        bench.write(kReload, 0x86, 2);
    }
    void set(std::uint64_t offset, std::uint64_t value, unsigned size = 4) {
        unlock();
        bench.write(offset, value, size);
    }
    void config(unsigned offset, unsigned value) {
        Access access;
        pci.config_write(offset, offset == kLock ? 1 : 2, value, access);
    }
    /// Stages of about 100 and 50 ms.
    void start() {
        set(kPreload1, 100);
        set(kPreload2, 50);
        config(kLock, 2);
    }
    void advance(std::uint64_t milliseconds) { bench.advance_ns(milliseconds * kMillisecond); }
    bool expired() { return !bench.requests().empty(); }

    DeviceBench bench;
    Object& watchdog;
    PciDevice& pci;
};

TEST_F(I6300esb, RunsOutAfterTwoStages) {
    EXPECT_EQ(pci.config(0, 4), 0x25ab8086u);
    EXPECT_EQ(pci.config(8, 4), 0x08800000u);
    start();
    advance(99);
    EXPECT_EQ(bench.read(kStatus, 4), 0u);
    advance(1);
    EXPECT_EQ(bench.read(kStatus, 4), 1u);
    bench.write(kStatus, 1, 4);
    EXPECT_EQ(bench.read(kStatus, 4), 0u);
    EXPECT_FALSE(expired());
    advance(50);
    EXPECT_TRUE(expired());
    EXPECT_EQ(bench.read(kReload, 4), 0x200u);
    bench.reset();
    EXPECT_EQ(bench.read(kReload, 4), 0x200u) << "the next system sees why it was started";
    set(kReload, 0x200, 2);
    EXPECT_EQ(bench.read(kReload, 4), 0u);
}

TEST_F(I6300esb, AReloadBeginsAnew) {
    start();
    for (unsigned i = 0; i < 5; ++i) {
        advance(140);
        set(kReload, 0x100, 2);
    }
    EXPECT_FALSE(expired());
    bench.write(kReload, 0x100, 2);
    advance(150);
    EXPECT_TRUE(expired()) << "without the key nothing is reloaded";
}

TEST_F(I6300esb, PreloadsNeedTheKeyOnceForEach) {
    unlock();
    bench.write(kPreload1, 10, 4);
    bench.write(kPreload2, 10, 4);
    config(kLock, 2);
    advance(25);
    EXPECT_EQ(bench.read(kStatus, 4), 1u);
    EXPECT_FALSE(expired()) << "the second was not taken";
}

TEST_F(I6300esb, MayBeTooFastOrSilent) {
    set(kPreload1, 1000);
    set(kPreload2, 1000);
    config(kConfiguration, 0x24);
    config(kLock, 2);
    advance(3);
    EXPECT_EQ(bench.read(kReload, 4), 0x200u);
    EXPECT_FALSE(expired()) << "the output is off";
}

TEST_F(I6300esb, ALockHoldsUpToAReset) {
    start();
    config(kLock, 3);
    config(kLock, 0);
    EXPECT_EQ(pci.config(kLock, 1), 3u);
    const auto state = bench.save_state();
    bench.load_state(state);
    config(kLock, 0);
    EXPECT_EQ(pci.config(kLock, 1), 3u);
    bench.reset();
    EXPECT_EQ(pci.config(kLock, 1), 0u);
    config(kLock, 2);
    config(kLock, 0);
    advance(100'000'000);
    EXPECT_FALSE(expired()) << "it was stopped";
}

TEST_F(I6300esb, FreeRunningItNeverRunsOut) {
    start();
    config(kLock, 6);
    advance(1000);
    EXPECT_EQ(bench.read(kStatus, 4), 1u);
    EXPECT_FALSE(expired());
}

}  // namespace
}  // namespace backplane::testing
