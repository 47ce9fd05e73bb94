// A guest that does anything at all to the registers of several devices at once: accesses of every size, with a fixed seed.
// What they do is not looked at; that nothing crashes, hangs or trips a sanitizer is.
#pragma once

#include <backplane/testing/bench.h>

#include <random>
#include <string>
#include <vector>

namespace backplane::testing {

/// A stretch of a region that a device on the bench exports.
struct FuzzWindow {
    Object* device = nullptr;
    std::string region;
    std::uint64_t base = 0;
    std::uint64_t size = 0;
};

class DeviceFuzzer {
  public:
    DeviceFuzzer(DeviceBench& bench, unsigned seed) : bench_(bench), random_(seed) {}

    void add(FuzzWindow window) { windows_.push_back(std::move(window)); }
    /// An input that is raised and lowered meanwhile.
    void add_input(Object& device, const char* group, unsigned count) {
        inputs_.push_back({&device, group, count});
    }

    void act(unsigned times) {
        for (unsigned i = 0; i < times; ++i) {
            access();
            const auto what = random_() % 256;
            if (what < 16) wiggle();
            else if (what < 24) bench_.advance_ns(random_() % 1'000'000);
            else if (what == 24) through_a_save();
            else if (random_() % 4096 == 0) reset();
        }
    }

  private:
    struct Inputs {
        Object* device;
        const char* group;
        unsigned count;
    };

    void access() {
        const FuzzWindow& window = windows_[random_() % windows_.size()];
        const std::uint64_t offset = window.base + random_() % window.size;
        const unsigned size = 1u << random_() % 4;
        bench_.focus(*window.device);
        switch (random_() % 8) {
        case 0: bench_.peek(offset, size, window.region); break;
        case 1:
        case 2:
        case 3: bench_.read(offset, size, window.region); break;
        default: bench_.write(offset, value(), size, window.region); break;
        }
    }
    void wiggle() {
        if (inputs_.empty()) return;
        const Inputs& inputs = inputs_[random_() % inputs_.size()];
        bench_.focus(*inputs.device);
        bench_.set_input(inputs.group, unsigned(random_() % inputs.count), int(random_() % 2));
    }
    /// What a device says of its state, it takes back.
    void through_a_save() {
        bench_.focus(*windows_[random_() % windows_.size()].device);
        bench_.load_state(bench_.save_state());
    }
    void reset() {
        bench_.focus(*windows_[random_() % windows_.size()].device);
        bench_.reset();
    }
    /// Mostly small numbers, single bits and ones: what registers react to.
    std::uint64_t value() {
        switch (random_() % 5) {
        case 0: return random_() % 256;
        case 1: return ~std::uint64_t{0};
        case 2: return std::uint64_t{1} << random_() % 64;
        case 3: return 0x80000000 + (random_() % 0x10000 << 2);
        default: return random_();
        }
    }

    DeviceBench& bench_;
    std::mt19937_64 random_;
    std::vector<FuzzWindow> windows_;
    std::vector<Inputs> inputs_;
};

}  // namespace backplane::testing
