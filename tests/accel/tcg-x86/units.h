// A processor without a machine whose code goes through the engine: user code at kCode, with the memory where Host has it,
// and kernel entries that stop. What the oracle compares with the host.
#pragma once

#include "plugins/accel/tcg-x86/front_end.h"
#include "processor.h"
#include "tests/accel/tcg/harness.h"

#include <memory>
#include <span>

namespace backplane::x86::testing {

/// Where code begins in Units. Its last instruction is INT kEnd.
inline constexpr std::uint64_t kCode = 0x400000;
inline constexpr std::uint8_t kEnd = 0x80;

class Units {
  public:
    /// `one_instruction`: each unit has one.
    explicit Units(bool one_instruction = false);
    ~Units();

    /// Of the processor, whose pc, segments and mode are set by run().
    X86State& state() { return cpu_.guest; }
    /// kMemorySize bytes, which the code has at kMemoryBase.
    std::uint8_t* memory() { return context_.space.at(kMemory); }

    /// What the first exception or INT kEnd found.
    struct End {
        std::uint8_t vector = 0;
        std::uint64_t offset = 0;  ///< of the instruction that raised, or that follows INT
        std::uint64_t sp = 0, flags = 0;
    };
    /// Places code, in place of what was there.
    void place(std::span<const std::uint8_t> code);
    /// Runs it from the state. The general registers but SP, the vectors and the x87 are in the state then.
    End run();

  private:
    class UserCpu final : public Cpu {
      public:
        explicit UserCpu(AddressSpace& space) : space_(space) {}
        Str architecture() const override { return "x86_64"; }
        void set_host(const CpuHost&) override {}
        std::uint32_t index() const override { return 0; }
        Object& object() override { std::abort(); }
        void* state() override { return &guest; }
        std::size_t address_space_count() const override { return 1; }
        AddressSpace& address_space(std::size_t) override { return space_; }
        void set_runner(VcpuRunner*) override {}
        bool has_work() const override { return false; }
        std::uint64_t program_counter() const override { return guest.pc; }
        void set_program_counter(std::uint64_t value) override { guest.pc = value; }
        bool powered_off() const override { return false; }
        void dump(TextSink&) const override {}
        bool translate_debug(std::uint64_t, GuestAddress&) override { return false; }
        X86State guest{};

      private:
        AddressSpace& space_;
    };

    static constexpr std::uint64_t kTables = tcg::testing::kRamBase, kSystem = kTables + 0x8000,
                                   kCodePages = kTables + 0x20000, kMemory = kTables + 0x40000;

    template <typename T>
    void put(std::uint64_t physical, T value) {
        std::memcpy(context_.space.at(physical), &value, sizeof value);
    }
    void make_tables();
    void make_kernel();

    tcg::testing::TestContext context_;
    X86FrontEnd front_end_;
    tcg::CodePages pages_;
    UserCpu cpu_{context_.space};
    TestProcessor processor_;
    PerCpu own_{};
    TemplateCache templates_;
    std::unique_ptr<tcg::TcgVcpu> vcpu_;
};

}  // namespace backplane::x86::testing
