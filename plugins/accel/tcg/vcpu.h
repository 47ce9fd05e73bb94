// One vCPU: its translations, its soft TLB, and what front ends ask of the engine.
//
// vcpu.cpp has what its thread does and the services, memory.cpp the slow paths of accesses (native_access.cpp: of native
// instructions), translate.cpp makes units, requests.cpp is what other threads ask for, vcpu_debug.cpp what debuggers do.
#pragma once

#include "code_cache.h"
#include "code_pages.h"
#include "debug_points.h"
#include "line_watch.h"
#include "mapped.h"
#include "soft_tlb.h"

#include <backplane/draft/accelerator.h>
#include <lib/vcpu_thread.h>

#include <optional>

namespace backplane::tcg {

struct VcpuOptions {
    std::size_t code_size = 64u << 20;  ///< bytes
    bool one_instruction = false;       ///< per unit
};

class TcgVcpu final : public VcpuThread, public Vcpu, public MemoryListener, public CodeOwner, LockWaits {
  public:
    /// The parts of a vCPU, not yet running. Null and a reason when the host has no memory for it.
    static std::unique_ptr<TcgVcpu> create(AcceleratorContext& context, Cpu& cpu, const FrontEnd& front_end,
                                           CodePages& pages, const VcpuOptions& options, Errors& errors);
    ~TcgVcpu();

    // ---- the accelerator's side. Thread: main
    /// Both take effect with the next look at requests. Without a listener nothing stops.
    void set_debug(std::shared_ptr<const DebugPoints> points, DebugListener* listener);
    void set_resume(DebugResume how);
    /// What was translated. The vCPU stands.
    const CodeCache& cache() const { return *cache_; }
    std::size_t code_size() const { return options_.code_size; }

    // ---- CodeOwner
    void post_invalidation(std::uint64_t page, std::uint32_t from, std::uint32_t to) override;
    void post_protection(std::uint64_t page) override;
    std::uint64_t posted() const override { return posted_count_.load(); }
    std::uint64_t applied() const override { return applied_count_.load(); }

    // ---- MemoryListener
    void map_changed(const MapChange& change) override;
    void pages_cleaned(RamBlock& block) override;

    // ---- Vcpu
    Cpu& cpu() override { return cpu_; }
    AddressSpace& memory() override { return *seen_now().space; }
    Clock& clock() override { return context_.clock(); }
    Log& log() override { return context_.log(); }
    MachineLock& lock() override { return context_.lock(); }
    void flush_tlb() override;
    void flush_tlb_page(std::uint64_t address) override;
    void flush_tlb_modes(std::uint32_t modes) override;
    void flush_tlb_local() override;
    bool watch_line(std::uint64_t address, unsigned size, std::uint8_t mode) override;
    bool line_written() const override { return line_.written(); }
    void wait_at_line() override { at_line_ = true; }
    void raised() override { hot_->raised = kExitRaised; }
    void leave(LeaveKind kind) override {
        if (hot_->raised != kExitRaised) hot_->raised = std::uint32_t(kExitContinue) + std::uint32_t(kind);
    }
    std::uint32_t load_port(std::uint16_t port, unsigned size) override;
    void store_port(std::uint16_t port, std::uint32_t value, unsigned size) override;
    std::uint64_t load_physical(std::uint64_t address, unsigned size, bool& failed) override;
    bool update_physical(std::uint64_t address, std::uint64_t expected, std::uint64_t desired, unsigned size,
                         bool& failed) override;
    bool load(std::uint64_t address, std::uint8_t mem_flags, std::uint8_t mode,
              std::uint64_t& value) override;
    bool store(std::uint64_t address, std::uint64_t value, std::uint8_t mem_flags,
               std::uint8_t mode) override;
    void* host_pointer(std::uint64_t address, unsigned size, bool write, std::uint8_t mode,
                       bool& raised) override;
    std::uint32_t take_fp_exceptions() override { return backend_->take_fp_exceptions(in_code_); }
    void set_fp_rounding(FpRounding mode) override { backend_->set_fp_rounding(mode, in_code_); }
    std::uint32_t fp_mode() override { return backend_->fp_mode(in_code_); }
    void set_fp_mode(std::uint32_t word) override { backend_->set_fp_mode(word, in_code_); }

  private:
    TcgVcpu(AcceleratorContext& context, Cpu& cpu, const FrontEnd& front_end, CodePages& pages,
            const VcpuOptions& options);
    bool prepare(Errors& errors);

    // ---- vcpu.cpp
    void thread_begins() override;
    void thread_ends() override { context_.lock().observe_waits(nullptr); }
    void run_begins() override { read_log_items(); }
    void run_ends() override {
        keep_fp();
        if (std::exchange(at_line_, false)) run_state_.halted.store(0);
    }
    void run_guest() override;
    bool waits() const override {
        return run_state_.halted.load(std::memory_order_relaxed) || cpu_.powered_off() || stands();
    }
    bool wakes() const override { return !cpu_.powered_off() && !stands() && cpu_.has_work(); }
    void state_was_changed() override;
    void take_requests() override;
    void keep_fp();
    void take_fp();
    const void* next_code();
    void handle_exit(std::uint64_t reason);
    const void* known_next();
    static const void* next(void* engine) { return static_cast<TcgVcpu*>(engine)->known_next(); }
    std::uint64_t& state_pc() {
        return *reinterpret_cast<std::uint64_t*>(static_cast<char*>(state_) + pc_offset_);
    }
    void deliver(const MemoryFault& fault);
    void flush_code();
    void read_log_items();

    // ---- vcpu_debug.cpp
    /// What it does from now on; what has no value stays.
    struct DebugRequest {
        std::optional<std::shared_ptr<const DebugPoints>> points;
        std::optional<DebugListener*> listener;
        std::optional<DebugResume> resume;
    };
    void ask(const DebugRequest& request);
    void take(const DebugRequest& request);
    void take_points(std::shared_ptr<const DebugPoints> points);
    bool stops_at(std::uint64_t pc);
    void stop_for_debugger(const DebugStop& stop);
    void after_progress();
    bool stands() const { return resume_ == DebugResume::Stand; }

    // ---- requests.cpp
    /// Applies what others posted. Thread: the vCPU's.
    void apply_posted();
    void lock_wait_begins() override;
    void lock_wait_ends() override;
    void pauses() override;
    void goes_on() override { parked_ = false; }
    void forget_direct_stores();

    /// An address space of the CPU, and the view of it that the vCPU goes by.
    struct Seen {
        AddressSpace* space;
        std::shared_ptr<const FlatView> view{};
        std::vector<MapStretch> changed{};  ///< since then; with the mutex
        bool stale = false;                 ///< likewise
    };
    Seen& seen_now() { return seen_[cpu_.current_address_space()]; }
    void refresh_views();

    // ---- translate.cpp
    class Reader;
    /// Null: an exception was delivered.
    Unit* translate(const BlockKey& key, unsigned variant, PageInfo info, bool single);
    void watch(RamBlock& block, std::uint64_t index);
    void confirm();
    bool build(const BlockKey& key, Reader& reader, bool single, std::uint32_t& size);
    void log_registers();
    void log_unit(const Unit& unit, const PageInfo& info);

    // ---- memory.cpp
    struct Where {
        const void* code =
            nullptr;  ///< the return address in translated code; null: a helper, pc is in the state
        std::uint32_t delta = 0;
    };
    PageInfo* resolve(unsigned mode, std::uint64_t address, AccessKind kind, unsigned size,
                      MemoryFault& fault);
    bool read_part(PageInfo& info, std::uint64_t address, unsigned size, std::uint64_t& value,
                   MemoryFault& fault);
    bool write_part(PageInfo& info, std::uint64_t address, unsigned size, std::uint64_t value,
                    MemoryFault& fault);
    bool load_any(std::uint64_t address, std::uint8_t flags, unsigned mode, std::uint64_t& value,
                  MemoryFault& fault);
    bool store_any(std::uint64_t address, std::uint64_t value, std::uint8_t flags, unsigned mode,
                   const Where& where, MemoryFault& fault);
    bool atomic_any(std::uint64_t address, std::uint64_t value, const AccessDescriptor& access,
                    const Where& where, std::uint64_t& old, MemoryFault& fault);
    bool atomic_across(std::uint64_t address, std::uint64_t value, const AccessDescriptor& access,
                       const Where& where, std::uint64_t& old, MemoryFault& fault);
    /// Stores into the unit that runs: it must be left first, and the instruction run alone.
    bool hits_own_code(const PageInfo& info, std::uint64_t address, unsigned size, const Where& where);
    /// A debugger watches what is accessed: the unit must be left, and the instruction run alone.
    bool stops_before(std::uint64_t address, unsigned size, bool reads, bool writes, const Where& where) {
        return tlb_->watches() && watched_access(address, size, reads, writes, where);
    }
    bool watched_access(std::uint64_t address, unsigned size, bool reads, bool writes, const Where& where);
    void wrote(PageInfo& info, unsigned mode, std::uint64_t address, unsigned size);
    void code_written(RamBlock& block, std::uint64_t offset, std::uint64_t size);
    void sync_pc(const Where& where);
    bool failed(const Access& access) const {
        return access.failed && !front_end_.description().ignores_bus_errors;
    }
    SlowResult fault_at(const Where& where, const MemoryFault& fault);
    static SlowResult slow_load(void* engine, std::uint64_t address, std::uint64_t value,
                                std::uint32_t descriptor, const void* where);
    static SlowResult slow_store(void* engine, std::uint64_t address, std::uint64_t value,
                                 std::uint32_t descriptor, const void* where);
    static SlowResult slow_atomic(void* engine, std::uint64_t address, std::uint64_t value,
                                  std::uint32_t descriptor, const void* where);

    // ---- native_access.cpp
    /// The memory operand of a native instruction that takes the slow path, between begin and end.
    struct NativeAccess {
        std::uint64_t address = 0;
        AccessDescriptor access{};
        bool direct = false;  ///< on the page itself: `page`; else in HotArea::bounce
        PageInfo page;
    };
    bool begin_native(const Where& where, MemoryFault& fault);
    bool end_native(const Where& where, MemoryFault& fault);
    static SlowResult slow_begin(void* engine, std::uint64_t address, std::uint64_t value,
                                 std::uint32_t descriptor, const void* where);
    static SlowResult slow_end(void* engine, std::uint64_t address, std::uint64_t value,
                               std::uint32_t descriptor, const void* where);

    AcceleratorContext& context_;
    const FrontEnd& front_end_;
    CodePages& pages_;
    LineWatch line_;
    bool at_line_ = false;  ///< the halt is one that a store to the line ends
    const VcpuOptions options_;
    void* const state_;
    const std::uint32_t pc_offset_;

    HotMemory hot_memory_;
    HotArea* const hot_;
    MappedCode code_memory_;
    std::unique_ptr<Backend> backend_;
    std::unique_ptr<CodeCache> cache_;
    std::unique_ptr<SoftTlb> tlb_;
    std::vector<Seen> seen_;  ///< by the space's number

    // ---- the vCPU's thread only
    bool in_code_ = false;
    bool single_step_ = false;                         ///< the next instruction is run alone
    bool in_single_ = false;                           ///< code that runs is such an instruction
    bool delivered_ = false;                           ///< a fetch faulted
    bool each_unit_ = false;                           ///< the engine sees each unit before it runs
    std::uint64_t pending_chain_ = ~std::uint64_t{0};  ///< the exit through which code was left
    std::uint64_t chain_pc_ = 0;
    NativeAccess native_;
    Block block_;
    struct Unconfirmed {  ///< a page with units whose bytes other vCPUs might have changed unseen
        std::uint64_t page;
        const std::uint8_t* host;
        CodePages::Tickets tickets;
    };
    std::vector<Unconfirmed> unconfirmed_;
    bool log_in_ = false, log_op_ = false, log_out_ = false, log_exec_ = false, log_cpu_ = false,
         log_mmu_ = false, log_int_ = false;
    std::shared_ptr<const DebugPoints> points_;  ///< null: none
    DebugListener* listener_ = nullptr;
    DebugResume resume_ = DebugResume::Run;
    bool stepping_ = false;
    std::optional<DebugStop> watch_hit_;  ///< by the instruction that runs alone

    // ---- shared
    struct Posted {
        std::uint64_t page;
        std::uint32_t from, to;  ///< to == 0: protect
    };
    // With the mutex of the thread.
    std::vector<Posted> posted_;
    std::optional<DebugRequest> next_debug_;
    std::atomic<bool> posted_any_{false};
    std::atomic<std::uint64_t> posted_count_{0}, applied_count_{0};
    /// Its thread waits, inside of no direct store, and does not go on without the mutex: its tables may be changed for it.
    bool parked_ = false;
    std::uint64_t cleanings_ = 0;  ///< how often direct stores were to be forgotten,
    std::uint64_t cleaned_ = 0;    ///< and when that was done last
};

}  // namespace backplane::tcg
