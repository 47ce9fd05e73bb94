#include "accelerator.h"

#include "support.h"

namespace backplane::kvm {

bool Kvm::open(AcceleratorContext& context, Errors& errors) {
    auto vm = std::make_unique<Vm>(context);
    Options options;
    options.device = device_;
    options.irqchip = irqchip_;
    options.shadow_memory = shadow_memory_;
    if (!vm->open(options, errors)) return false;
    context_ = &context;
    vm_ = std::move(vm);
    slots_ = std::make_unique<MemorySlots>(*vm_, context.system_memory());
    doorbells_ = std::make_unique<DoorbellMap>(*vm_, context.system_memory(), context.io_ports());
    return true;
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
    vcpus_[&cpu] = std::move(vcpu);
    return true;
}

/// A vCPU that is to stop may be waiting for the machine's lock.
template <class Wait>
void Kvm::unlocked(Wait wait) {
    MachineLock& lock = context_->lock();
    unsigned depth = 0;
    for (; lock.held(); ++depth) lock.unlock();
    wait();
    for (; depth > 0; --depth) lock.lock();
}

void Kvm::detach(Cpu& cpu) {
    const auto found = vcpus_.find(&cpu);
    if (found == vcpus_.end()) return;
    found->second->request_stop();
    unlocked([&] { found->second->wait_stopped(); });
    vcpus_.erase(found);
}

void Kvm::start() {
    vm_->interrupts().all_to_kernel();
    vm_->start_clock();
    for (auto& [cpu, vcpu] : vcpus_) vcpu->start();
}

void Kvm::stop() {
    for (auto& [cpu, vcpu] : vcpus_) vcpu->request_stop();
    unlocked([&] {
        for (auto& [cpu, vcpu] : vcpus_) vcpu->wait_stopped();
    });
    vm_->stop_clock();
    vm_->interrupts().all_from_kernel();
}

void Kvm::states_changed() {
    for (auto& [cpu, vcpu] : vcpus_) vcpu->state_changed();
}

// ---- debuggers

void Kvm::tell_debug() {
    for (auto& [cpu, vcpu] : vcpus_) vcpu->set_debug(debug_points_, debug_listener_);
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
    const auto found = vcpus_.find(&cpu);
    if (found != vcpus_.end()) found->second->set_resume(how);
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
    for (const auto& chip : kChips)
        if (type == Str(chip.type) &&
            (irqchip_ == Irqchip::On || (irqchip_ == Irqchip::Split && chip.when_split)))
            return chip.kernel;
    return type;
}

bool Kvm::check_dirty_ring(std::uint64_t size, Errors& errors) {
    if (size != 0) errors.fail("changed pages are told by bitmaps here, not by a ring: leave it at 0");
    return size == 0;
}

}  // namespace backplane::kvm
