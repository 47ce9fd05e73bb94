// A processor without a machine: the executor on memory of the test's own. 64-bit user code, unless the test says otherwise.
#pragma once

#include "plugins/accel/tcg-x86/decoder/decoder.h"
#include "plugins/accel/tcg-x86/executor/executor.h"
#include "tests/accel/standing_clock.h"

#include <backplane/clock.h>
#include <backplane/draft/address_space.h>
#include <backplane/log.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace backplane::x86::testing {

inline constexpr std::uint64_t kMemoryBase = 0x10000000, kMemorySize = 0x10000;

class TestProcessor final : public Processor {
  public:
    bool settle(const ProcessorSupport&, Errors&) override { return true; }
    CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t) const override {
        constexpr std::uint32_t kLongMode = 1u << 29, kSyscall = 1u << 11;
        if (const auto it = leaves.find(leaf); it != leaves.end()) return it->second;
        if (leaf != kExtendedFeatures) return {~0u, ~0u, ~0u, ~0u};
        return {~0u, ~0u, ~0u, ~(long_mode ? 0 : kLongMode) & ~(shows_syscall ? 0 : kSyscall)};
    }
    Slice<const CpuidEntry> cpuid_entries() const override {
        constexpr std::uint32_t kLongMode = 1u << 29;
        entry_ = {kExtendedFeatures, 0, false, {~0u, ~0u, ~0u, ~(long_mode ? 0 : kLongMode)}};
        return {&entry_, 1};
    }
    std::uint64_t feature_msr(std::uint32_t) const override { return 0; }
    std::uint64_t tsc_frequency() const override { return 0; }
    int acknowledge_interrupt() override { return std::exchange(interrupt, -1); }
    void take_init() override {}
    void take_start_up() override {}
    void local_apic_written() override {}
    LocalApic* local_apic() const override { return nullptr; }
    void shut_down() override { shut = true; }
    bool a20() const override { return true; }
    int interrupt = -1;
    std::map<std::uint32_t, CpuidRegisters> leaves;  ///< others have all bits set
    bool long_mode = true;
    bool shows_syscall = true;
    bool shut = false;

  private:
    static constexpr std::uint32_t kExtendedFeatures = 0x80000001;
    mutable CpuidEntry entry_{};
};

class TestLock final : public MachineLock {
  public:
    void lock() override {}
    void unlock() override {}
    bool held() const override { return true; }
};

class TestLog final : public Log {
  public:
    bool enabled(Str) const override { return false; }
    void write(LogLevel, Str, Str) override {}
    void guest_error(Str, Str) override {}
};

/// Memory from kMemoryBase on; what lies elsewhere is not mapped. Pages may be made read-only.
class TestVcpu final : public tcg::Vcpu {
  public:
    explicit TestVcpu(X86State& state) : state_(state), bytes(kMemorySize) {}

    Cpu& cpu() override { std::abort(); }
    AddressSpace& memory() override { std::abort(); }
    Clock& clock() override { return clock_; }
    Log& log() override { return log_; }
    MachineLock& lock() override { return lock_; }
    void flush_tlb() override { ++flushes; }
    void flush_tlb_page(std::uint64_t) override { ++flushes; }
    void flush_tlb_local() override { ++flushes; }
    void flush_tlb_modes(std::uint32_t) override { ++flushes; }
    void raised() override {}
    void leave(tcg::LeaveKind) override {}
    std::uint32_t load_port(std::uint16_t port, unsigned) override { return ports[port]; }
    void store_port(std::uint16_t port, std::uint32_t value, unsigned) override { ports[port] = value; }
    std::uint64_t load_physical(std::uint64_t address, unsigned size, bool& failed) override {
        std::uint64_t value = 0;
        failed = !inside(address, size);
        if (!failed) std::memcpy(&value, at(address), size);
        return value;
    }
    bool update_physical(std::uint64_t address, std::uint64_t, std::uint64_t desired, unsigned size,
                         bool& failed) override {
        failed = !inside(address, size);
        if (!failed) std::memcpy(at(address), &desired, size);
        return !failed;
    }
    bool load(std::uint64_t address, std::uint8_t flags, std::uint8_t, std::uint64_t& value) override {
        const unsigned size = tcg::mem::size(flags);
        if (!present(address, size, false)) return false;
        value = 0;
        std::memcpy(&value, at(address), size);
        return true;
    }
    bool store(std::uint64_t address, std::uint64_t value, std::uint8_t flags, std::uint8_t) override {
        const unsigned size = tcg::mem::size(flags);
        if (!present(address, size, true)) return false;
        std::memcpy(at(address), &value, size);
        return true;
    }
    void* host_pointer(std::uint64_t address, unsigned size, bool write, std::uint8_t,
                       bool& raised) override {
        raised = !present(address, 1, write);
        if (raised || (address & 0xfff) + size > 0x1000 || !inside(address, size)) return nullptr;
        return plain ? at(address) : nullptr;
    }
    std::uint32_t take_fp_exceptions() override { return 0; }
    void set_fp_rounding(tcg::FpRounding) override {}
    std::uint32_t fp_mode() override { return mxcsr; }
    void set_fp_mode(std::uint32_t word) override { mxcsr = word; }

    std::uint8_t* at(std::uint64_t address) {
        return bytes.data() + (wraps ? address % (kMemorySize - 8) : address - kMemoryBase);
    }

  private:
    X86State& state_;
    backplane::testing::StandingClock clock_;
    TestLog log_;
    TestLock lock_;

  public:
    std::vector<std::uint8_t> bytes;
    std::map<std::uint16_t, std::uint32_t> ports;
    std::uint64_t read_only = 0;  ///< a page
    bool plain = true;            ///< false: every access goes the long way
    bool wraps = false;           ///< every address is somewhere in the memory
    unsigned flushes = 0;
    std::uint32_t mxcsr = kMxcsrMasks;  ///< as the engine has it while the guest runs

  private:
    bool inside(std::uint64_t address, unsigned size) const {
        if (wraps) return size <= 8;
        return address - kMemoryBase < kMemorySize && address - kMemoryBase + size <= kMemorySize;
    }
    bool present(std::uint64_t address, unsigned size, bool write) {
        const std::uint64_t last = address + size - 1;
        const bool written =
            write && read_only && (address >> 12 == read_only >> 12 || last >> 12 == read_only >> 12);
        if (inside(address, size) && !written) return true;
        PerCpu& cpu = per_cpu(state_);
        cpu.fault_recorded = true;
        state_.cr2 =
            inside(address, 1) && !(write && address >> 12 == read_only >> 12) ? last & ~0xfffull : address;
        cpu.fault = {Vector::PageFault, true, 4u | (write ? 2 : 0)};
        return false;
    }
};

/// Instead of a handler's entry, the test sees the vector: an IDT of interrupt gates that lead to 64-bit kernel code would
/// need memory; without one every exception ends in a shutdown. So the executor's own dispatch is asked.
class TestCpu {
  public:
    TestCpu() : vcpu(state) {
        own.processor = &processor;
        own.templates = &templates();
        state.executor = &own;
        state.run.engine = static_cast<tcg::Vcpu*>(&vcpu);
        state.cr0 = cr0::kPe | cr0::kPg | cr0::kMp | cr0::kNe | cr0::kWp;
        state.cr4 = cr4::kPae | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave;
        state.efer = efer::kLma | efer::kLme | efer::kSce;
        state.xcr0 = 7;
        state.rflags = rflags::kOne | rflags::kInterrupt;
        for (Segment& segment : state.segments) segment = {0, 0xffffffff, 0x2b, 0xc0f3};
        state.segments[kCs] = {0, 0xffffffff, 0x33, 0xa0fb};
    }
    static TemplateCache& templates() {
        static TemplateCache all;
        return all;
    }
    /// Nothing, or the vector of what it raised.
    std::optional<Vector> run(const Instruction& instruction) {
        Executor executor(state);
        vcpu.mxcsr = mxcsr_of(state);
        const std::optional<Vector> raised = executor.try_run(instruction);
        set_mxcsr_of(state, (mxcsr_of(state) & kMxcsrMasks) | (vcpu.mxcsr & ~kMxcsrMasks));
        return raised;
    }

    X86State state{};
    PerCpu own{};
    TestProcessor processor;
    TestVcpu vcpu;
};

class CodeBytes final : public ByteSource {
  public:
    explicit CodeBytes(const std::uint8_t* code) : code_(code) {}
    std::uint8_t byte(unsigned offset) override { return code_[offset]; }
    bool failed() const override { return false; }

  private:
    const std::uint8_t* code_;
};

}  // namespace backplane::x86::testing
