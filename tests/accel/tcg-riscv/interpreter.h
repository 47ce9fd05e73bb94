// A yardstick for front ends: executes blocks of the translator's intermediate representation one op at a time, on a
// hart with RAM and a console and no engine. What an op means is written here a second time, from ir_table.inc's words,
// with floating point in integers.
//
// Not modelled: interrupts, other harts, devices but a UART's transmitter and the test finisher; translated code is
// never dropped, so that the guest must not overwrite code that ran.
#pragma once

#include "plugins/accel/tcg-riscv/front_end.h"
#include "plugins/accel/tcg-riscv/helpers/soft_float.h"
#include "plugins/accel/tcg-riscv/privileged/privileged.h"

#include <backplane/clock.h>
#include <backplane/draft/address_space.h>
#include <backplane/draft/tcg/front_end.h>
#include <backplane/log.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace backplane::riscv::testing {

inline constexpr std::uint64_t kRamBase = 0x80000000;

class Interpreter final : public tcg::Vcpu, public HartServices {
  public:
    explicit Interpreter(std::size_t ram_bytes);

    HartState& hart() { return *hart_; }
    std::vector<std::uint8_t>& ram() { return ram_; }
    const std::string& console() const { return console_; }
    bool finished() const { return finished_; }
    /// Runs until the guest tells the finisher, or for so many blocks.
    void run(std::uint64_t blocks);

    /// Time stands still.
    std::uint64_t time() const override { return 0; }
    std::uint64_t now_ns() const override { return 0; }
    void supervisor_timer_changed() override {}

    Cpu& cpu() override { std::abort(); }
    AddressSpace& memory() override { std::abort(); }
    Clock& clock() override { std::abort(); }
    Log& log() override { std::abort(); }
    MachineLock& lock() override { std::abort(); }
    void flush_tlb() override {}
    void flush_tlb_page(std::uint64_t) override {}
    void flush_tlb_modes(std::uint32_t) override {}
    void flush_tlb_local() override {}
    void raised() override { raised_ = true; }
    void leave(tcg::LeaveKind) override { std::abort(); }
    std::uint32_t load_port(std::uint16_t, unsigned) override { std::abort(); }
    void store_port(std::uint16_t, std::uint32_t, unsigned) override { std::abort(); }
    std::uint64_t load_physical(std::uint64_t address, unsigned size, bool& failed) override;
    bool update_physical(std::uint64_t address, std::uint64_t expected, std::uint64_t desired, unsigned size,
                         bool& failed) override;
    bool load(std::uint64_t, std::uint8_t, std::uint8_t, std::uint64_t&) override { std::abort(); }
    bool store(std::uint64_t, std::uint64_t, std::uint8_t, std::uint8_t) override { std::abort(); }
    void* host_pointer(std::uint64_t, unsigned, bool, std::uint8_t, bool&) override { std::abort(); }
    std::uint32_t take_fp_exceptions() override;
    void set_fp_rounding(tcg::FpRounding mode) override { dynamic_rounding_ = mode; }
    std::uint32_t fp_mode() override { return 0; }
    void set_fp_mode(std::uint32_t) override {}

  private:
    struct Unit {
        tcg::Block block;
        std::vector<std::size_t> label_positions;
    };
    class Code;

    const Unit& unit(const tcg::BlockKey& key);
    void execute(const Unit& unit, const tcg::BlockKey& key);
    std::uint64_t value(const tcg::Block& block, tcg::Value which) const;
    void set(tcg::Value which, std::uint64_t value);
    std::uint64_t compute(const tcg::Op& op, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                          std::uint64_t d);
    std::uint64_t compute_float(const tcg::Op& op, std::uint64_t a, std::uint64_t b, std::uint64_t c);
    std::uint64_t call(const tcg::Block& block, const tcg::Call& call);
    /// False: it faulted, and the exception was delivered.
    bool access(const tcg::Block& block, const tcg::Op& op, std::uint8_t mode);
    bool physical(std::uint64_t address, unsigned size, tcg::AccessKind kind, std::uint8_t mode,
                  std::uint64_t& result);
    void fault(tcg::MemoryFaultKind kind, tcg::AccessKind access, std::uint64_t address,
               std::uint64_t detail);
    std::uint64_t bus_load(std::uint64_t physical, unsigned size);
    void bus_store(std::uint64_t physical, std::uint64_t value, unsigned size);
    soft_float::Rounding rounding(const tcg::Op& op) const;

    RiscvFrontEnd front_end_;
    std::unique_ptr<HartState> hart_ = std::make_unique<HartState>();
    std::vector<std::uint8_t> ram_;
    std::map<std::tuple<std::uint64_t, std::uint32_t, std::uint8_t>, std::unique_ptr<Unit>> units_;
    std::vector<std::uint64_t> temps_;
    std::string console_;
    std::uint64_t instruction_pc_ = 0;
    std::uint32_t exceptions_ = 0;
    tcg::FpRounding dynamic_rounding_ = tcg::FpRounding::NearestEven;
    tcg::FpRounding op_rounding_ = tcg::FpRounding::Dynamic;
    bool raised_ = false;
    bool finished_ = false;
};

}  // namespace backplane::riscv::testing
