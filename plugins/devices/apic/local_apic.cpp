#include "local_apic.h"

#include <algorithm>

namespace backplane::apic {
namespace {

// 11.4.4: IA32_APIC_BASE.
constexpr std::uint64_t kBootstrap = 1 << 8;
constexpr std::uint64_t kExtended = 1 << 10;
constexpr std::uint64_t kGlobalEnable = 1 << 11;
constexpr std::uint64_t kBaseReserved = 0xfff0'0000'0000'02ff;

constexpr std::uint32_t kSoftwareEnable = 1 << 8;
constexpr std::uint32_t kFlat = 0xf;

// 11.6.1: the interrupt command register.
constexpr std::uint32_t kCommandLogical = 1 << 11;
constexpr std::uint32_t kCommandAssert = 1 << 14;
constexpr std::uint32_t kCommandLevel = 1 << 15;
enum Shorthand : unsigned { None, Self, AllWithSelf, AllButSelf };

// 11.5.3: error status.
constexpr std::uint32_t kSendIllegal = 1 << 5;
constexpr std::uint32_t kReceiveIllegal = 1 << 6;
constexpr unsigned kFirstLegal = 16;

constexpr std::uint32_t kBroadcast8 = 0xff;
constexpr std::uint32_t kBroadcast32 = 0xffffffff;
constexpr unsigned kNotArbitrating = 0x100;

}  // namespace

LocalApicPart::LocalApicPart(Object& object) : context_(device_context(object)), timer_(context_, *this) {
    context_.add_inputs("lint", 2, lint_inputs_);
    describe_registers(context_.state());
}

bool LocalApicPart::realize(Errors& errors) {
    processor_ = processor_object_ ? query<x86::ProcessorControl>(*processor_object_) : nullptr;
    if (!processor_ || !bus_) {
        errors.fail(processor_ ? "bus: set it to the apic-bus" : "cpu: set it to an x86 processor");
        return false;
    }
    tsc_ = query<x86::TimeStampCounter>(*processor_object_);
    timer_.set_tsc(tsc_);
    id_ = processor_->apic_id();
    processor_->set_local_apic(this);
    bus_->set_local_apic(processor_->index(), this);
    return true;
}

void LocalApicPart::unrealize() {
    timer_.stop();
    bus_->set_local_apic(processor_->index(), nullptr);
    processor_->set_local_apic(nullptr);
}

void LocalApicPart::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) {
        base_ = x86::kMessageBase | kGlobalEnable | (processor_->bootstrap() ? kBootstrap : 0);
        timer_.stop();
        timer_.set_entry(lvt_[LvtTimer]);
    }
    if (phase == ResetPhase::Hold) update();
}

bool LocalApicPart::after_load(Errors&) {
    timer_.resume_counting(lvt_[LvtTimer]);
    return true;
}

/// 11.4.7.3 and 11.12.5.1: what a reset does, but for the id and the mode.
void LocalApicPart::init() {
    task_priority_ = 0;
    logical_destination_ = 0;
    destination_format_ = kFormatReset;
    spurious_ = kSpuriousReset;
    error_status_ = new_errors_ = 0;
    command_low_ = command_high_ = 0;
    std::fill_n(lvt_, kLvtCount, lvt::kMasked);
    requested_ = in_service_ = level_triggered_ = {};
    external_message_ = false;
    timer_.stop();
    timer_.set_divide(0);
    timer_.set_entry(lvt_[LvtTimer]);
    update();
}

bool LocalApicPart::enabled() const { return (base_ & kGlobalEnable) != 0; }
bool LocalApicPart::x2apic() const { return (base_ & kExtended) != 0; }
bool LocalApicPart::software_enabled() const { return enabled() && (spurious_ & kSoftwareEnable); }

/// 11.12.5, figure 11-27: out of x2APIC mode there is only the way through "disabled", and into it only from xAPIC mode.
bool LocalApicPart::set_base(std::uint64_t value) {
    const std::uint64_t kept = base_ & kBootstrap;
    const bool enable = (value & kGlobalEnable) != 0;
    const bool extend = (value & kExtended) != 0;
    if ((value & kBaseReserved) || (extend && !enable)) return false;
    if (x2apic() && enable && !extend) return false;
    if (!enabled() && extend) return false;
    const bool switched_off = enabled() && !enable;
    base_ = (value & ~kBootstrap) | kept;
    if (switched_off) init();
    update();
    return true;
}

// --- what arrives ---

/// 11.12.10.2: in x2APIC mode the logical id follows from the id.
std::uint32_t LocalApicPart::logical_id() const {
    return x2apic() ? (id_ >> 4) << 16 | 1u << (id_ & 15) : logical_destination_;
}

bool LocalApicPart::matches(std::uint32_t destination, bool logical) const {
    if (!enabled()) return false;
    if (destination == kBroadcast32) return true;
    if (!x2apic() && destination == kBroadcast8) return true;
    return logical ? matches_logical(destination) : destination == id_;
}

/// 11.6.2.2, 11.6.2.3.
bool LocalApicPart::matches_logical(std::uint32_t destination) const {
    if (x2apic()) return destination >> 16 == logical_id() >> 16 && (destination & logical_id() & 0xffff);
    const std::uint32_t mine = logical_destination_ >> 24;
    if (destination_format_ >> 28 == kFlat) return (destination & mine & 0xff) != 0;
    const std::uint32_t cluster = destination >> 4 & 0xf;
    return (cluster == mine >> 4 || cluster == 0xf) && (destination & mine & 0xf);
}

unsigned LocalApicPart::arbitration_priority() const {
    return software_enabled() ? processor_priority() : kNotArbitrating;
}

void LocalApicPart::deliver(unsigned mode, std::uint8_t vector, bool level_triggered) {
    switch (mode) {
    case Fixed:
    case LowestPriority: request(vector, level_triggered); break;
    case Smi: processor_->raise_smi(); break;
    case Nmi: processor_->raise_nmi(); break;
    case Init: processor_->raise_init(); break;
    case StartUp: processor_->start_up(vector); break;
    case External:
        external_message_ = true;
        update();
        break;
    default: break;
    }
}

void LocalApicPart::request(std::uint8_t vector, bool level_triggered) {
    if (!software_enabled()) return;
    if (vector < kFirstLegal) return error(kReceiveIllegal);
    requested_.set(vector, true);
    level_triggered_.set(vector, level_triggered);
    update();
}

void LocalApicPart::raise_lvt(unsigned index) {
    const std::uint32_t entry = lvt_[index];
    if (!(entry & lvt::kMasked)) deliver(lvt::mode(entry), std::uint8_t(entry), false);
}

void LocalApicPart::error(std::uint32_t bit) {
    new_errors_ |= bit;
    // An error of the error interrupt's own vector would be one without end.
    const std::uint32_t entry = lvt_[LvtError];
    if ((entry & lvt::kVector) >= kFirstLegal) raise_lvt(LvtError);
}

/// 11.5.1: the pins. ExtINT follows its level; what else they are programmed for comes with an edge.
void LocalApicPart::lint_changed(unsigned pin, int level) {
    lint_levels_[pin] = level != 0;
    const std::uint32_t entry = lvt_[LvtLint0 + pin];
    if (!enabled()) {  // 11.4.3: they are INTR and NMI then
        if (pin == 1 && level) processor_->raise_nmi();
        return update();
    }
    if (lvt::mode(entry) == External) return update();
    if (level) raise_lvt(LvtLint0 + pin);
}

// --- what the processor takes ---

/// 11.8.3.1.
std::uint8_t LocalApicPart::processor_priority() const {
    const int serving = in_service_.highest();
    const std::uint8_t served = serving < 0 ? 0 : std::uint8_t(serving & 0xf0);
    return (task_priority_ & 0xf0) >= served ? task_priority_ : served;
}

bool LocalApicPart::deliverable(int vector) const {
    return software_enabled() && vector >= 0 && (vector & 0xf0) > (processor_priority() & 0xf0);
}

bool LocalApicPart::external_pending() const {
    if (external_message_) return true;
    if (!enabled()) return lint_levels_[0] != 0;
    for (unsigned pin = 0; pin < 2; ++pin) {
        const std::uint32_t entry = lvt_[LvtLint0 + pin];
        if (lint_levels_[pin] && !(entry & lvt::kMasked) && lvt::mode(entry) == External) return true;
    }
    return false;
}

void LocalApicPart::update() {
    processor_->set_interrupt(deliverable(requested_.highest()) || external_pending());
}

int LocalApicPart::acknowledge() {
    const int vector = requested_.highest();
    int taken = x86::kNoInterrupt;
    if (deliverable(vector)) {
        requested_.set(unsigned(vector), false);
        in_service_.set(unsigned(vector), true);
        taken = vector;
    } else if (external_pending()) {
        external_message_ = false;
        taken = x86::kExternalInterrupt;
    }
    update();
    return taken;
}

void LocalApicPart::set_task_priority(std::uint8_t cr8) {
    task_priority_ = std::uint8_t(cr8 << 4);
    update();
}

/// 11.8.5.
void LocalApicPart::end_of_interrupt() {
    const int vector = in_service_.highest();
    if (vector < 0) return;
    in_service_.set(unsigned(vector), false);
    update();
    if (level_triggered_.has(unsigned(vector))) bus_->end_of_interrupt(std::uint8_t(vector));
}

// --- what it sends ---

void LocalApicPart::send_command(std::uint32_t command, std::uint32_t destination) {
    const unsigned mode = command >> 8 & 7;
    const auto vector = std::uint8_t(command);
    // 11.6.1: "INIT level de-assert" is of no effect on processors of today.
    if (mode == Init && (command & kCommandLevel) && !(command & kCommandAssert)) return;
    if ((mode == Fixed || mode == LowestPriority) && vector < kFirstLegal) return error(kSendIllegal);
    const x86::InterruptMessage message{.destination = destination,
                                        .logical = (command & kCommandLogical) != 0,
                                        .mode = mode,
                                        .vector = vector};
    switch (command >> 18 & 3) {
    case None: return bus_->send(message);
    case Self: return deliver(Fixed, vector, false);
    case AllWithSelf: return bus_->send_to_all(message, nullptr);
    case AllButSelf: return bus_->send_to_all(message, this);
    }
}

}  // namespace backplane::apic
