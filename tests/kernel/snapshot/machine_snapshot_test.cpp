// A whole machine through a stream and through a file.
#include "tests/kernel/snapshot/small_machine.h"

#include <backplane/whereabouts.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <thread>

#include <unistd.h>

namespace backplane::test {
namespace {

struct MachineSnapshot : ::testing::Test {
    MachineSnapshot() {
        source.machine.start();
        source.counter().start();
        source.counter().queue = {7, 8, 9};
        source.advance(3500);  // 3 ticks
        std::mt19937 random(1);
        for (unsigned page : {0u, 3u, 200u, 255u})
            for (unsigned i = 0; i < 4096; i += 7) source.ram()[page * 4096 + i] = std::uint8_t(random());
    }
    void expect_same() {
        EXPECT_EQ(other.counter().count, 3u);
        EXPECT_EQ(other.now(), 3500u);
        EXPECT_EQ(other.counter().queue, source.counter().queue);
        EXPECT_TRUE(std::ranges::equal(other.ram(), source.ram()));
    }
    SmallMachine source, other;
};

TEST_F(MachineSnapshot, GoesOnInAnotherMachine) {
    const auto stream = source.save();
    EXPECT_EQ(source.state(), "running");
    ASSERT_EQ(other.load(Bytes(stream)), "");
    expect_same();
    other.machine.start();
    other.advance(600);
    EXPECT_EQ(other.counter().count, 4u);
    EXPECT_EQ(other.now(), 4100u);
}

TEST_F(MachineSnapshot, SavingLoadingAndSavingAgainGivesTheSameBytes) {
    source.machine.stop();
    const auto stream = source.save();
    ASSERT_EQ(other.load(Bytes(stream)), "");
    other.machine.stop();
    EXPECT_EQ(other.save(), stream);
    EXPECT_EQ(source.save(), stream);
}

TEST_F(MachineSnapshot, NoChipHearsOfALineThatWasRestored) {
    const auto stream = source.save();
    ASSERT_EQ(other.load(Bytes(stream)), "");
    EXPECT_EQ(other.listener().changes, 0u);
    other.machine.start();
    other.advance(600);  // the line falls now
    EXPECT_EQ(other.listener().changes, 1u);
}

TEST_F(MachineSnapshot, DevicesResumeOnceWhenTheMachineRuns) {
    ASSERT_EQ(other.load(Bytes(source.save())), "");
    EXPECT_EQ(other.counter().loads, 1u);
    EXPECT_EQ(other.counter().resumes, 0u);
    other.machine.start();
    EXPECT_EQ(other.counter().resumes, 1u);
    other.machine.stop();
    other.machine.start();
    EXPECT_EQ(other.counter().resumes, 1u);
}

TEST_F(MachineSnapshot, TimeGoesBackAsWell) {
    const auto stream = source.save();
    source.advance(10'000);
    source.machine.stop();
    ASSERT_EQ(source.load(Bytes(stream)), "");
    EXPECT_EQ(source.now(), 3500u);
    EXPECT_EQ(source.counter().count, 3u);
}

TEST_F(MachineSnapshot, ARefusalLeavesTheMachineAsItWas) {
    const auto stream = source.save();
    other.machine.start();
    other.counter().start();
    other.advance(5000);
    other.ram()[77] = 78;
    other.machine.stop();
    other.counter().refuses_ = true;
    EXPECT_EQ(other.load(Bytes(stream)), "device '/machine/counter' (test-counter): it refuses");
    EXPECT_EQ(other.counter().count, 5u);
    EXPECT_EQ(other.ram()[77], 78);
    EXPECT_EQ(other.now(), 5000u);
    other.machine.start();
    other.advance(1000);
    EXPECT_EQ(other.counter().count, 6u);
}

TEST_F(MachineSnapshot, CodeThatFailsRefusesToBeLoadedOrSaved) {
    const auto stream = source.save();
    other.counter().throws_ = "after_load";
    EXPECT_TRUE(
        other.load(Bytes(stream))
            .ends_with(
                "object '/machine/counter': after_load() threw std::runtime_error: a fault of its own"));
    EXPECT_EQ(other.counter().count, 0u);
    source.counter().throws_ = "before_save";
    ErrorText why;
    EXPECT_EQ(source.snapshots().save(why), nullptr);
    EXPECT_EQ(why.text(),
              "device '/machine/counter' (test-counter): its code failed, so that it cannot be saved");
    EXPECT_EQ(source.state(), "running");
}

TEST_F(MachineSnapshot, CodeThatFailsWhenItGoesOnIsContained) {
    ASSERT_EQ(other.load(Bytes(source.save())), "");
    other.counter().throws_ = "resume";
    other.machine.start();
    EXPECT_EQ(other.counter().resumes, 1u);
    EXPECT_EQ(other.state(), "running");
}

TEST_F(MachineSnapshot, AnotherMachineIsNamed) {
    const auto stream = source.save();
    SmallMachine larger(2 << 20);
    EXPECT_NE(larger.load(Bytes(stream)).find("memory '/machine:ram' has 1048576 bytes"), std::string::npos);
    SmallMachine more;
    ASSERT_TRUE(more.machine.objects()
                    .create("test-counter", "second", more.machine.machine_object(), more.errors)
                    ->realize(more.errors));
    EXPECT_EQ(more.load(Bytes(stream)),
              "device '/machine/second' (test-counter) is not in the saved machine; start the "
              "machine with the options that it was saved with");
    const auto larger_stream = more.save();
    EXPECT_NE(other.load(Bytes(larger_stream))
                  .find("device '/machine/second' (test-counter): the saved machine has it"),
              std::string::npos);
}

TEST_F(MachineSnapshot, WhatKeepsNothingMayBeNew) {
    const auto stream = source.save();
    SmallMachine more;
    ASSERT_TRUE(more.machine.objects()
                    .create("test-label", "label", more.machine.machine_object(), more.errors)
                    ->realize(more.errors));
    EXPECT_EQ(more.load(Bytes(stream)), "");
}

TEST_F(MachineSnapshot, EveryTruncationAndEveryFlippedByteGivesAReasonAndLeavesTheMachine) {
    const auto good = source.save();
    other.counter().count = 50;
    std::mt19937 random(23);
    for (unsigned i = 0; i < 10'000; ++i) {
        auto bad = good;
        if (i % 2) bad.resize(random() % bad.size());
        else bad[random() % bad.size()] ^= std::uint8_t(1 + random() % 255);
        ASSERT_NE(other.load(Bytes(bad)), "");
    }
    EXPECT_EQ(other.counter().count, 50u);
    EXPECT_EQ(other.ram()[0], 0);
    EXPECT_EQ(other.counter().loads, 0u);
    other.machine.start();
    other.counter().start();
    other.advance(1000);
    EXPECT_EQ(other.counter().count, 51u);
    other.machine.stop();
    EXPECT_EQ(other.load(Bytes(good)), "");
}

TEST_F(MachineSnapshot, IsStoppedWhileItIsSavedAndStaysSoAfterwards) {
    OutgoingSnapshot* snapshot = source.snapshots().save(source.errors);
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(source.state(), "finish-migrate");
    source.machine.start();
    EXPECT_EQ(source.state(), "finish-migrate");
    ErrorText why;
    EXPECT_EQ(source.snapshots().save(why), nullptr);
    EXPECT_EQ(why.text(), "the machine is being saved already");
    source.machine.request_reset("guest-reset");
    source.machine.loop().run_ready();
    EXPECT_EQ(source.counter().count, 3u);
    snapshot->finish(true);
    EXPECT_EQ(source.state(), "postmigrate");
    source.machine.loop().run_ready();
    EXPECT_EQ(source.counter().count, 0u);  // the reset had to wait
}

TEST_F(MachineSnapshot, AMachineThatExpectsItsStateRunsWhenItCame) {
    const auto stream = source.save();
    SmallMachine expecting;
    expecting.snapshots().expect();
    EXPECT_TRUE(expecting.snapshots().expecting());
    expecting.machine.start();
    EXPECT_EQ(expecting.state(), "inmigrate");
    ASSERT_EQ(expecting.load(Bytes(stream)), "");
    expecting.snapshots().arrived(true);
    EXPECT_EQ(expecting.state(), "running");
    EXPECT_EQ(expecting.counter().resumes, 1u);

    SmallMachine held;  // -S
    held.snapshots().expect();
    ASSERT_EQ(held.load(Bytes(stream)), "");
    held.snapshots().arrived(true);
    EXPECT_EQ(held.state(), "paused");
}

/// What only one process can have.
class Treasure final : public Exclusive {
  public:
    explicit Treasure(Object&) {}
    bool take(Errors& errors) override {
        if (elsewhere) errors.fail("another has it");
        else held = true;
        return !elsewhere;
    }
    void let_go() override { held = false; }
    std::atomic<bool> held = true;
    bool elsewhere = false;
};
constexpr InterfaceInfo kTreasureInterfaces[] = {offers<Treasure, Exclusive>()};
constexpr TypeInfo kTreasure{.name = "test-treasure",
                             .interfaces = kTreasureInterfaces,
                             .instance_init = make_part<Treasure>,
                             .instance_finalize = free_part<Treasure>};

struct MachineWithTreasure : MachineSnapshot {
    MachineWithTreasure() : treasure(add(source)) {}
    static Treasure& add(SmallMachine& machine) {
        machine.catalog.types().register_type(kTreasure, machine.errors);
        kernel::Instance* object =
            machine.machine.create_backend("test-treasure", "treasure", {}, "objects", machine.errors);
        return *static_cast<Treasure*>(object->part("test-treasure"));
    }
    /// Saves on a thread of its own, as everybody does.
    void save_and_finish(SnapshotSink& sink, bool completed) {
        OutgoingSnapshot* snapshot = source.snapshots().save(source.errors);
        std::atomic<bool> done = false;
        std::thread thread([&] {
            SnapshotProgress progress;
            EXPECT_TRUE(snapshot->write(sink, {.workers = 1}, progress, source.errors));
            done = true;
        });
        source.lock.unlock();
        while (!done) source.machine.loop().run_once(10);
        source.lock.lock();
        thread.join();
        snapshot->finish(completed);
    }
    Treasure& treasure;
};

TEST_F(MachineWithTreasure, LetsItGoBeforeAnybodyHasAllOfTheMachine) {
    struct Sink final : SnapshotSink {
        explicit Sink(Treasure& treasure_) : treasure(treasure_) {}
        bool write(Bytes bytes, Errors&) override {
            const std::string_view kind(reinterpret_cast<const char*>(bytes.data),
                                        std::min<std::size_t>(bytes.size, 4));
            if (kind == "page") held_with_pages = treasure.held;
            if (kind == "end ") held_at_end = treasure.held;
            return true;
        }
        Treasure& treasure;
        bool held_with_pages = false, held_at_end = true;
    } sink(treasure);
    save_and_finish(sink, true);
    EXPECT_TRUE(sink.held_with_pages);
    EXPECT_FALSE(sink.held_at_end);
    EXPECT_FALSE(treasure.held);
    EXPECT_EQ(source.state(), "postmigrate");
}

TEST_F(MachineWithTreasure, TakesItBackWhenItGoesOnHere) {
    MemorySink sink;
    save_and_finish(sink, false);
    EXPECT_TRUE(treasure.held);
    EXPECT_EQ(source.state(), "running");
    save_and_finish(sink, true);
    treasure.elsewhere = true;
    EXPECT_FALSE(source.snapshots().come_back(source.errors));
    EXPECT_EQ(source.errors.text(), "another has it");
    source.machine.start();
    EXPECT_EQ(source.state(), "postmigrate");
    treasure.elsewhere = false;
    source.machine.start();
    EXPECT_EQ(source.state(), "running");
    EXPECT_TRUE(treasure.held);
}

TEST_F(MachineWithTreasure, StaysStoppedWhenAnotherTookItMeanwhile) {
    MemorySink sink;
    treasure.elsewhere = true;
    save_and_finish(sink, false);
    EXPECT_EQ(source.state(), "paused");
    EXPECT_FALSE(treasure.held);
}

TEST_F(MachineWithTreasure, TakesItWhereTheMachineArrives) {
    const auto stream = source.save();
    SmallMachine expecting;
    Treasure& there = add(expecting);
    expecting.snapshots().expect();
    EXPECT_FALSE(there.held);
    expecting.machine.start();
    there.elsewhere = true;
    ASSERT_EQ(expecting.load(Bytes(stream)), "");
    expecting.snapshots().arrived(true);
    EXPECT_EQ(expecting.state(), "paused");
    there.elsewhere = false;
    expecting.machine.start();
    EXPECT_EQ(expecting.state(), "running");
    EXPECT_TRUE(there.held);
}

struct MachineFile : MachineSnapshot {
    MachineFile() : stream(std::tmpfile()), file(fileno(stream)) {
        SnapshotProgress progress;
        OutgoingSnapshot* snapshot = source.snapshots().save(source.errors);
        EXPECT_TRUE(snapshot->write_file(file, {.workers = 2}, progress, source.errors))
            << source.errors.text();
        snapshot->finish(false);
    }
    ~MachineFile() override { std::fclose(stream); }
    std::string load(SmallMachine& machine, bool verify_first) {
        SnapshotProgress progress;
        ErrorText why;
        IncomingSnapshot* snapshot = machine.snapshots().load();
        if (snapshot->read_file(file, verify_first, {.workers = 1}, progress, why)) snapshot->apply(why);
        snapshot->release();
        return why.text();
    }
    void flip(off_t at) {
        std::uint8_t byte = 0;
        ASSERT_EQ(pread(file, &byte, 1, at), 1);
        byte ^= 1;
        ASSERT_EQ(pwrite(file, &byte, 1, at), 1);
    }
    std::FILE* stream;
    int file;
};

TEST_F(MachineFile, GoesOnInAnotherMachine) {
    ASSERT_EQ(load(other, false), "");
    expect_same();
    // What it stores stays its own.
    other.ram()[3] ^= 0xff;
    SmallMachine third;
    ASSERT_EQ(load(third, true), "");
    EXPECT_EQ(third.ram()[3], source.ram()[3]);
    for (const kernel::NamedBlock& named : other.machine.memory().named_blocks())
        EXPECT_FALSE(named.block.shared) << named.id;
}

TEST_F(MachineFile, AStreamMadeFromItIsTheSame) {
    source.machine.stop();
    const auto stream = source.save();
    ASSERT_EQ(load(other, false), "");
    SmallMachine third;
    ASSERT_EQ(third.load(Bytes(other.save())), "");
    expect_same();
    EXPECT_TRUE(std::ranges::equal(third.ram(), source.ram()));
    EXPECT_FALSE(stream.empty());
}

TEST_F(MachineFile, EveryFlippedByteIsNoticedWhenItIsVerifiedFirst) {
    const off_t size = lseek(file, 0, SEEK_END);
    std::mt19937_64 random(9);
    for (unsigned i = 0; i < 1000; ++i) {
        const off_t at = off_t(random() % std::uint64_t(size));
        flip(at);
        ASSERT_NE(load(other, true), "") << at;
        flip(at);
    }
    EXPECT_EQ(other.counter().loads, 0u);
    EXPECT_EQ(load(other, true), "");
}

TEST_F(MachineFile, ATruncatedFileIsRefused) {
    const off_t size = lseek(file, 0, SEEK_END);
    for (const off_t cut : {size - 1, size - 40, size / 2, off_t(64), off_t(10), off_t(0)}) {
        ASSERT_EQ(ftruncate(file, cut), 0);
        EXPECT_NE(load(other, false), "") << cut;
    }
    EXPECT_EQ(other.counter().loads, 0u);
}

TEST_F(MachineFile, DamagedMemoryStopsTheMachineOnceItIsSeen) {
    flip(4096 + 5);  // RAM
    ASSERT_EQ(load(other, false), "");
    other.machine.start();
    for (unsigned tries = 0; other.state() == "running" && tries < 1000; ++tries) {
        other.lock.unlock();
        other.machine.loop().run_once(10);
        other.lock.lock();
    }
    EXPECT_EQ(other.state(), "internal-error");
}

}  // namespace
}  // namespace backplane::test
