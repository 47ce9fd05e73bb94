// A driver that does anything at all to a virtio device: registers, rings, tables, the host's end and resets, as the
// bytes of an input say. What comes of it is not looked at; that nothing crashes, hangs or trips a sanitizer is.
//
// The entry is libFuzzer's: clang++ -fsanitize=fuzzer,address with -DBACKPLANE_LIBFUZZER. Otherwise this is a test
// that runs inputs of fixed seeds, and those in the files that the variable VIRTIO_FUZZ_INPUTS names (':' between).
#include "devices/virtio/driver.h"
#include "devices/virtio/fakes.h"

#ifndef BACKPLANE_LIBFUZZER
#    include <gtest/gtest.h>
#endif

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kRam = DeviceBench::kRamBase.value;
constexpr unsigned kQueues = 4;
constexpr unsigned kQueueEntries = 8;

/// The input, a number at a time; zeroes when it is used up.
class Input {
  public:
    explicit Input(Bytes bytes) : bytes_(bytes) {}
    bool done() const { return at_ >= bytes_.size; }
    std::uint64_t number(unsigned size) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i) value |= std::uint64_t(done() ? 0 : bytes_[at_++]) << (8 * i);
        return value;
    }
    unsigned below(unsigned limit) { return unsigned(number(1)) % limit; }
    /// Mostly RAM, at times its end, the device's registers, nothing, or the end of all addresses.
    std::uint64_t address() {
        switch (below(10)) {
        case 0: return kRam + DeviceBench::kRamSize - number(1);
        case 1: return Driver::kMmio + number(1) * 2;
        case 2: return 0x40000000 + number(2);
        case 3: return number(2);
        case 4: return ~std::uint64_t{0} - number(1);
        default: return kRam + (number(3) % DeviceBench::kRamSize);
        }
    }
    std::uint32_t length() {
        switch (below(6)) {
        case 0: return 0;
        case 1: return std::uint32_t(number(4));
        case 2: return 0xffffffff;
        case 3: return std::uint32_t(number(2));
        default: return std::uint32_t(number(1));
        }
    }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
};

class Guest {
  public:
    explicit Guest(Input& input)
        : input_(input),
          block_(fake<FakeBlock>(bench_.add("fake-block", "node"))),
          net_(fake<FakeNet>(bench_.add("fake-net", "wire"))),
          char_(fake<FakeChar>(bench_.add("fake-char", "stream"))) {
        bench_.add("fake-rng", "source");
        const auto kind = Kind(input.below(4));
        const unsigned family = input.below(5);
        const Properties properties[] = {
            {{"drive", "node"}}, {{"netdev", "wire"}}, {{"rng", "source"}}, {}, {}};
        constexpr const char* kFamilies[] = {"blk", "net", "rng", "serial", "balloon"};
        driver_ = std::make_unique<Driver>(bench_, kind, kFamilies[family], properties[family]);
        if (family == 3) bench_.add("virtconsole", "hvc", {{"chardev", "stream"}}, "serial.0");
        bench_.focus(driver_->device());
        areas_ = driver_->allocate(kQueues * 0x2000, 4096);
        start();
    }

    void run() {
        while (!input_.done()) {
            act();
            net_.sent.clear();
            char_.written.clear();
        }
    }

  private:
    void start() {
        Registers& registers = driver_->registers();
        using namespace virtio_status;
        registers.set_status(0);
        registers.set_status(kAcknowledge | kDriver);
        const std::uint64_t chosen = input_.below(4) ? ~std::uint64_t{0} : input_.number(5);
        registers.set_features(registers.features() & (chosen | virtio_feature::kVersion1));
        registers.set_status(kAcknowledge | kDriver | kFeaturesOk);
        for (unsigned i = 0; i < kQueues; ++i) {
            const std::uint64_t base = areas_ + 0x2000 * i;
            std::memset(driver_->at(base), 0, 0x2000);
            entries_[i] = registers.queue_size(i);
            if (driver_->modern() && entries_[i] > kQueueEntries && input_.below(4))
                entries_[i] = kQueueEntries;
            if (entries_[i] == 0 || entries_[i] > 128) entries_[i] = kQueueEntries;
            registers.set_queue(i, entries_[i], base, base + 16 * entries_[i], base + 0x1000);
        }
        registers.set_status(kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
    }

    template <class T>
    void poke(std::uint64_t address, T value) {
        std::memcpy(driver_->at(address), &value, sizeof value);
    }

    void descriptor(std::uint64_t at) {
        poke(at, input_.address());
        poke(at + 8, input_.length());
        poke(at + 12, std::uint16_t(input_.number(1) & (input_.below(8) ? 3 : 7)));
        poke(at + 14, std::uint16_t(input_.below(4) ? input_.below(kQueueEntries) : input_.number(2)));
    }

    void offer(unsigned queue) {
        const std::uint64_t available = areas_ + 0x2000 * queue + 16 * entries_[queue];
        std::uint16_t index;
        std::memcpy(&index, driver_->at(available + 2), 2);
        const std::uint16_t head =
            std::uint16_t(input_.below(16) ? input_.below(kQueueEntries) : input_.number(2));
        poke(available + 4 + 2 * (index % entries_[queue]), head);
        poke(available + 2, std::uint16_t(index + (input_.below(16) ? 1 : input_.number(2))));
        driver_->registers().notify(queue);
    }

    void act() {
        const unsigned queue = input_.below(kQueues);
        Registers& registers = driver_->registers();
        switch (input_.below(16)) {
        case 0:
        case 1:
        case 2: return descriptor(areas_ + 0x2000 * queue + 16 * input_.below(kQueueEntries));
        case 3:
        case 4:
        case 5: return offer(queue);
        case 6: return descriptor(kRam + 16 * input_.below(64));  // a table for indirect descriptors
        case 7: return poke(kRam + input_.number(2), input_.number(8));
        case 8: return registers.set_config(input_.below(64), input_.number(4), 1u << input_.below(3));
        case 9: registers.config(input_.below(255), 1u << input_.below(3)); return;
        case 10: return registers.set_status(std::uint8_t(input_.number(1)));
        case 11: return registers.notify(unsigned(input_.number(2)));
        case 12: bench_.advance_ns(input_.number(4)); return;
        case 13: return host_acts();
        case 14:
            return registers.set_queue(queue, unsigned(input_.number(2)), input_.address(), input_.address(),
                                       input_.address());
        default: return input_.below(8) ? start() : bench_.reset();
        }
    }

    void host_acts() {
        switch (input_.below(5)) {
        case 0: block_.hold = !block_.hold; break;
        case 1: block_.let_go(); break;
        case 2: {
            std::vector<std::uint8_t> frame(14 + input_.number(2) % 2000);
            for (std::size_t i = 0; i < 40 && i < frame.size(); ++i)
                frame[i] = std::uint8_t(input_.number(1));
            if (net_.front) net_.front->receive_frame(frame);
            break;
        }
        case 3: {
            if (!char_.front) break;
            const std::vector<std::uint8_t> bytes(char_.front->can_receive());
            char_.front->receive(bytes);
            break;
        }
        default:
            char_.room = input_.number(2);
            if (char_.front) char_.front->can_send();
            break;
        }
    }

    Input& input_;
    DeviceBench bench_;
    FakeBlock& block_;
    FakeNet& net_;
    FakeChar& char_;
    std::unique_ptr<Driver> driver_;
    std::uint64_t areas_ = 0;
    unsigned entries_[kQueues] = {};
};

}  // namespace
}  // namespace backplane::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    backplane::testing::Input input({data, size});
    backplane::testing::Guest(input).run();
    return 0;
}

#ifndef BACKPLANE_LIBFUZZER
namespace backplane::testing {
namespace {

class VirtioFuzz : public ::testing::TestWithParam<unsigned> {};

TEST_P(VirtioFuzz, NothingThatADriverDoesHurtsTheHost) {
    std::mt19937 random(GetParam());
    for (unsigned i = 0; i < 40; ++i) {
        std::vector<std::uint8_t> bytes(2000);
        for (auto& byte : bytes) byte = std::uint8_t(random());
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, VirtioFuzz, ::testing::Range(0u, 20u));

TEST(VirtioFuzzFiles, AreHarmlessToo) {
    const char* names = std::getenv("VIRTIO_FUZZ_INPUTS");
    std::istringstream list(names ? names : "");
    for (std::string name; std::getline(list, name, ':');) {
        std::ifstream file(name, std::ios::binary);
        ASSERT_TRUE(file) << name;
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
}

}  // namespace
}  // namespace backplane::testing
#endif
