// An x86 processor as the machine sees it: state, model and features, what chips ask of it. It executes nothing: an
// accelerator does.
//
// Follows the "Intel 64 and IA-32 Architectures Software Developer's Manual" (SDM) and the "AMD64 Architecture Programmer's
// Manual" (APM); reset and INIT are SDM 3A 9.1, table 9-1. Not modelled: the single controls of nested VMX, performance
// counters, Processor Trace, SGX.
#pragma once

#include "hyperv.h"
#include "model.h"

#include <backplane/device.h>
#include <backplane/draft/debug.h>
#include <backplane/draft/x86/processor.h>
#include <backplane/x86_identity.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace backplane::x86 {

/// What a debugger is shown, and what the features point into.
struct DebugRegisters {
    std::vector<DebugRegister> core, sse, segments, control;
    std::deque<std::string> names;
    std::vector<DebugFeature> features;
};

/// What users set of a processor that is no feature bit. A value that was never set is the model's.
struct Settings {
    std::optional<std::uint32_t> level, xlevel, xlevel2, level7, family, model, stepping;
    std::optional<std::string> vendor, model_id;
    std::uint32_t physical_bits = 0;  ///< 0: what machines have without it
    std::optional<bool> host_physical_bits;
    std::uint32_t host_physical_bits_limit = 0;  ///< 0: none
    std::uint64_t tsc_frequency = 0;             ///< Hz; 0: the host's
    HypervSettings hyperv;
    bool check = true;
    bool enforce = false;
    bool migratable = true;
    bool paravirtual_leaf = true;
    bool topology_leaf = true;  ///< 0xb
    bool l3_cache = true;
    // What older releases showed differently.
    bool legacy_cache = false;       ///< the caches of early virtual processors, whatever the model's own are
    bool vendor_leaves_only = true;  ///< AMD's models have no leaves 2 and 4
    bool vendor_leaves_only_v2 = true;    ///< Intel's models have nothing of AMD's in 0x80000000 and further
    bool consistent_cache = true;         ///< leaf 2 refers to leaf 4 where there is that
    bool level1_per_core = true;          ///< leaf 4: threads share the caches of level 1
    bool defined_cache_bits_only = true;  ///< leaf 0x8000001d
    bool dies_are_nodes = false;          ///< leaf 0x8000001e: AMD's nodes are dies, else sockets
    bool shows_leaf_1f = false;           ///< also without dies and modules
    // Where it sits.
    std::optional<std::uint32_t> apic_id;
    std::int32_t socket_id = -1, die_id = -1, module_id = -1, core_id = -1, thread_id = -1;
    // What a whole machine has: processors per core and so on.
    std::uint32_t threads = 1, cores = 1, modules = 1, dies = 1;
};

class X86Cpu final : public DeviceBase,
                     public Cpu,
                     public CpuDebug,
                     public Processor,
                     public ProcessorControl,
                     public ProcessorIdentity,
                     public TimeStampCounter {
  public:
    X86Cpu(Object& object, const Model& model);

    // Device
    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;

    // Cpu
    Str architecture() const override { return "x86_64"; }
    void set_host(const CpuHost& host) override { host_ = host; }
    std::uint32_t index() const override { return host_.index; }
    Object& object() override { return object_; }
    void* state() override { return &state_; }
    std::size_t address_space_count() const override { return host_.address_spaces.size(); }
    AddressSpace& address_space(std::size_t number) override { return *host_.address_spaces.at(number); }
    std::size_t current_address_space() const override {
        return state_.smm && host_.address_spaces.size() > 1 ? 1 : 0;
    }
    void set_runner(VcpuRunner* runner) override { runner_ = runner; }
    bool has_work() const override { return (state_.requests.load() & state_.wakes_on.load()) != 0; }
    std::uint64_t program_counter() const override { return state_.pc; }
    void set_program_counter(std::uint64_t value) override { state_.pc = value; }
    bool powered_off() const override {
        return state_.activity == Activity::WaitForSipi && !(state_.requests.load() & request::kStartUp);
    }
    void dump(TextSink& out) const override;
    bool translate_debug(std::uint64_t virtual_address, GuestAddress& physical) override;

    // CpuDebug
    Str debug_architecture() const override { return "i386:x86-64"; }
    Slice<const DebugFeature> debug_features() const override;
    bool read_register(const DebugRegister& reg, MutableBytes to) override;
    bool write_register(const DebugRegister& reg, Bytes from) override;

    // Processor
    bool settle(const ProcessorSupport& support, Errors& errors) override;
    std::uint32_t leaf1_eax() const override { return signature(); }
    std::uint32_t leaf1_edx() const override { return cpuid(1, 0).edx; }
    CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf) const override;
    Slice<const CpuidEntry> cpuid_entries() const override { return entries_; }
    std::uint64_t feature_msr(std::uint32_t index) const override;
    std::uint64_t tsc_frequency() const override { return settings_.tsc_frequency; }
    Hyperv hyperv() const override;
    int acknowledge_interrupt() override;
    void take_init() override;
    void take_start_up() override;
    void local_apic_written() override { set_interrupt_request(); }
    LocalApic* local_apic() const override { return apic_; }
    void shut_down() override { context_.request_reset("guest-reset"); }
    bool a20() const override { return a20_; }

    // ProcessorControl
    std::uint32_t apic_id() const override { return settings_.apic_id.value_or(host_.index); }
    bool bootstrap() const override { return host_.index == 0; }
    void set_interrupt(int level) override;
    void raise_nmi() override { raise(request::kNmi); }
    void raise_smi() override { raise(request::kSmi); }
    void raise_init() override { raise(request::kInit); }
    void start_up(std::uint8_t vector) override;
    void set_a20(int level) override;
    void set_local_apic(LocalApic* apic) override { apic_ = apic; }
    void set_interrupt_controller(InterruptAcknowledge* controller) override { controller_ = controller; }

    // TimeStampCounter
    std::uint64_t time_of(std::uint64_t value) const override;

    // Properties
    bool feature(const Feature& feature) const { return wanted().has(feature); }
    void set_feature(const Feature& feature, bool on);
    std::string vendor() const;
    std::string model_id() const;
    Str vendor_text() const { return text_ = vendor(); }
    Str model_id_text() const { return text_ = model_id(); }
    std::uint32_t signature() const;
    const ModelValues& model() const { return model_values_; }
    /// What it was settled on; it lives as long as the accelerator.
    const ProcessorSupport& support() const { return *support_; }
    /// A model that has all that there is gets it without being settled: `max`, `host`.
    void take_all_of(const ProcessorSupport& support);
    /// "host", "max": not a model's features, but the accelerator's.
    bool shows_all_there_is() const { return kind_ != Model::Kind::Named; }
    Settings settings_;

  private:
    friend class Cpuid;

    void describe_state();
    static bool shows_hyperv(const void* part) { return static_cast<const X86Cpu*>(part)->hyperv_.shown(); }
    void external_changed(unsigned, int level);
    void a20_changed(unsigned, int level) { set_a20(level); }
    void smi_changed(unsigned, int level) {
        if (level) raise_smi();
    }
    void set_interrupt_request();
    void raise(std::uint32_t requests);
    void reset_registers();
    void reset_segments();
    Features wanted() const;
    void adjust(Features& features, const Features& given) const;
    Features all_for(Features given) const;
    bool settle_hyperv(const ProcessorSupport& support, Errors& errors);
    bool warn_of_missing(const Features& missing, const ProcessorSupport& support, Errors& errors);
    std::unique_ptr<DebugRegisters> make_debug_registers() const;

    Object& object_;
    DeviceContext& context_;
    CpuHost host_;
    VcpuRunner* runner_ = nullptr;  ///< with the machine lock
    X86State state_;
    const Model::Kind kind_;
    const ModelValues model_values_;
    Features switched_on_, switched_off_;
    Features features_;  ///< since it was settled
    const ProcessorSupport* support_ = nullptr;
    HypervLeaves hyperv_;
    std::vector<CpuidEntry> entries_;
    LocalApic* apic_ = nullptr;
    InterruptAcknowledge* controller_ = nullptr;
    bool internal_ = false;  ///< the local APIC has an interrupt
    bool external_ = false;  ///< the 8259 has one: the input "intr"
    bool a20_ = true;
    InputOf<&X86Cpu::external_changed> external_input_{*this};
    InputOf<&X86Cpu::a20_changed> a20_input_{*this};
    InputOf<&X86Cpu::smi_changed> smi_input_{*this};
    mutable std::unique_ptr<DebugRegisters> debug_registers_;  ///< made when a debugger first asks
    mutable std::string text_;                                 ///< what a text property was last read as
};

}  // namespace backplane::x86
