#include "accelerator.h"

#include "support.h"

#include <bit>

namespace backplane::kvm {

bool Kvm::open(AcceleratorContext& context, Errors& errors) {
    if (!context.cpus_are(x86::kProcessorType)) {
        errors.fail(
            "the host's processor runs x86 guests, and this machine's CPUs are others: use -accel tcg");
        return false;
    }
    auto vm = std::make_unique<Vm>(context);
    Options options;
    options.device = device_;
    options.irqchip = irqchip_;
    options.shadow_memory = shadow_memory_;
    options.dirty_ring = dirty_ring_size_;
    if (!vm->open(options, errors)) return false;
    context_ = &context;
    vm_ = std::move(vm);
    slots_ = std::make_unique<MemorySlots>(*vm_, context.system_memory(), 0);
    vm_->set_ring_collector([this] { return collect_rings(); });
    doorbells_ = std::make_unique<DoorbellMap>(*vm_, context.system_memory(), context.io_ports());
    held_stores_ = std::make_unique<HeldStores>(*vm_, context.system_memory(), context.io_ports());
    vm_->set_held_stores(held_stores_.get());
    return true;
}

/// They have the pages of all slots.
int Kvm::collect_rings() {
    return vm_->dirty_rings().harvest([this](std::uint32_t slot, std::uint64_t page) {
        if (slots_) slots_->page_changed(slot, page);
        if (management_slots_) management_slots_->page_changed(slot, page);
    });
}

bool Kvm::attach(Cpu& cpu, Errors& errors) {
    auto* processor = query<x86::Processor>(cpu.object());
    if (!processor) {
        errors.fail("KVM cannot run a CPU of type '" + std::string(cpu.object().type_name().view()) +
                    "'; use another accelerator (-accel help lists them)");
        return false;
    }
    if (!processor->settle(KvmSupport(*vm_), errors)) return false;
    auto vcpu = Vcpu::create(*vm_, cpu, *processor, errors);
    if (!vcpu) return false;
    vcpu->set_debug(debug_points_, debug_listener_);
    vcpus_.add(cpu, std::move(vcpu));
    show_management_memory(cpu);
    return true;
}

bool Kvm::has_management_mode() const {
    return vm_->capability(KVM_CAP_MULTI_ADDRESS_SPACE) >= 2 && vm_->capability(KVM_CAP_X86_SMM) > 0;
}

Vcpu* Kvm::find(std::uint32_t cpu) const { return vcpus_.at(cpu); }

std::uint64_t* Kvm::open(std::uint32_t cpu) {
    Vcpu* vcpu = find(cpu);
    return vcpu ? vcpu->open_registers() : nullptr;
}

bool Kvm::available(Errors& errors) {
    const bool has = has_management_mode();
    if (!has) errors.fail("this host's KVM has no system management mode (KVM_CAP_X86_SMM)");
    return has;
}

/// What processors see in system management mode is the same for all of them here (api.rst,
/// KVM_CAP_MULTI_ADDRESS_SPACE).
void Kvm::show_management_memory(Cpu& cpu) {
    if (cpu.address_space_count() < 2 || management_slots_) return;
    if (!has_management_mode()) return vm_->refusals().say("system management mode", 0);
    management_slots_ = std::make_unique<MemorySlots>(*vm_, cpu.address_space(1), 1);
    management_cpu_ = &cpu;
}

void Kvm::detach(Cpu& cpu) {
    vcpus_.remove(cpu, context_->lock());
    // The space is the CPU's, and goes with it.
    if (&cpu == management_cpu_) management_slots_.reset();
}

void Kvm::start() {
    for (auto* slots : {&slots_, &management_slots_})
        if (*slots) (*slots)->start();
    held_stores_->start();
    vm_->interrupts().all_to_kernel();
    vm_->start_clock();
    vcpus_.start();
}

void Kvm::stop() {
    vcpus_.stop(context_->lock());
    for (auto* slots : {&slots_, &management_slots_})
        if (*slots) (*slots)->stop();
    vm_->stop_clock();
    vm_->interrupts().all_from_kernel();
}

void Kvm::states_changed() {
    vcpus_.for_each([](Vcpu& vcpu) { vcpu.state_changed(); });
}

// ---- debuggers

void Kvm::tell_debug() {
    vcpus_.for_each([this](Vcpu& vcpu) { vcpu.set_debug(debug_points_, debug_listener_); });
}

void Kvm::set_debug_listener(DebugListener* listener) {
    debug_listener_ = listener;
    tell_debug();
}

bool Kvm::set_debug_points(Slice<const DebugPoint> points) {
    auto all = DebugPoints::make(points);
    if (!all) return false;
    debug_points_ = std::move(all);
    tell_debug();
    return true;
}

void Kvm::set_debug_resume(Cpu& cpu, DebugResume how) {
    if (Vcpu* vcpu = vcpus_.find(cpu)) vcpu->set_resume(how);
}

// ---- the kernel's chips

Str Kvm::replacement(Str type) const {
    constexpr struct {
        const char* type;
        const char* kernel;
        bool when_split;
    } kChips[] = {{"isa-i8259", "kvm-i8259", false},
                  {"ioapic", "kvm-ioapic", false},
                  {"apic-bus", "kvm-apic-bus", true},
                  {"apic", "kvm-apic", true}};
    if (type == Str("isa-pit") && irqchip_ == Irqchip::On && vm_->capability(KVM_CAP_PIT2) > 0 &&
        vm_->capability(KVM_CAP_PIT_STATE2) > 0)
        return "kvm-pit";
    for (const auto& chip : kChips)
        if (type == Str(chip.type) &&
            (irqchip_ == Irqchip::On || (irqchip_ == Irqchip::Split && chip.when_split)))
            return chip.kernel;
    return type;
}

bool Kvm::check_dirty_ring(std::uint64_t size, Errors& errors) {
    if (size == 0 || std::has_single_bit(size)) return true;
    errors.fail("it is a power of two, or 0 for bitmaps");
    return false;
}

}  // namespace backplane::kvm
