// Systems made at random: any bytes as code, any bytes as tables, in any mode, run by the engine while interrupts come. Each runs,
// shuts down or stands, and stops when it is asked to.
//
// x86_random_systems_test [SECONDS [SEED]]
#include "translated.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace backplane::x86::testing {
namespace {

using tcg::testing::kRamBase;
using tcg::testing::kRamSize;

constexpr std::uint64_t kPage = 4096, kTablePages = 32, kPages = kRamSize / kPage;

enum class Mode : std::uint8_t { Real, Flat, Paged, Wide, Long, Count };

class RandomSystems {
  public:
    explicit RandomSystems(std::uint64_t seed) : random_(seed) {}

    void make_memory() {
        std::uint8_t* const ram = cpu_.ram();
        for (std::uint64_t at = kTablePages * kPage; at < kRamSize; ++at) ram[at] = std::uint8_t(random_());
        // Stores that hit what runs, and what runs next: MOV BYTE [RIP + small].
        for (unsigned n = 0; n < 4000; ++n) {
            const std::uint8_t store[] = {0xc6, 0x05, std::uint8_t(random_() & 31), 0,
                                          0,    0,    std::uint8_t(random_())};
            std::memcpy(ram + kTablePages * kPage + random_() % ((kPages - kTablePages - 1) * kPage), store,
                        sizeof store);
        }
        cpu_.forget_code();
    }

    void run_one() {
        const auto mode = Mode(random_() % unsigned(Mode::Count));
        make_tables(mode == Mode::Paged);
        make_state(mode);
        cpu_.set_interrupt(int(random_() & 0xff));
        cpu_.begin();
        for (unsigned n = random_() & 31; n > 0 && !cpu_.halts(std::chrono::microseconds(50)); --n) {
            cpu_.guest.requests.fetch_or(random_() & 1 ? request::kNmi : request::kInterrupt);
            cpu_.guest.run.exit_request.store(1);
        }
        cpu_.end();
    }

  private:
    std::uint64_t value() {
        switch (random_() % 5) {
        case 0: return random_();
        case 1: return random_() & 0xffff;
        case 2: return 0 - (random_() & 0xff);
        case 3: return std::uint64_t{1} << random_() % 64;
        default: return place();
        }
    }
    std::uint64_t place() { return kRamBase + random_() % kRamSize; }

    /// Entries that lead somewhere, mostly: to other tables, to code, to themselves.
    void make_tables(bool narrow) {
        for (std::uint64_t at = 0; at < kTablePages * kPage; at += narrow ? 4 : 8) {
            std::uint64_t entry =
                (kRamBase + random_() % kPages * kPage) | (random_() & 0xfff & ~0x80ull) | 1;
            if (random_() % 2) entry |= 6;
            if (random_() % 16 == 0) entry ^= 1u << random_() % 13;
            if (!narrow && random_() % 32 == 0) entry ^= std::uint64_t{1} << random_() % 64;
            std::memcpy(cpu_.ram() + at, &entry, narrow ? 4 : 8);
        }
    }

    void make_state(Mode mode) {
        X86State& s = cpu_.guest;
        for (std::uint64_t& reg : s.gpr) reg = value();
        s.rflags = (random_() & (random_() % 8 ? 0x200cd5 : 0x3f7fd5)) | rflags::kOne;
        s.cr0 = (random_() & 0x5002a) | cr0::kEt | (mode == Mode::Real ? 0 : cr0::kPe);
        if (mode >= Mode::Paged) s.cr0 |= cr0::kPg;
        s.cr2 = 0;
        s.cr3 = kRamBase + random_() % kTablePages * kPage;
        s.cr4 = random_() & 0x7607df & ~cr4::kPae;
        if (mode >= Mode::Wide) s.cr4 |= cr4::kPae;
        s.efer = efer::kSce | (random_() & efer::kNxe);
        if (mode == Mode::Long) s.efer |= efer::kLma | efer::kLme;
        else s.cr4 &= ~cr4::kPcide;
        for (std::uint64_t& pointer : s.pdptrs) pointer = (kRamBase + random_() % kTablePages * kPage) | 1;
        s.xcr0 = random_() & 1 ? 0x207 : 1;
        s.dr7 = random_() % 4 ? 0x400 : (random_() & 0xffff2bff) | 0x400;
        for (std::uint64_t& breakpoint : s.dr) breakpoint = place();
        s.dr6 = 0xffff0ff0;
        s.activity = Activity::Running;
        s.run.halted = 0;
        s.requests = 0;
        s.wakes_on = 0;
        s.interrupt_shadow = s.nmi_blocked = s.exception_pending = s.interrupt_injected = false;
        make_segments(mode);
        for (unsigned n = 0; n < 1024; ++n) s.xsave[n] = std::uint8_t(random_());
        s.xsave[kMxcsrOffset + 2] = s.xsave[kMxcsrOffset + 3] = 0;
        set_instruction_pointer(s, random_() % kRamSize + (s.segments[kCs].base ? 0 : kRamBase));
    }

    void make_segments(Mode mode) {
        X86State& s = cpu_.guest;
        const std::uint32_t privilege = std::uint32_t(random_() & 3) << Segment::kDplShift;
        for (Segment& segment : s.segments)
            segment = {random_() & 1 ? 0 : place() & ~0xfull,
                       std::uint32_t(random_() % 4 ? ~0u : random_() & 0xffff), std::uint16_t(random_()),
                       std::uint32_t(0x93 | (random_() & 0xf008)) | privilege};
        s.segments[kCs].attributes |= Segment::kCode;
        s.segments[kCs].attributes &= ~Segment::kLong;
        if (mode == Mode::Long && random_() % 4) s.segments[kCs] = {0, ~0u, 8, 0xa09bu | privilege};
        const auto table = [&] { return place(); };
        s.gdt = {table(), std::uint32_t(random_() & 0xffff)};
        s.idt = {table(), std::uint32_t(random_() & 0xffff)};
        s.ldt = {table(), std::uint32_t(random_() & 0xffff), std::uint16_t(random_()), 0x82};
        s.task = {table(), std::uint32_t(random_() & 0xffff), std::uint16_t(random_()),
                  random_() & 1 ? 0x8bu : 0x83u};
    }

    std::mt19937_64 random_;
    TranslatedCpu cpu_;
};

}  // namespace
}  // namespace backplane::x86::testing

int main(int count, char** arguments) {
    const int seconds = count > 1 ? std::atoi(arguments[1]) : 2;
    const std::uint64_t seed = count > 2 ? std::strtoull(arguments[2], nullptr, 0) : 1;
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);  // a hang or a crash is to be made again
    backplane::x86::testing::RandomSystems systems(seed);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    unsigned long runs = 0;
    do {
        if (runs++ % 64 == 0) systems.make_memory();
        systems.run_one();
    } while (std::chrono::steady_clock::now() < end);
    std::printf("%lu systems\n", runs);
    return 0;
}
