// A hart's life: realize, reset, interrupt lines, time and the supervisor's timer.
#include "riscv_cpu.h"

#include <backplane/draft/address_space.h>
#include <backplane/draft/riscv/page_table.h>

#include <optional>
#include <type_traits>

namespace backplane::riscv {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kForever = (std::uint64_t{1} << 63) / kSecond;

}  // namespace

RiscvCpu::RiscvCpu(Object& object, const Model& model)
    : pmp_entries_(model.pmp_entries),
      privileged_choice_(model.privileged_version - 10),
      object_(object),
      context_(device_context(object)),
      extensions_(model.extensions) {
    state_.services = this;
    context_.add_inputs("irq", interrupt::kCount, interrupts_);
    describe_state();
}

void RiscvCpu::describe_state() {
    StateTable& table = context_.state().group({.name = "hart"});
    describe(table, "x", state_.x);
    describe(table, "pc", state_.pc);
    describe(table, "f", state_.f);
    describe(table, "fflags", state_.fflags);
    describe(table, "frm", state_.frm);
    describe(table, "privilege", state_.privilege,
             {.reset_value = static_cast<std::uint64_t>(Privilege::Machine), .maximum = 3});
    describe(table, "reservation_address", state_.reservation_address, kNoReservation);
    describe(table, "reservation_value", state_.reservation_value);
    describe(table, "halted", state_.run.halted, {.maximum = 1});
    describe(table, "mip_lines", state_.mip_lines, 0, false);  // its drivers are reset by themselves
    describe(table, "mip_writable", state_.mip_writable);
    describe(table, "mie", state_.mie);
    describe(table, "mstatus", state_.mstatus);
    describe(table, "medeleg", state_.medeleg);
    describe(table, "mideleg", state_.mideleg);
    describe(table, "mtvec", state_.mtvec);
    describe(table, "mcounteren", state_.mcounteren);
    describe(table, "menvcfg", state_.menvcfg);
    describe(table, "mcountinhibit", state_.mcountinhibit);
    describe(table, "mscratch", state_.mscratch);
    describe(table, "mepc", state_.mepc);
    describe(table, "mcause", state_.mcause);
    describe(table, "mtval", state_.mtval);
    describe(table, "stvec", state_.stvec);
    describe(table, "scounteren", state_.scounteren);
    describe(table, "senvcfg", state_.senvcfg);
    describe(table, "sscratch", state_.sscratch);
    describe(table, "sepc", state_.sepc);
    describe(table, "scause", state_.scause);
    describe(table, "stval", state_.stval);
    describe(table, "satp", state_.satp);
    describe(table, "stimecmp", state_.stimecmp, ~std::uint64_t{0});
    describe(table, "mcycle", state_.mcycle);
    describe(table, "minstret", state_.minstret);
    describe(table, "pmpcfg", state_.pmpcfg);
    describe(table, "pmpaddr", state_.pmpaddr);
    describe(table, "time_offset", time_offset_, 0, false);  // mtime belongs to another chip
}

bool RiscvCpu::realize(Errors& errors) {
    const std::uint32_t privileged_version = privileged_choice_ + 10;
    if (!check_parts(errors) || !check_extensions(effective_extensions(), privileged_version, errors))
        return false;
    if (!host_.clock || !host_.lock || host_.address_spaces.empty()) {
        errors.fail("a RISC-V CPU is made by a board, for -cpu; it cannot be added as a device");
        return false;
    }
    if (timebase_frequency_ == 0 || timebase_frequency_ > kSecond) {
        errors.fail("timebase-frequency must be between 1 and 1000000000 Hz");
        return false;
    }
    state_.extensions = effective_extensions();
    state_.misa = misa_value(state_.extensions);
    state_.privileged_version = privileged_version;
    state_.pmp_entries = state_.has(Extension::Pmp) ? pmp_entries_ : 0;
    state_.mvendorid = mvendorid_;
    state_.marchid = marchid_;
    state_.mimpid = mimpid_;
    state_.mhartid = hart_id();
    supervisor_timer_.create(*host_.clock);
    return true;
}

void RiscvCpu::unrealize() {
    supervisor_timer_.cancel();
    forget_calls();
}

/// 3.4: M mode, interrupts off, MPRV clear, pc at the reset vector, mcause 0, PMP entries off and unlocked.
void RiscvCpu::reset(ResetPhase phase) {
    if (phase == ResetPhase::Exit) {
        supervisor_timer_changed();
        return;
    }
    if (phase != ResetPhase::Enter) return;
    forget_calls();
    state_.pc = reset_vector_;
    state_.mstatus = state_.has(Extension::U) ? 0 : mstatus::kMpp;
    if (state_.has(Extension::U)) state_.mstatus |= mstatus::kUxl64;
    if (state_.has(Extension::S)) state_.mstatus |= mstatus::kSxl64;
    if (state_.has(Extension::Svadu)) state_.menvcfg = envcfg::kAdue;
    state_.exception_pending = false;
}

bool RiscvCpu::after_load(Errors& errors) {
    const bool has_mode = state_.privilege == Privilege::Machine ||
                          (state_.privilege == Privilege::Supervisor && state_.has(Extension::S)) ||
                          (state_.privilege == Privilege::User && state_.has(Extension::U));
    if (!has_mode) {
        errors.fail("'hart.privilege': this hart has no mode " + std::to_string(unsigned(state_.privilege)));
        return false;
    }
    state_.x[0] = 0;
    state_.pc &= ~std::uint64_t{1};
    state_.fflags &= kFflagsMask;
    state_.frm &= kFrmMask;
    state_.exception_pending = false;
    supervisor_timer_changed();
    return true;
}

/// A semihosting call that the hart waited in is made again, as nobody here knows of it. Waiting for an interrupt may
/// end for no reason (3.3.3).
void RiscvCpu::resume() {
    forget_calls();
    state_.run.halted = 0;
}

// --- interrupts ---

/// Sets bits of mip and, when that gives the hart work, has it look.
void RiscvCpu::raise(std::atomic<std::uint64_t>& bits, std::uint64_t mask) {
    bits.fetch_or(mask);
    if (has_work() && runner_) runner_->kick();
}

void RiscvCpu::interrupt_changed(unsigned number, int level) {
    switch (number) {
    case interrupt::kSupervisorSoftware:
        // An edge: software clears SSIP (ACLINT 1.0, chapter 4).
        if (level) raise(state_.mip_writable, interrupt::kSsip);
        return;
    case interrupt::kMachineSoftware:
    case interrupt::kMachineTimer:
    case interrupt::kMachineExternal:
    case interrupt::kSupervisorExternal:
        if (level) raise(state_.mip_lines, std::uint64_t{1} << number);
        else state_.mip_lines.fetch_and(~(std::uint64_t{1} << number));
        return;
    default: return;  // a number without a meaning; STIP is stimecmp's or software's
    }
}

// --- time ---

std::uint64_t RiscvCpu::now_ns() const { return host_.clock->now_ns(); }

std::uint64_t RiscvCpu::ticks() const {
    const std::uint64_t now = now_ns();
    return now / kSecond * timebase_frequency_ + now % kSecond * timebase_frequency_ / kSecond;
}

std::uint64_t RiscvCpu::time() const { return ticks() + time_offset_.load(std::memory_order_relaxed); }

void RiscvCpu::set_time_offset(std::uint64_t offset) {
    time_offset_.store(offset);
    refresh_supervisor_timer();
}

void RiscvCpu::supervisor_timer_changed() {
    host_.lock->lock();
    supervisor_timer_enabled_ = (state_.menvcfg & envcfg::kStce) != 0;
    refresh_supervisor_timer();
    host_.lock->unlock();
}

/// STIP is time >= stimecmp (Sstc 2.2). The timer waits for the tick at which that changes: time gets there, or passes
/// its end and is 0 again. With the machine lock held.
void RiscvCpu::refresh_supervisor_timer() {
    supervisor_timer_.cancel();
    const std::uint64_t compare = state_.stimecmp.load();
    const std::uint64_t now = ticks();
    const std::uint64_t shown = now + time_offset_.load();
    const bool due = supervisor_timer_enabled_ && shown >= compare;
    if (due) raise(state_.mip_lines, interrupt::kStip);
    else state_.mip_lines.fetch_and(~interrupt::kStip);
    if (!supervisor_timer_enabled_ || compare == 0) return;
    // The first ns at which the clock has that many ticks; not armed where it does not get there in 292 years.
    const std::uint64_t target = now + ((due ? 0 : compare) - shown);
    const std::uint64_t seconds = target / timebase_frequency_;
    if (target < now || seconds >= kForever) return;
    const std::uint64_t rest = target % timebase_frequency_;
    supervisor_timer_.arm(seconds * kSecond +
                          (rest * kSecond + timebase_frequency_ - 1) / timebase_frequency_);
}

// --- properties ---

void RiscvCpu::set_extension(Extension extension, bool on) {
    if (on) extensions_ |= bit(extension);
    else extensions_ &= ~bit(extension);
}

/// "g=off" takes nothing away: it stands in front of the letters that are wanted.
void RiscvCpu::switch_group(const ExtensionGroup& group, bool on) {
    if (on) extensions_ |= group.extensions;
    else if (*group.name != 'g') extensions_ &= ~group.extensions;
}

void RiscvCpu::want_part(const ExtensionPart& part, bool on) {
    const std::uint64_t mask = std::uint64_t{1} << (&part - kParts);
    wanted_parts_ = on ? wanted_parts_ | mask : wanted_parts_ & ~mask;
}

bool RiscvCpu::check_parts(Errors& errors) const {
    for (const ExtensionPart& part : kParts) {
        const std::uint64_t mask = std::uint64_t{1} << (&part - kParts);
        if (!(wanted_parts_ & mask) || has_all(part.whole)) continue;
        std::string whole;
        for (const ExtensionInfo& info : kExtensions)
            if (part.whole & bit(info.extension))
                whole += std::string(whole.empty() ? "" : ",") + info.name + "=on";
        errors.fail(std::string(part.name) + "=on is executed with the whole extension only: add " + whole +
                    ", or leave " + part.name + " off");
        return false;
    }
    return true;
}

void RiscvCpu::set_hart_id(std::uint64_t id) {
    hart_id_ = id;
    hart_id_set_ = true;
}

std::uint64_t RiscvCpu::effective_extensions() const {
    constexpr std::uint64_t kPaging = bit(Extension::Sv39) | bit(Extension::Sv48) | bit(Extension::Sv57) |
                                      bit(Extension::Svadu) | bit(Extension::Svnapot);
    return mmu_ ? extensions_ : extensions_ & ~kPaging;
}

Str RiscvCpu::isa_text() const { return text_ = isa_string(effective_extensions()); }
Str RiscvCpu::isa_extensions_text() const { return text_ = isa_extension_list(effective_extensions()); }

// --- debugger ---

/// As the hart fetches and loads now; permissions do not matter.
bool RiscvCpu::translate_debug(std::uint64_t virtual_address, GuestAddress& physical) {
    if (state_.privilege == Privilege::Machine || page_table_levels(state_.satp) == 0) {
        physical = GuestAddress(virtual_address);
        return true;
    }
    const auto read_entry = [this](std::uint64_t address) -> std::optional<std::uint64_t> {
        Access access{.intent = Intent::Debug};
        const std::uint64_t entry = address_space(0).load(GuestAddress(address), 8, access);
        if (access.failed) return std::nullopt;
        return entry;
    };
    const PageTableLeaf leaf =
        find_leaf(state_.satp, virtual_address, state_.has(Extension::Svnapot), read_entry);
    physical = GuestAddress(leaf.physical);
    return leaf.result == PageTableLeaf::Result::Found;
}

}  // namespace backplane::riscv
