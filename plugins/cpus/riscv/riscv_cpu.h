// A RISC-V hart as the machine sees it: state, features, interrupt inputs, the supervisor's timer. It executes
// nothing: an accelerator does.
//
// Follows "The RISC-V Instruction Set Manual, Volume II: Privileged Architecture" 20211203 and Sstc 1.0; reset is
// chapter 3.4. Not modelled: hypervisor and vector extensions, RV32, NMIs.
#pragma once

#include "extensions.h"

#include <backplane/device.h>
#include <backplane/draft/debug.h>
#include <backplane/draft/riscv/hart.h>
#include <backplane/draft/semihosting.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace backplane::riscv {

/// What a CPU model is, before a user's switches.
struct Model {
    std::uint64_t extensions = 0;
    std::uint32_t pmp_entries = kPmpEntries;
    std::uint32_t privileged_version = 12;
};

/// What a debugger is shown, and what the features point into.
struct DebugRegisters {
    std::vector<DebugRegister> integers, floats, csrs, virtuals;
    std::deque<std::string> names;
    std::vector<DebugFeature> features;
};

class RiscvCpu final : public DeviceBase,
                       public Cpu,
                       public CpuDebug,
                       public HartControl,
                       HartServices,
                       SemihostingCaller {
  public:
    RiscvCpu(Object& object, const Model& model);

    // Device
    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;
    void resume() override;

    // Cpu
    Str architecture() const override { return "riscv64"; }
    void set_host(const CpuHost& host) override { host_ = host; }
    std::uint32_t index() const override { return host_.index; }
    Object& object() override { return object_; }
    void* state() override { return &state_; }
    std::size_t address_space_count() const override { return host_.address_spaces.size(); }
    AddressSpace& address_space(std::size_t number) override { return *host_.address_spaces.at(number); }
    void set_runner(VcpuRunner* runner) override { runner_ = runner; }
    bool has_work() const override {
        return (state_.pending() & state_.mie.load()) != 0 || call_again_.load();
    }
    std::uint64_t program_counter() const override { return state_.pc; }
    void set_program_counter(std::uint64_t value) override { state_.pc = value; }
    bool powered_off() const override { return false; }
    void dump(TextSink& out) const override;
    bool translate_debug(std::uint64_t virtual_address, GuestAddress& physical) override;

    // CpuDebug
    Str debug_architecture() const override { return "riscv:rv64"; }
    Slice<const DebugFeature> debug_features() const override;
    bool read_register(const DebugRegister& reg, MutableBytes to) override;
    bool write_register(const DebugRegister& reg, Bytes from) override;

    // HartControl
    std::uint64_t hart_id() const override { return hart_id_set_ ? hart_id_ : host_.index; }
    std::uint64_t timebase_frequency() const override { return timebase_frequency_; }
    void set_time_offset(std::uint64_t ticks) override;

    // Properties
    bool extension(Extension extension) const { return (extensions_ & bit(extension)) != 0; }
    void set_extension(Extension extension, bool on);
    bool has_all(std::uint64_t extensions) const { return (extensions_ & extensions) == extensions; }
    void switch_group(const ExtensionGroup& group, bool on);
    void want_part(const ExtensionPart& part, bool on);
    void set_hart_id(std::uint64_t id);
    /// Without `mmu`, satp has no mode but Bare.
    std::uint64_t effective_extensions() const;
    Str isa_text() const;
    Str isa_extensions_text() const;

    bool mmu_ = true;
    std::uint64_t reset_vector_ = 0x1000;
    std::uint64_t timebase_frequency_ = 10'000'000;
    std::uint32_t pmp_entries_;
    std::uint32_t privileged_choice_;  ///< index into "v1.10.0|v1.11.0|v1.12.0"
    std::uint64_t mvendorid_ = 0;
    std::uint64_t marchid_ = 0;
    std::uint64_t mimpid_ = 0;

  private:
    // HartServices
    std::uint64_t time() const override;
    std::uint64_t now_ns() const override;
    void supervisor_timer_changed() override;
    Call semihosting_call() override;

    // SemihostingCaller (semihosting.cpp)
    bool read(std::uint64_t address, MutableBytes to) override;
    bool write(std::uint64_t address, Bytes from) override;
    std::int64_t wall_seconds() override;
    void exit(int status) override;
    void retry() override;
    Semihosting* semihosting();
    void forget_calls();

    bool check_parts(Errors& errors) const;
    void describe_state();
    void interrupt_changed(unsigned number, int level);
    void raise(std::atomic<std::uint64_t>& bits, std::uint64_t mask);
    void refresh_supervisor_timer();
    std::uint64_t ticks() const;
    template <class Piece>
    bool for_each_page(std::uint64_t address, std::uint64_t size, Piece piece);
    std::unique_ptr<DebugRegisters> make_debug_registers() const;
    bool set_privilege(std::uint64_t value);

    Object& object_;
    DeviceContext& context_;
    CpuHost host_;
    VcpuRunner* runner_ = nullptr;  ///< with the machine lock
    HartState state_;
    std::uint64_t extensions_;
    std::uint64_t wanted_parts_ = 0;  ///< a bit for each of kParts
    std::uint64_t hart_id_ = 0;
    bool hart_id_set_ = false;
    std::atomic<std::uint64_t> time_offset_{0};
    Semihosting* semihosting_ = nullptr;     ///< found by the first call
    std::atomic<bool> call_again_{false};    ///< a semihosting call that waited may be made again
    bool supervisor_timer_enabled_ = false;  ///< with the machine lock: menvcfg.STCE as it was told last
    mutable std::unique_ptr<DebugRegisters> debug_registers_;  ///< made when a debugger first asks
    mutable std::string text_;                                 ///< what a text property was last read as
    InputOf<&RiscvCpu::interrupt_changed> interrupts_{*this};
    OwnedTimer<&RiscvCpu::refresh_supervisor_timer> supervisor_timer_{*this};
};

}  // namespace backplane::riscv
