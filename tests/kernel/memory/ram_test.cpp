// RAM, ROM and ROM devices: storage, page flags, dirty logs.
#include "tests/kernel/memory/fixture.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <sys/mman.h>

namespace backplane::test {
namespace {

using kernel::DirtyClient;

struct Ram : MapFixture, ::testing::Test {
    RamBlock& block(MemoryRegion& region) {
        for (RamBlock* candidate : map.ram_blocks())
            if (candidate->host == region.bytes().data) return *candidate;
        throw std::runtime_error("no such block");
    }
};

TEST_F(Ram, KeepsWhatIsStored) {
    add_ram("ram", 0x80000000, 0x10000);
    store(0x80000100, 0x1122334455667788, 8);
    EXPECT_FALSE(failed);
    EXPECT_EQ(load(0x80000100, 8), 0x1122334455667788u);
    EXPECT_EQ(load(0x80000101, 4), 0x44556677u);
    EXPECT_EQ(load(0x80000103, 1), 0x55u);
}

TEST_F(Ram, ItsBytesAreTheGuests) {
    MemoryRegion& ram = add_ram("ram", 0x1000, 0x1000);
    ram.bytes()[4] = 0x5a;
    EXPECT_EQ(load(0x1004, 1), 0x5au);
    EXPECT_EQ(ram.bytes().size, 0x1000u);
}

TEST_F(Ram, IsAFileThatAnotherMappingShares) {
    MemoryRegion& ram = add_ram("ram", 0, 0x2000);
    const RamBlock& storage = block(ram);
    void* other = mmap(nullptr, storage.size, PROT_READ, MAP_SHARED, storage.fd, 0);
    ASSERT_NE(other, MAP_FAILED);
    store(0x1000, 0x99, 1);
    EXPECT_EQ(static_cast<std::uint8_t*>(other)[0x1000], 0x99);
    munmap(other, storage.size);
}

/// Mappings of others come and go meanwhile; none may lie where the block is.
TEST_F(Ram, ItsPlaceIsItsOwnWhileItsContentsAreExchanged) {
    constexpr std::uint64_t kSize = 16u << 20;
    MemoryRegion& ram = add_ram("ram", 0, kSize);
    auto& storage = kernel::RamStorage::of(block(ram));
    std::uint8_t* const place = ram.bytes().data;
    kernel::RamContents contents;
    ASSERT_TRUE(contents.make("other", kSize, errors)) << errors.text;
    ram.bytes()[5] = 1;
    contents.bytes()[5] = 2;
    std::atomic<unsigned> found_free = 0, rounds = 0;
    std::jthread other([&](const std::stop_token& stop) {
        for (; !stop.stop_requested(); ++rounds)
            found_free += mmap(place, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                               0) != MAP_FAILED;
    });
    for (unsigned n = 0; n < 2000 || rounds < 2000; ++n) {
        ASSERT_TRUE(storage.exchange(contents, errors)) << errors.text;
        ASSERT_EQ(ram.bytes()[5], n % 2 ? 1 : 2);
        ASSERT_EQ(contents.bytes()[5], n % 2 ? 2 : 1);
    }
    other.request_stop();
    other.join();
    EXPECT_EQ(found_free, 0u);
    EXPECT_EQ(ram.bytes().data, place);
}

TEST_F(Ram, ASizeOfZeroIsRefused) {
    EXPECT_EQ(owner->ram("none", 0, errors), nullptr);
    EXPECT_NE(errors.text.find("'none'"), std::string::npos);
}

TEST_F(Ram, MoreThanAnyHostHasIsRefusedWithAReason) {
    EXPECT_EQ(owner->ram("vast", std::uint64_t(1) << 63, errors), nullptr);
    EXPECT_NE(errors.text.find("vast"), std::string::npos);
    EXPECT_EQ(owner->ram("large", std::uint64_t(1) << 60, errors), nullptr);
    EXPECT_TRUE(map.ram_blocks().empty());
}

TEST_F(Ram, AnOddSizeIsRoundedUpToPagesInTheHostAlone) {
    MemoryRegion& ram = add_ram("ram", 0, 100);
    EXPECT_EQ(block(ram).size, kPageSize);
    load(100, 1);
    EXPECT_TRUE(failed);
}

TEST_F(Ram, PagesOfAllBlocksHaveNumbersOfTheirOwn) {
    const RamBlock& first = block(add_ram("first", 0, 0x3000));
    const RamBlock& second = block(add_ram("second", 0x10000, 0x1000));
    EXPECT_GE(second.base_id, first.base_id + 3);
}

TEST_F(Ram, ABlockGoesWithItsOwner) {
    auto device = map.create_owner("/machine/device");
    ASSERT_NE(device->ram("frame buffer", 0x1000, errors), nullptr);
    EXPECT_EQ(map.ram_blocks().size(), 1u);
    device.reset();
    EXPECT_TRUE(map.ram_blocks().empty());
}

TEST_F(Ram, ARomReadsAndIgnoresStores) {
    MemoryRegion* rom = owner->rom("rom", 0x1000, errors);
    add(*rom, 0);
    rom->bytes()[0] = 0x13;
    EXPECT_EQ(load(0, 1), 0x13u);
    store(0, 0xff, 1);
    EXPECT_FALSE(failed);
    EXPECT_EQ(load(0, 1), 0x13u);
    add_ram("ram", 0x1000, 0x1000);
    store(0xffc, ~std::uint64_t(0), 8);
    EXPECT_FALSE(failed) << "nor where it ends and RAM begins";
    EXPECT_EQ(load(0xffc, 8), 0xffffffff00000000u);
}

TEST_F(Ram, ADebuggerWritesIntoARom) {
    add(*owner->rom("rom", 0x1000, errors), 0);
    store(0x10, 0x77, 1, Intent::Debug);
    EXPECT_FALSE(failed);
    EXPECT_EQ(load(0x10, 1), 0x77u);
}

TEST_F(Ram, ARomDeviceReadsItsBytesAndItsHandlerGetsTheStores) {
    RecordingHandler handler;
    MemoryRegion* flash = owner->rom_device("flash", 0x1000, handler, {}, errors);
    add(*flash, 0);
    flash->bytes()[8] = 0x42;
    EXPECT_EQ(load(8, 1), 0x42u);
    store(8, 0x70, 1);
    EXPECT_EQ(handler.calls, (std::vector<RecordingHandler::Call>{{true, 8, 1, 0x70}}));
    EXPECT_EQ(load(8, 1), 0x42u);
}

TEST_F(Ram, ARomDeviceOutOfRomModeReadsFromItsHandler) {
    RecordingHandler handler;
    MemoryRegion* flash = owner->rom_device("flash", 0x1000, handler, {}, errors);
    add(*flash, 0);
    flash->set_rom_mode(false);
    handler.next_value = 0x80;
    EXPECT_EQ(load(8, 1), 0x80u);
    flash->set_rom_mode(true);
    EXPECT_EQ(load(8, 1), 0u);
}

TEST_F(Ram, ADirtyLogStartsCleanAndNamesThePagesThatWereStoredTo) {
    RamBlock& ram = block(add_ram("ram", 0, 0x100000));
    map.set_dirty_log(ram, DirtyClient::Display, true);
    EXPECT_EQ(ram.page_flags[3] & kPageCleanDisplay, kPageCleanDisplay);
    store(0x3ffe, 0x11223344, 4);
    store(0x80000, 1, 1);
    const std::vector<std::uint64_t> dirty = map.take_dirty(ram, DirtyClient::Display);
    ASSERT_EQ(dirty.size(), 4u);
    EXPECT_EQ(dirty[0], 0x18u);
    EXPECT_EQ(dirty[2], 1u);
}

TEST_F(Ram, ADirtyPageIsNotWatchedUntilItIsTaken) {
    RamBlock& ram = block(add_ram("ram", 0, 0x10000));
    map.set_dirty_log(ram, DirtyClient::Display, true);
    store(0x3000, 1, 1);
    EXPECT_EQ(ram.page_flags[3], 0);
    map.take_dirty(ram, DirtyClient::Display);
    EXPECT_EQ(ram.page_flags[3], kPageCleanDisplay);
    EXPECT_EQ(map.take_dirty(ram, DirtyClient::Display)[0], 0u);
}

TEST_F(Ram, DirtyLogsAreIndependent) {
    RamBlock& ram = block(add_ram("ram", 0, 0x10000));
    map.set_dirty_log(ram, DirtyClient::Display, true);
    store(0x1000, 1, 1);
    map.set_dirty_log(ram, DirtyClient::Migration, true);
    store(0x2000, 1, 1);
    EXPECT_EQ(map.take_dirty(ram, DirtyClient::Display)[0], 0x6u);
    EXPECT_EQ(map.take_dirty(ram, DirtyClient::Migration)[0], 0x4u);
    EXPECT_TRUE(map.take_dirty(ram, DirtyClient::Other).empty());
}

TEST_F(Ram, ALogThatIsOffWatchesNothing) {
    RamBlock& ram = block(add_ram("ram", 0, 0x10000));
    map.set_dirty_log(ram, DirtyClient::Display, true);
    map.set_dirty_log(ram, DirtyClient::Display, false);
    EXPECT_EQ(ram.page_flags[0], 0);
    EXPECT_TRUE(map.take_dirty(ram, DirtyClient::Display).empty());
}

TEST_F(Ram, AnAcceleratorsOwnStoreIsMarkedByHand) {
    RamBlock& ram = block(add_ram("ram", 0, 0x10000));
    map.set_dirty_log(ram, DirtyClient::Migration, true);
    space.mark_dirty(ram, 0x1fff, 2);
    space.mark_dirty(ram, ~std::uint64_t(0), 5);
    space.mark_dirty(ram, 0xf000, ~std::uint64_t(0));
    EXPECT_EQ(map.take_dirty(ram, DirtyClient::Migration)[0], 0x8006u);
}

TEST_F(Ram, AListenerReportsBeforeALogIsReadAndForgetsAfter) {
    struct Accelerator final : MemoryListener {
        void map_changed(const MapChange&) override {}
        void dirty_log_changed(RamBlock&, bool on) override { log_on = on; }
        void collect_dirty(RamBlock& b) override { space->mark_dirty(b, 0x5000, 1); }
        void pages_cleaned(RamBlock&) override { ++cleaned; }
        AddressSpace* space = nullptr;
        bool log_on = false;
        int cleaned = 0;
    } accelerator;
    accelerator.space = &space;
    RamBlock& ram = block(add_ram("ram", 0, 0x10000));
    space.add_listener(accelerator);
    map.set_dirty_log(ram, DirtyClient::Display, true);
    EXPECT_TRUE(accelerator.log_on);
    EXPECT_EQ(accelerator.cleaned, 1);
    EXPECT_EQ(map.take_dirty(ram, DirtyClient::Display)[0], 0x20u);
    EXPECT_EQ(accelerator.cleaned, 2);
    map.set_dirty_log(ram, DirtyClient::Display, false);
    EXPECT_FALSE(accelerator.log_on);
    space.remove_listener(accelerator);
}

struct CodeRecorder final : CodeListener {
    void code_overwritten(RamBlock&, std::uint64_t offset, std::uint64_t size) override {
        calls.emplace_back(offset, size);
    }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> calls;
};

TEST_F(Ram, AStoreToCodeIsToldAndOneBesideItIsNot) {
    CodeRecorder recorder;
    RamBlock& ram = block(add_ram("ram", 0, 0x10000));
    space.add_code_listener(recorder);
    ram.page_flags[2] |= kPageCode;
    store(0x1000, 1, 8);
    EXPECT_TRUE(recorder.calls.empty());
    store(0x2010, 1, 8);
    ASSERT_EQ(recorder.calls.size(), 1u);
    EXPECT_EQ(recorder.calls[0], std::make_pair(std::uint64_t(0x2010), std::uint64_t(8)));
    space.remove_code_listener(recorder);
    store(0x2010, 1, 8);
    EXPECT_EQ(recorder.calls.size(), 1u);
}

TEST_F(Ram, BytesThatTheOwnerChangedAreToldAsWell) {
    CodeRecorder recorder;
    MemoryRegion& region = add_ram("ram", 0, 0x10000);
    RamBlock& ram = block(region);
    space.add_code_listener(recorder);
    ram.page_flags[0] |= kPageCode;
    map.set_dirty_log(ram, DirtyClient::Display, true);
    region.bytes_changed(Offset(0x800), 0x1000);
    EXPECT_EQ(recorder.calls.size(), 1u);
    EXPECT_EQ(map.take_dirty(ram, DirtyClient::Display)[0], 0x3u);
    space.remove_code_listener(recorder);
}

}  // namespace
}  // namespace backplane::test
