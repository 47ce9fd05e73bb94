// A processor's life: realize, reset and INIT, and what chips ask of it.
#include "x86_cpu.h"

#include <algorithm>
#include <cstring>

namespace backplane::x86 {

namespace {

constexpr std::uint32_t kRealModeData = Segment::kPresent | Segment::kNotSystem | 3;                   // 93h
constexpr std::uint32_t kRealModeCode = Segment::kPresent | Segment::kNotSystem | Segment::kCode | 3;  // 9bh
constexpr std::uint32_t kPresentLdt = Segment::kPresent | 2;
constexpr std::uint32_t kBusyTask = Segment::kPresent | 0xb;
constexpr std::uint32_t kRealModeLimit = 0xffff;

constexpr std::uint64_t kDr6Reset = 0xffff0ff0;
constexpr std::uint64_t kDr7Reset = 0x400;
constexpr std::uint16_t kControlWordReset = 0x37f;
constexpr std::uint32_t kMxcsrReset = 0x1f80;
constexpr std::size_t kMxcsrOffset = 24;  ///< in the legacy region (SDM 1, table 10-2)
constexpr std::uint32_t kSmbaseReset = 0x30000;
constexpr std::uint64_t kX87AndSse = 3;

}  // namespace

X86Cpu::X86Cpu(Object& object, const Model& model)
    : object_(object), context_(device_context(object)), kind_(model.kind), model_values_(resolve(model)) {
    context_.add_inputs("intr", 1, external_input_);
    context_.add_inputs("a20", 1, a20_input_);
    context_.add_inputs("smi", 1, smi_input_);
    describe_state();
}

void X86Cpu::describe_state() {
    StateTable& table = context_.state().group({.name = "processor"});
    describe(table, "gpr", state_.gpr);
    describe(table, "pc", state_.pc);
    describe(table, "rflags", state_.rflags, rflags::kOne);
    const auto segments = [&](Str name, Segment* first, std::uint32_t count) {
        StateTable& group = table.group(
            {.name = name, .first = first, .count = count, .stride = std::uint32_t(sizeof(Segment))});
        describe(group, "base", first->base);
        describe(group, "limit", first->limit);
        describe(group, "selector", first->selector);
        describe(group, "attributes", first->attributes);
    };
    segments("segment", state_.segments, kSegmentCount);
    segments("ldt", &state_.ldt, 1);
    segments("task", &state_.task, 1);
    describe(table, "gdt.base", state_.gdt.base);
    describe(table, "gdt.limit", state_.gdt.limit, kRealModeLimit);
    describe(table, "idt.base", state_.idt.base);
    describe(table, "idt.limit", state_.idt.limit, kRealModeLimit);
    describe(table, "cr0", state_.cr0, cr0::kCd | cr0::kNw | cr0::kEt);
    describe(table, "cr2", state_.cr2);
    describe(table, "cr3", state_.cr3);
    describe(table, "cr4", state_.cr4);
    describe(table, "efer", state_.efer);
    describe(table, "xcr0", state_.xcr0, 1);
    describe(table, "pdptrs", state_.pdptrs);
    describe(table, "pdptrs_valid", state_.pdptrs_valid);
    describe(table, "dr", state_.dr);
    describe(table, "dr6", state_.dr6, kDr6Reset);
    describe(table, "dr7", state_.dr7, kDr7Reset);
    describe(table, "interrupt_shadow", state_.interrupt_shadow);
    describe(table, "nmi_blocked", state_.nmi_blocked);
    describe(table, "smm", state_.smm);
    describe(table, "activity", state_.activity, {.maximum = std::uint64_t(Activity::Shutdown)});
    describe(table, "halted", state_.run.halted, {.maximum = 1});
    describe(table, "exception_pending", state_.exception_pending);
    describe(table, "exception_vector", state_.exception_vector, {.maximum = 31});
    describe(table, "exception_has_error", state_.exception_has_error);
    describe(table, "exception_error", state_.exception_error);
    describe(table, "interrupt_injected", state_.interrupt_injected);
    describe(table, "interrupt_soft", state_.interrupt_soft);
    describe(table, "interrupt_vector", state_.interrupt_vector);
    describe(table, "smbase", state_.smbase, kSmbaseReset);
    describe(table, "requests", state_.requests, 0, false);  // INTR is its driver's; see reset()
    describe(table, "wakes_on", state_.wakes_on);
    describe(table, "start_up_vector", state_.start_up_vector);
    describe(table, "tsc", state_.tsc);
    for (const MsrField& field : kMsrFields)
        table.add({.name = field.name,
                   .data = &msr_word(state_, field),
                   .count = field.count,
                   .reset_value = field.reset});
    StateTable& hyperv = table.group({.name = "hyperv", .present = shows_hyperv, .context = this});
    for (const MsrField& field : kHypervMsrFields)
        hyperv.add({.name = field.name,
                    .data = &msr_word(state_, field),
                    .count = field.count,
                    .reset_value = field.reset});
    describe(table, "xsave", state_.xsave);
    describe(table, "a20", a20_, {.reset = false});
    describe(table, "internal", internal_, {.reset = false});
    describe(table, "external", external_, {.reset = false});
}

bool X86Cpu::realize(Errors& errors) {
    if (host_.clock && host_.lock && !host_.address_spaces.empty()) return true;
    errors.fail("an x86 CPU is made by a board, for -cpu; it cannot be added as a device");
    return false;
}

void X86Cpu::reset_segments() {
    for (Segment& segment : state_.segments) segment = {0, kRealModeLimit, 0, kRealModeData};
    state_.segments[kCs] = {0xffff0000, kRealModeLimit, 0xf000, kRealModeCode};
    state_.ldt = {0, kRealModeLimit, 0, kPresentLdt};
    state_.task = {0, kRealModeLimit, 0, kBusyTask};
}

/// What power-up, reset and INIT have in common (SDM 3A, table 9-1).
void X86Cpu::reset_registers() {
    reset_segments();
    std::fill(std::begin(state_.gpr), std::end(state_.gpr), 0);
    state_.gpr[kRdx] = signature();
    state_.pc = state_.segments[kCs].base + 0xfff0;
    state_.rflags = rflags::kOne;
    state_.activity = bootstrap() ? Activity::Running : Activity::WaitForSipi;
    state_.run.halted = 0;
    state_.wakes_on = 0;
}

void X86Cpu::reset(ResetPhase phase) {
    if (phase != ResetPhase::Enter) return;
    reset_registers();
    state_.requests.fetch_and(request::kInterrupt);
    std::memcpy(state_.xsave, &kControlWordReset, sizeof kControlWordReset);
    std::memcpy(state_.xsave + kMxcsrOffset, &kMxcsrReset, sizeof kMxcsrReset);
    std::memcpy(state_.xsave + kXsaveHeader, &kX87AndSse, sizeof kX87AndSse);
}

/// Memory, caches, x87 and SSE, XCR0, and nearly all MSRs stay as they are.
void X86Cpu::take_init() {
    // A start-up that follows at once waits for its turn.
    state_.requests.fetch_and(request::kInterrupt | request::kStartUp);
    const std::uint64_t kept = state_.cr0 & (cr0::kCd | cr0::kNw);
    reset_registers();
    state_.cr0 = kept | cr0::kEt;
    state_.cr2 = state_.cr3 = state_.cr4 = state_.efer = 0;
    state_.gdt = state_.idt = {0, kRealModeLimit};
    std::fill(std::begin(state_.dr), std::end(state_.dr), 0);
    state_.dr6 = kDr6Reset;
    state_.dr7 = kDr7Reset;
    state_.interrupt_shadow = state_.nmi_blocked = state_.smm = state_.pdptrs_valid = false;
    state_.exception_pending = state_.interrupt_injected = false;
    for (const MsrField& field : kMsrFields)
        if (!field.init_keeps) std::fill_n(&msr_word(state_, field), field.count, field.reset);
    if (apic_) apic_->init();
}

/// SDM 3A 9.4.3. One that does not wait for it is not disturbed.
void X86Cpu::take_start_up() {
    state_.requests.fetch_and(~request::kStartUp);
    if (state_.activity != Activity::WaitForSipi) return;
    const std::uint8_t vector = state_.start_up_vector.load();
    state_.segments[kCs].selector = std::uint16_t(vector << 8);
    state_.segments[kCs].base = std::uint64_t(vector) << 12;
    state_.pc = state_.segments[kCs].base;
    state_.activity = Activity::Running;
    state_.run.halted = 0;
    state_.wakes_on = 0;
}

bool X86Cpu::after_load(Errors& errors) {
    if ((state_.efer & efer::kLma) && !(state_.cr0 & cr0::kPg)) {
        errors.fail("'processor.efer': long mode is active without paging");
        return false;
    }
    state_.rflags |= rflags::kOne;
    return true;
}

// --- what chips ask of it ---

void X86Cpu::raise(std::uint32_t requests) {
    state_.requests.fetch_or(requests);
    if (runner_) runner_->kick();
}

void X86Cpu::set_interrupt(int level) {
    internal_ = level != 0;
    set_interrupt_request();
}

void X86Cpu::external_changed(unsigned, int level) {
    external_ = level != 0;
    set_interrupt_request();
}

/// Whether the local APIC lets the 8259's through shows when it is asked.
void X86Cpu::set_interrupt_request() {
    if (internal_ || external_) raise(request::kInterrupt);
    else state_.requests.fetch_and(~request::kInterrupt);
}

void X86Cpu::start_up(std::uint8_t vector) {
    state_.start_up_vector = vector;
    raise(request::kStartUp);
}

void X86Cpu::set_a20(int level) {
    a20_ = level != 0;
    if (runner_) runner_->kick();
}

int X86Cpu::acknowledge_interrupt() {
    int vector = apic_ ? apic_->acknowledge() : kExternalInterrupt;
    if (vector == kExternalInterrupt && controller_) vector = controller_->acknowledge();
    // None, or one that the local APIC holds back: until it, or the 8259, says otherwise.
    if (vector < 0) state_.requests.fetch_and(~request::kInterrupt);
    return std::max(vector, -1);
}

/// Of a counter as translated processors have it: it runs with the virtual clock, IA32_TSC_ADJUST ahead of it.
std::uint64_t X86Cpu::time_of(std::uint64_t value) const {
    __extension__ typedef unsigned __int128 Wide;
    constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
    const std::uint64_t ticks = value - state_.msrs.tsc_adjust;
    if (std::int64_t(ticks) < 0) return 0;  // past
    const std::uint64_t frequency = settings_.tsc_frequency ? settings_.tsc_frequency : kNanosecondsPerSecond;
    const Wide time = (Wide(ticks) * kNanosecondsPerSecond + frequency - 1) / frequency;
    return time >> 64 ? ~std::uint64_t{0} : std::uint64_t(time);
}

// --- what it is ---

std::string X86Cpu::vendor() const { return settings_.vendor.value_or(std::string(model_values_.vendor)); }
std::string X86Cpu::model_id() const {
    return settings_.model_id.value_or(std::string(model_values_.model_id));
}

/// CPUID leaf 1, EAX (SDM 2A, figure 3-6).
std::uint32_t X86Cpu::signature() const {
    constexpr std::uint32_t kExtended = 0xf;
    const std::uint32_t family = settings_.family.value_or(model_values_.family);
    const std::uint32_t model = settings_.model.value_or(model_values_.model);
    const std::uint32_t stepping = settings_.stepping.value_or(model_values_.stepping);
    const std::uint32_t base = std::min(family, kExtended);
    return (family - base) << 20 | (model >> 4) << 16 | base << 8 | (model & 0xf) << 4 | (stepping & 0xf);
}

void X86Cpu::set_feature(const Feature& feature, bool on) {
    switched_on_.set(feature, on);
    switched_off_.set(feature, !on);
}

Features X86Cpu::wanted() const {
    if (!entries_.empty()) return features_;
    Features all = model_values_.features;
    for (std::size_t i = 0; i < kWordCount; ++i)
        all.words[i] = (all.words[i] | switched_on_.words[i]) & ~switched_off_.words[i];
    return all;
}

std::uint64_t X86Cpu::feature_msr(std::uint32_t index) const {
    for (std::size_t i = 0; i < kWordCount; ++i)
        if (kWords[i].msr && kWords[i].leaf == index) return features_.words[i];
    return 0;
}

}  // namespace backplane::x86
