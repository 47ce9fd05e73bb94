// A vCPU's thread whose guest only counts its visits.
#include <lib/vcpu_thread.h>

#include "tests/fake_object.h"

#include <gtest/gtest.h>

#include <semaphore>

namespace backplane {
namespace {

class FakeObject final : public test::FakeObjectBase {};

class FakeCpu final : public Cpu {
  public:
    explicit FakeCpu(std::uint32_t index) : index_(index) {}
    Str architecture() const override { return "fake"; }
    void set_host(const CpuHost&) override {}
    std::uint32_t index() const override { return index_; }
    Object& object() override { return object_; }
    void* state() override { return &run; }
    std::size_t address_space_count() const override { return 0; }
    AddressSpace& address_space(std::size_t) override { std::abort(); }
    void set_runner(VcpuRunner* set) override { runner = set; }
    bool has_work() const override { return false; }
    std::uint64_t program_counter() const override { return 0; }
    void set_program_counter(std::uint64_t) override {}
    bool powered_off() const override { return false; }
    void dump(TextSink&) const override {}
    bool translate_debug(std::uint64_t, GuestAddress&) override { return false; }

    CpuRunState run;
    VcpuRunner* runner = nullptr;

  private:
    FakeObject object_;
    const std::uint32_t index_;
};

class FakeLock final : public MachineLock {
  public:
    void lock() override {
        mutex_.lock();
        owner_ = std::this_thread::get_id();
        ++depth_;
    }
    void unlock() override {
        if (--depth_ == 0) owner_ = std::thread::id();
        mutex_.unlock();
    }
    bool held() const override { return owner_.load() == std::this_thread::get_id(); }

  private:
    std::recursive_mutex mutex_;
    std::atomic<std::thread::id> owner_{};
    unsigned depth_ = 0;
};

class FakeVcpu final : public VcpuThread {
  public:
    FakeVcpu(MachineLock& lock, Cpu& cpu) : VcpuThread(lock, cpu, "FAKE") { begin_thread(); }
    ~FakeVcpu() { end_thread(); }

    std::counting_semaphore<> visits{0};
    mutable std::counting_semaphore<> rests{0};  ///< it is about to sleep
    std::atomic<bool> idle{false};
    std::atomic<unsigned> fresh_states{0}, stops{0};
    std::atomic<bool> complete{true};  ///< the CPU has all of its state

  private:
    void run_begins() override { complete = false; }
    void run_ends() override {
        complete = true;
        ++stops;
    }
    void run_guest() override {
        visits.release();
        std::this_thread::yield();
    }
    bool waits() const override { return idle; }
    bool wakes() const override {
        rests.release();
        return false;
    }
    void state_was_changed() override { ++fresh_states; }
    void take_requests() override {}
};

class VcpuThreadTest : public ::testing::Test {
  protected:
    FakeLock lock;
    FakeCpu cpus[2]{FakeCpu(0), FakeCpu(1)};
};

/// On `runner`'s thread, when that runs: which one was it?
std::thread::id thread_of(VcpuRunner& runner) {
    std::thread::id id;
    runner.run_on([](void* data) { *static_cast<std::thread::id*>(data) = std::this_thread::get_id(); }, &id);
    return id;
}

TEST_F(VcpuThreadTest, ItRunsFromItsStartToItsStop) {
    FakeVcpu vcpu(lock, cpus[0]);
    EXPECT_EQ(cpus[0].runner, &vcpu);
    vcpu.start();
    vcpu.visits.acquire();
    EXPECT_FALSE(vcpu.complete);
    vcpu.request_stop();
    vcpu.wait_stopped();
    EXPECT_TRUE(vcpu.complete);
    EXPECT_EQ(vcpu.stops, 1u);
}

TEST_F(VcpuThreadTest, AStopThatComesBeforeItsFirstVisitIsAStop) {
    FakeVcpu vcpu(lock, cpus[0]);
    for (unsigned n = 1; n <= 100; ++n) {
        vcpu.start();
        vcpu.request_stop();
        vcpu.wait_stopped();
        ASSERT_TRUE(vcpu.complete) << n;
    }
}

TEST_F(VcpuThreadTest, ItSleepsUntilItIsKicked) {
    FakeVcpu vcpu(lock, cpus[0]);
    vcpu.idle = true;
    vcpu.start();
    vcpu.rests.acquire();
    EXPECT_FALSE(vcpu.visits.try_acquire());
    vcpu.idle = false;
    vcpu.kick();
    vcpu.visits.acquire();
}

TEST_F(VcpuThreadTest, ItHearsOfAChangedStateBeforeItGoesOn) {
    FakeVcpu vcpu(lock, cpus[0]);
    vcpu.state_changed();
    vcpu.start();
    vcpu.visits.acquire();
    EXPECT_EQ(vcpu.fresh_states, 1u);
}

TEST_F(VcpuThreadTest, WorkIsDoneByItsThreadOrWhereItStandsByWhoAsks) {
    FakeVcpu vcpu(lock, cpus[0]);
    EXPECT_EQ(thread_of(vcpu), std::this_thread::get_id());
    vcpu.start();
    EXPECT_NE(thread_of(vcpu), std::this_thread::get_id());
    vcpu.idle = true;
    vcpu.kick();
    vcpu.rests.acquire();
    EXPECT_NE(thread_of(vcpu), std::this_thread::get_id()) << "also where it sleeps";
}

TEST_F(VcpuThreadTest, WhoWaitsForWorkHasLetGoOfTheLock) {
    FakeVcpu vcpu(lock, cpus[0]);
    vcpu.start();
    lock.lock();
    lock.lock();
    vcpu.run_on(
        [](void* data) {
            auto& machine_lock = *static_cast<FakeLock*>(data);
            machine_lock.lock();
            machine_lock.unlock();
        },
        &lock);
    EXPECT_TRUE(lock.held());
    lock.unlock();
    EXPECT_TRUE(lock.held());
    lock.unlock();
}

TEST_F(VcpuThreadTest, TwoMayAskEachOther) {
    FakeVcpu first(lock, cpus[0]), second(lock, cpus[1]);
    first.start();
    second.start();
    struct Side {
        VcpuRunner& other;
        std::counting_semaphore<>&mine, &others;
    };
    std::counting_semaphore<> a{0}, b{0};
    Side sides[] = {{second, a, b}, {first, b, a}};
    const auto ask = [](void* data) {
        auto& side = *static_cast<Side*>(data);
        side.mine.release();
        side.others.acquire();  // the other is in its own work now
        side.other.run_on([](void*) {}, nullptr);
    };
    std::thread helper([&] { second.run_on(ask, &sides[1]); });
    first.run_on(ask, &sides[0]);
    helper.join();
}

TEST_F(VcpuThreadTest, OneMayGoWhileOthersRun) {
    Vcpus<FakeVcpu> all;
    for (FakeCpu& cpu : cpus) all.add(cpu, std::make_unique<FakeVcpu>(lock, cpu));
    all.start();
    all.find(cpus[0])->visits.acquire();
    lock.lock();
    all.remove(cpus[0], lock);
    EXPECT_TRUE(lock.held());
    lock.unlock();
    EXPECT_EQ(cpus[0].runner, nullptr);
    EXPECT_EQ(all.find(cpus[0]), nullptr);
    FakeVcpu& other = *all.find(cpus[1]);
    EXPECT_NE(thread_of(other), std::this_thread::get_id()) << "it runs";
    all.stop(lock);
    all.add(cpus[0], std::make_unique<FakeVcpu>(lock, cpus[0]));
    all.start();
    all.find(cpus[0])->visits.acquire();
    all.stop(lock);
    EXPECT_TRUE(other.complete);
}

}  // namespace
}  // namespace backplane
