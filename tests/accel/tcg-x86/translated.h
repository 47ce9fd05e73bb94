// Instructions as the translator runs them: the engine and the front end without a machine. 64-bit code, of a user unless the
// test says otherwise, and the memory at kMemoryBase; every exception and interrupt ends in a handler that halts.
#pragma once

#include "plugins/accel/tcg-x86/front_end.h"
#include "processor.h"
#include "tests/accel/tcg/harness.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace backplane::x86::testing {

/// Where user code begins: no place that random code finds by shifting the address of its memory.
inline constexpr std::uint64_t kCode = 0x29d4b000;

class TranslatedCpu final : public Cpu {
  public:
    /// `one_instruction`: each unit has one.
    explicit TranslatedCpu(bool one_instruction = false);

    /// Places the bytes, and what halts behind them.
    void set_code(std::uint64_t pc, const std::uint8_t* code, unsigned length);
    /// Runs from the state's pc on. Nothing, or the vector of what was raised; the state's pc is then the instruction's that
    /// raised it, and else what lies behind the code.
    std::optional<Vector> run(unsigned privilege = 3);
    /// An interrupt waits for it.
    void ask(Vector vector);
    std::uint8_t* memory() { return at(kMemory); }
    /// What the first unit of the code at `pc` is to the host: the lines of what is usually run.
    std::string host_code(std::uint64_t pc);

    X86State guest{};
    std::uint64_t more_cr4 = 0;  ///< bits of CR4 beside those for SSE and AVX

    // ---- for systems of the test's own making: all RAM, and running from the state as it is until the test says so
    std::uint8_t* ram() { return at(0); }
    void forget_code() { pages_.written(context_.space.block(), 0, tcg::testing::kRamSize, nullptr); }
    void set_interrupt(int vector) { processor_.interrupt = vector; }
    void begin();
    /// Does it halt within that time?
    bool halts(std::chrono::microseconds longest);
    void end();

    // ---- Cpu
    Str architecture() const override { return "x86_64"; }
    void set_host(const CpuHost&) override {}
    std::uint32_t index() const override { return 0; }
    Object& object() override { std::abort(); }
    void* state() override { return &guest; }
    std::size_t address_space_count() const override { return 1; }
    AddressSpace& address_space(std::size_t) override { return context_.space; }
    void set_runner(VcpuRunner*) override {}
    bool has_work() const override;
    std::uint64_t program_counter() const override { return guest.pc; }
    void set_program_counter(std::uint64_t value) override { guest.pc = value; }
    bool powered_off() const override { return false; }
    void dump(TextSink&) const override {}
    bool translate_debug(std::uint64_t, GuestAddress&) override { return false; }

  private:
    // Where things are in the RAM: the tables of pages; what the processor looks at, mapped at 0; code; memory.
    static constexpr std::uint64_t kTables = 0, kSystem = 0x8000, kCodeAt = 0x10000, kMemory = 0x20000;
    static constexpr std::uint64_t kIdt = 0, kGdt = 0x1000, kTask = 0x1800, kHandlers = 0x2000,
                                   kStack = 0x4000;
    static constexpr std::uint64_t kCodePages = 2, kHandlerSize = 16;

    std::uint8_t* at(std::uint64_t offset) { return context_.space.block().host + offset; }
    void put(std::uint64_t offset, std::uint64_t value) { std::memcpy(at(offset), &value, sizeof value); }
    std::uint64_t get(std::uint64_t offset) { return *reinterpret_cast<std::uint64_t*>(at(offset)); }
    void map(std::uint64_t address, std::uint64_t offset, std::uint64_t pages, bool user);
    void make_system();

    mutable std::mutex mutex_;
    mutable std::condition_variable halted_;
    mutable bool has_halted_ = false;
    std::uint64_t tables_ = 4;  ///< pages of kTables that are in use
    std::uint64_t end_ = 0;     ///< the address behind the code
    tcg::testing::TestContext context_;
    tcg::CodePages pages_;
    X86FrontEnd front_end_;
    PerCpu own_;
    TestProcessor processor_;
    std::unique_ptr<tcg::TcgVcpu> vcpu_;
};

}  // namespace backplane::x86::testing
