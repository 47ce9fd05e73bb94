#include "kernel/snapshot/worker_crew.h"

#include <gtest/gtest.h>

#include <atomic>

namespace backplane::kernel::snapshot {
namespace {

struct Job {
    int number = 0;
    int result = 0;
};

TEST(WorkerCrew, GivesBackJobsInTheirOrder) {
    WorkerCrew<Job> crew(4, [](Job& job) { job.result = job.number * job.number; });
    int taken = 0;
    const auto take = [&] {
        const Job& job = crew.oldest();
        EXPECT_EQ(job.number, taken);
        EXPECT_EQ(job.result, taken * taken);
        ++taken;
        crew.release();
    };
    for (int i = 0; i < 1000; ++i) {
        if (crew.full()) take();
        crew.next().number = i;
        crew.give();
    }
    while (!crew.idle()) take();
    EXPECT_EQ(taken, 1000);
}

TEST(WorkerCrew, MayBeLeftWithJobsUnderWay) {
    std::atomic<int> done{0};
    {
        WorkerCrew<Job> crew(2, [&](Job&) { ++done; });
        while (!crew.full()) crew.give();
    }
    EXPECT_LE(done, 4);
}

TEST(WorkerCrew, HasAtLeastOneWorker) {
    EXPECT_GE(worker_count(0), 1u);
    EXPECT_EQ(worker_count(3), 3u);
    EXPECT_EQ(worker_count(1000), 64u);
}

}  // namespace
}  // namespace backplane::kernel::snapshot
