// Readers and a writer of the map at once: readers see one view or the other, never a mix, never freed memory.
#include "tests/kernel/memory/fixture.h"

#include "kernel/memory/read_epoch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace backplane::test {
namespace {

TEST(MapThreads, ReadersSeeOneOfTheBanksWhileTheyAreSwitched) {
    MapFixture fixture;
    MemoryRegion* banks[2] = {fixture.owner->ram("bank0", 0x1000, fixture.errors),
                              fixture.owner->ram("bank1", 0x1000, fixture.errors)};
    for (std::uint8_t& byte : banks[0]->bytes()) byte = 0xa0;
    for (std::uint8_t& byte : banks[1]->bytes()) byte = 0xa1;
    banks[1]->set_enabled(false);
    fixture.add(*banks[0], 0x1000);
    fixture.add(*banks[1], 0x1000);
    std::atomic<bool> done{false};
    std::atomic<unsigned> wrong{0};
    std::atomic<unsigned> reads{0};
    std::vector<std::thread> readers;
    for (int index = 0; index < 3; ++index)
        readers.emplace_back([&] {
            while (!done) {
                Access access;
                const std::uint64_t value = fixture.space.load(GuestAddress(0x1ff8), 8, access);
                if (access.failed || (value != 0xa0a0a0a0a0a0a0a0 && value != 0xa1a1a1a1a1a1a1a1)) ++wrong;
                const std::shared_ptr<const FlatView> view = fixture.space.view();
                if (view->ranges.size() != 1 || view->ranges[0].host(0x1000)[0] >> 4 != 0xa) ++wrong;
                ++reads;
            }
        });
    for (int round = 0; round < 2000 || reads < 300; ++round) {
        const kernel::MapTransaction transaction(fixture.map);
        banks[round % 2]->set_enabled(false);
        banks[1 - round % 2]->set_enabled(true);
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0u);
}

TEST(MapThreads, ADeviceGoesWhileCpusAccessIt) {
    MapFixture fixture;
    struct Alive final : IoHandler {
        std::uint64_t read(Offset, unsigned, Access&) override { return canary; }
        void write(Offset, std::uint64_t, unsigned, Access&) override {}
        std::uint64_t canary = 0x600d;
    };
    std::atomic<bool> done{false};
    std::atomic<unsigned> wrong{0};
    std::vector<std::thread> cpus;
    for (const std::uint64_t address : {0x1000u, 0x2000u})
        cpus.emplace_back([&, address] {
            while (!done) {
                Access access;
                const std::uint64_t value = fixture.space.load(GuestAddress(address), 4, access);
                if (!access.failed && value != 0x600d) ++wrong;
            }
        });
    for (int round = 0; round < 500; ++round) {
        auto handler = std::make_unique<Alive>();
        auto device = fixture.map.create_owner("/machine/device");
        fixture.add(device->io("locked", 16, *handler, {}), 0x1000);
        fixture.add(device->io("free", 16, *handler, {.lock_free = true}), 0x2000);
        std::this_thread::yield();
        device.reset();
        handler->canary = 0xdead;
    }
    done = true;
    for (std::thread& cpu : cpus) cpu.join();
    EXPECT_EQ(wrong, 0u);
}

TEST(MapThreads, NoStoreIsLostToADirtyLog) {
    MapFixture fixture;
    MemoryRegion& region = fixture.add_ram("ram", 0, 0x4000);
    RamBlock& ram = *fixture.map.ram_blocks()[0];
    fixture.map.set_dirty_log(ram, kernel::DirtyClient::Migration, true);
    std::vector<std::uint8_t> copy(0x4000);
    const auto copy_dirty = [&] {
        const std::vector<std::uint64_t> dirty = fixture.map.take_dirty(ram, kernel::DirtyClient::Migration);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        for (std::uint64_t address = 0; address < copy.size(); address += 8)
            if (dirty[0] >> (address / kPageSize) & 1) {
                Access access;
                const std::uint64_t value = fixture.space.load(GuestAddress(address), 8, access);
                std::memcpy(&copy[address], &value, 8);
            }
    };
    std::atomic<bool> done{false};
    std::thread guest([&] {
        for (std::uint64_t count = 1; count <= 200'000; ++count) {
            Access access;
            fixture.space.store(GuestAddress(count * 8 * 37 % 0x4000), count, 8, access);
        }
        done = true;
    });
    while (!done) copy_dirty();
    guest.join();
    copy_dirty();
    EXPECT_EQ(std::memcmp(copy.data(), region.bytes().data, copy.size()), 0);
}

TEST(ReadEpochTest, KeepsWhatAReaderMayUseAndFreesItLater) {
    kernel::ReadEpoch epoch;
    auto object = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = object;
    {
        const kernel::ReadEpoch::Guard reader(epoch);
        epoch.retire(std::move(object));
        epoch.collect();
        epoch.collect();
        EXPECT_FALSE(watch.expired());
    }
    epoch.collect();
    EXPECT_TRUE(watch.expired());
    EXPECT_EQ(epoch.retired_count(), 0u);
}

TEST(ReadEpochTest, ALaterReaderDoesNotKeepWhatWentBefore) {
    kernel::ReadEpoch epoch;
    auto object = std::make_shared<int>(1);
    const std::weak_ptr<int> watch = object;
    epoch.retire(std::move(object));
    epoch.collect();
    EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace backplane::test
