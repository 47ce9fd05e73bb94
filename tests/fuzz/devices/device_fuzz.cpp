// A guest that does anything at all to a chip: every register at every width in every order, its input wires, time, resets,
// and a saved machine in between, as the bytes of an input say. What comes of it is not looked at; that nothing crashes,
// hangs or trips a sanitizer is, and that a state which is saved, loaded and saved again stays what it was.
//
// The first byte chooses the chip: a row of kSubjects. The entry is libFuzzer's: clang++ -fsanitize=fuzzer,address with
// -DBACKPLANE_LIBFUZZER. Otherwise this is a test that runs inputs of fixed seeds, and those in the files that the variable
// DEVICE_FUZZ_INPUTS names (':' between).
#include <backplane/input.h>
#include <backplane/isa.h>
#include <backplane/testing/bench.h>
#include <backplane/text.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <sstream>

#ifndef BACKPLANE_LIBFUZZER
#    include <gtest/gtest.h>
#endif

namespace backplane::testing {
namespace {

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

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
};

/// Takes and gives whatever it is asked for, or not.
class Peripheral final : public IsaDmaDevice {
  public:
    explicit Peripheral(Input& input) : input_(input) {}
    std::uint32_t transfer(IsaDmaChannel& channel, std::uint32_t position, std::uint32_t length) override {
        std::uint8_t bytes[600] = {};
        const auto size = std::size_t(input_.number(2) % sizeof bytes);
        const std::uint32_t at = input_.below(8) ? position : std::uint32_t(input_.number(4));
        const bool gives = input_.below(2);
        const std::uint32_t moved =
            gives ? channel.write(at, {bytes, size}) : channel.read(at, {bytes, size});
        if (input_.below(4) == 0) channel.set_request(0);
        return input_.below(8)   ? position + moved
               : input_.below(2) ? length
                                 : std::uint32_t(input_.number(4));
    }

  private:
    Input& input_;
};

struct Subject {
    const char* type;
    Properties properties{};
    std::vector<const char*> regions;
    /// Offsets that are tried; somewhat more than the largest region has.
    std::uint64_t span = 16;
    std::vector<std::pair<const char*, unsigned>> inputs{};
    /// Made before it: type, id, properties.
    std::vector<std::tuple<const char*, const char*, Properties>> others{};
};

const std::vector<Subject>& subjects() {
    static const std::vector<Subject> all = {
        {.type = "isa-i8259",
         .properties = {{"iobase", "0x20"}, {"elcr_addr", "0x4d0"}, {"master", "on"}, {"cascade", "slave"}},
         .regions = {"registers", "elcr"},
         .span = 3,
         .inputs = {{"", 8}},
         .others = {{"isa-i8259", "slave", {{"iobase", "0xa0"}, {"elcr_addr", "0x4d1"}}}}},
        {.type = "mc146818rtc",
         .properties = {{"lost_tick_policy", "slew"}},
         .regions = {"registers"},
         .span = 3},
        {.type = "isa-pit", .regions = {"registers"}, .span = 5, .inputs = {{"", 1}}},
        {.type = "isa-pcspk",
         .properties = {{"pit", "pit"}},
         .regions = {"registers"},
         .span = 2,
         .others = {{"isa-pit", "pit", {}}}},
        {.type = "i8257",
         .properties = {{"dshift", "1"}, {"pageh-base", "0x488"}},
         .regions = {"dma-chan", "dma-cont", "dma-page", "dma-pageh"}},
        {.type = "i8042", .regions = {"data", "command"}, .span = 2},
        {.type = "isa-debugcon",
         .properties = {{"chardev", "log"}},
         .regions = {"registers"},
         .span = 2,
         .others = {{"chardev-null", "log", {}}}},
        {.type = "port92", .regions = {"registers"}, .span = 2},
        {.type = "ioportF0", .regions = {"registers"}, .span = 2, .inputs = {{"ferr", 1}}},
    };
    return all;
}

class Guest {
  public:
    Guest(const Subject& subject, Input& input) : subject_(subject), input_(input), peripheral_(input) {
        for (const auto& [type, id, properties] : subject.others) bench_.add(type, id, properties);
        Object& device = bench_.add(subject.type, "subject", subject.properties);
        bench_.focus(device);
        IgnoredErrors ignored;
        if (auto* dma = query<IsaDma>(device)) channel_ = dma->take_channel(6, &peripheral_, ignored);
        find_input_devices(device);
    }

    void run() {
        while (!input_.done()) act();
    }

  private:
    void find_input_devices(Object& object) {
        if (auto* device = query<InputDevice>(object)) input_devices_.push_back(device);
        for (std::size_t i = 0; i < object.child_count(); ++i) find_input_devices(*object.child_at(i));
    }

    void act() {
        const char* region = subject_.regions[input_.below(unsigned(subject_.regions.size()))];
        const std::uint64_t offset = input_.number(2) % subject_.span;
        const unsigned size = 1u << (input_.below(4) ? 0 : input_.below(4));
        switch (input_.below(16)) {
        case 0: bench_.peek(offset, size, region); return;
        case 1: bench_.advance_ns(input_.number(3)); return;
        case 2: return drive();
        case 3: return use();
        case 4:
            if (input_.below(16) == 0) bench_.reset();
            return;
        case 5:
            if (input_.below(8) == 0) save_and_load();
            return;
        case 6:
        case 7:
        case 8:
        case 9: bench_.read(offset, size, region); return;
        default: bench_.write(offset, input_.number(size), size, region); return;
        }
    }

    void drive() {
        if (subject_.inputs.empty()) return;
        const auto& [name, count] = subject_.inputs[input_.below(unsigned(subject_.inputs.size()))];
        bench_.set_input(name, input_.below(count), int(input_.below(2)));
    }

    /// What the world does.
    void use() {
        if (channel_) channel_->set_request(int(input_.below(2)));
        if (input_devices_.empty()) return;
        const InputEvent event{InputKind(input_.below(4)), std::uint16_t(input_.number(1)),
                               std::int32_t(input_.below(4) ? input_.below(2) : input_.number(4))};
        input_devices_[input_.below(unsigned(input_devices_.size()))]->input({&event, 1});
    }

    void save_and_load() {
        const auto saved = bench_.save_state();
        bench_.load_state(saved);
        if (bench_.save_state() != saved) __builtin_trap();
    }

    const Subject& subject_;
    Input& input_;
    Peripheral peripheral_;
    DeviceBench bench_;
    IsaDmaChannel* channel_ = nullptr;
    std::vector<InputDevice*> input_devices_;
};

}  // namespace
}  // namespace backplane::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backplane::testing;
    Input input({data, size});
    Guest(subjects()[input.below(unsigned(subjects().size()))], input).run();
    return 0;
}

#ifndef BACKPLANE_LIBFUZZER
namespace backplane::testing {
namespace {

class DeviceFuzz : public ::testing::TestWithParam<std::size_t> {};

TEST_P(DeviceFuzz, NothingThatAGuestDoesHurtsTheHost) {
    std::mt19937 random{unsigned(GetParam())};
    for (unsigned i = 0; i < 20; ++i) {
        std::vector<std::uint8_t> bytes(4000);
        for (auto& byte : bytes) byte = std::uint8_t(random());
        bytes[0] = std::uint8_t(GetParam());
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
}
INSTANTIATE_TEST_SUITE_P(Chips, DeviceFuzz, ::testing::Range(std::size_t{0}, subjects().size()),
                         [](const auto& chip) {
                             std::string name = subjects()[chip.param].type;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(DeviceFuzzFiles, AreHarmlessToo) {
    const char* names = std::getenv("DEVICE_FUZZ_INPUTS");
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
