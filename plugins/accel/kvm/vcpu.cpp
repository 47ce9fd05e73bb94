#include "vcpu.h"

#include "held_stores.h"
#include "kernel_calls.h"
#include "kick.h"

#include <backplane/text.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace backplane::kvm {

std::unique_ptr<Vcpu> Vcpu::create(Vm& vm, Cpu& cpu, x86::Processor& processor, Errors& errors) {
    std::unique_ptr<Vcpu> vcpu(new Vcpu(vm, cpu, processor));
    if (!vcpu->open(errors)) return nullptr;
    return vcpu;
}

Vcpu::Vcpu(Vm& vm, Cpu& cpu, x86::Processor& processor)
    : VcpuThread(vm.context().lock(), cpu, "KVM"),
      vm_(vm),
      processor_(processor),
      state_(*static_cast<x86::X86State*>(cpu.state())) {}

bool Vcpu::open(Errors& errors) {
    const auto* control = query<x86::ProcessorControl>(cpu_.object());
    const std::uint32_t id = control ? control->apic_id() : cpu_.index();
    int result = 0;
    fd_ = vm_.take_vcpu(id, result);
    id_ = id;
    if (!fd_) {
        errors.fail("KVM refuses CPU " + std::to_string(cpu_.index()) + " (of at most " +
                    std::to_string(vm_.capability(KVM_CAP_MAX_VCPUS)) + "): " + std::strerror(-result));
        return false;
    }
    void* mapping = kernel_calls::map(fd_.get(), vm_.system().vcpu_mapping_size());
    if (!mapping) {
        errors.fail(std::string("the host does not map a CPU's shared memory: ") + std::strerror(errno));
        return false;
    }
    run_ = static_cast<kvm_run*>(mapping);
    if (!set_hyperv(errors) || !set_cpuid(errors) || !set_tsc_frequency(errors)) return false;
    if (!vm_.dirty_rings().add(fd_)) {
        errors.fail(std::string("the host does not map a CPU's ring of changed pages: ") +
                    std::strerror(errno));
        return false;
    }
    set_feature_msrs();
    registers_ = std::make_unique<RegisterSync>(vm_, fd_, cpu_.index(), processor_, state_);
    registers_->probe();
    vm_.add(*this);
    begin_thread();
    return true;
}

bool Vcpu::set_cpuid(Errors& errors) {
    const Slice<const x86::CpuidEntry> entries = processor_.cpuid_entries();
    std::vector<std::uint8_t> bytes(sizeof(kvm_cpuid2) + entries.size * sizeof(kvm_cpuid_entry2));
    auto* table = reinterpret_cast<kvm_cpuid2*>(bytes.data());
    table->nent = std::uint32_t(entries.size);
    for (std::size_t i = 0; i < entries.size; ++i) {
        const x86::CpuidEntry& from = entries[i];
        kvm_cpuid_entry2& to = reinterpret_cast<kvm_cpuid_entry2*>(bytes.data() + sizeof(kvm_cpuid2))[i];
        to.function = from.leaf;
        to.index = from.subleaf;
        to.flags = from.indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
        to.eax = from.value.eax;
        to.ebx = from.value.ebx;
        to.ecx = from.value.ecx;
        to.edx = from.value.edx;
    }
    const int result = request(fd_, KVM_SET_CPUID2, table);
    if (result >= 0) return true;
    errors.fail(std::string("KVM refuses the processor's features (") + std::strerror(-result) +
                "): try -cpu host, or a simpler model");
    return false;
}

/// What of Microsoft's hypervisor interface is more than bits: ahead of the CPUID that shows it.
bool Vcpu::set_hyperv(Errors& errors) {
    const x86::Hyperv hyperv = processor_.hyperv();
    std::uint16_t version = 0;  // of the enlightened VMCS, which CPUID has as well
    const struct {
        bool wanted;
        const char* option;
        std::uint32_t capability;
        std::uint64_t argument;
    } kRows[] = {
        {hyperv.interrupts, "hv-synic", KVM_CAP_HYPERV_SYNIC2, 0},
        {hyperv.enlightened_vmcs, "hv-evmcs", KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
         reinterpret_cast<std::uintptr_t>(&version)},
        {hyperv.direct_flush, "hv-tlbflush-direct", KVM_CAP_HYPERV_DIRECT_TLBFLUSH, 0},
        {hyperv.enforced, "hv-enforce-cpuid", KVM_CAP_HYPERV_ENFORCE_CPUID, 1},
    };
    for (const auto& row : kRows) {
        if (!row.wanted) continue;
        kvm_enable_cap enable{};
        enable.cap = row.capability;
        enable.args[0] = row.argument;
        if (const int result = request(fd_, KVM_ENABLE_CAP, &enable); result < 0) {
            errors.fail(std::string(row.option) + ": KVM refuses it (" + std::strerror(-result) +
                        "): leave it out");
            return false;
        }
    }
    if (hyperv.shown && !set_msr(fd_, x86::msr::kHypervVpIndex, cpu_.index()))
        vm_.refusals().say("the number of a processor (HV_X64_MSR_VP_INDEX)", 0);
    return true;
}

std::uint64_t Vcpu::tsc_frequency() const {
    const int frequency = vm_.capability(KVM_CAP_GET_TSC_KHZ) > 0 ? request(fd_, KVM_GET_TSC_KHZ) : 0;
    return frequency > 0 ? std::uint64_t(frequency) * 1000 : 0;
}

/// What the host's counter does by itself needs no scaling.
bool Vcpu::set_tsc_frequency(Errors& errors) {
    constexpr std::int64_t kKilo = 1000, kPartsPerMillion = 1'000'000, kNear = 250;
    const std::int64_t wanted = std::int64_t(processor_.tsc_frequency()) / kKilo;
    if (wanted == 0) return true;
    const std::int64_t host = std::int64_t(tsc_frequency()) / kKilo;
    if (host > 0 && std::abs(wanted - host) * kPartsPerMillion <= kNear * host) return true;
    const int result = vm_.capability(KVM_CAP_TSC_CONTROL) > 0
                           ? request(fd_, KVM_SET_TSC_KHZ, static_cast<unsigned long>(wanted))
                           : -ENOTTY;
    if (result >= 0) return true;
    errors.fail("tsc-frequency: KVM does not give " + std::to_string(wanted) + " kHz (" +
                std::strerror(-result) + "); the host's time-stamp counter has " + std::to_string(host) +
                " kHz: leave it out");
    return false;
}

void Vcpu::set_feature_msrs() {
    for (const std::uint32_t index :
         {x86::msr::kArchCapabilities, x86::msr::kCoreCapabilities, x86::msr::kPerfCapabilities})
        if (const std::uint64_t value = processor_.feature_msr(index);
            value != 0 && !set_msr(fd_, index, value))
            vm_.refusals().say("MSR 0x" + hex(index), 0);
}

Vcpu::~Vcpu() {
    if (thread().joinable()) {
        end_thread();
        vm_.remove(*this);
    }
    vm_.dirty_rings().remove(fd_);
    if (run_) kernel_calls::unmap(run_, vm_.system().vcpu_mapping_size());
    if (fd_) vm_.leave_vcpu(id_, std::move(fd_));
}

// ---- the thread

void Vcpu::thread_begins() { take_kicks(*run_); }

void Vcpu::run_guest() {
    push();
    tell_debug();
    inject();
    if (waits()) return;  // the kernel refused what it does not go without
    const int result = enter();
    complete_ = false;
    vm_.held_stores().flush(*run_);
    if (result == 0) handle_exit();
    else if (result != -EINTR && result != -EAGAIN)
        fail(std::string("KVM cannot run CPU ") + std::to_string(cpu_.index()) + ": " +
             std::strerror(-result));
}

bool Vcpu::waits() const {
    if (state_.activity == x86::Activity::Shutdown || resume_ == DebugResume::Stand) return true;
    // With its own local APICs, the kernel waits.
    return !vm_.local_apics_in_kernel() &&
           (run_state_.halted.load(std::memory_order_relaxed) || state_.activity != x86::Activity::Running);
}

bool Vcpu::wakes() const {
    return state_.activity == x86::Activity::Running && resume_ != DebugResume::Stand && cpu_.has_work();
}

/// Into the guest and back: 0 with a reason to handle, or -errno. The flag that keeps it out is taken back before requests
/// are looked at for the last time, so that who asks after that finds it in the guest and kicks.
int Vcpu::enter() {
    __atomic_store_n(&run_->immediate_exit, 0, __ATOMIC_RELAXED);
    in_guest_.store(true, std::memory_order_seq_cst);
    int result = -EINTR;
    if (!vm_.gate().closed() && run_state_.exit_request.load(std::memory_order_seq_cst) == 0) {
        write_task_priority();
        if (handed_ >= 0) run_->exit_reason = KVM_EXIT_UNKNOWN;
        result = kernel_calls::control(fd_.get(), KVM_RUN, nullptr);
        unfinished_ = false;
        // Where a signal came first, the kernel turns back before it takes anything, and gives no reason.
        if (result == 0 || run_->exit_reason != KVM_EXIT_UNKNOWN) handed_ = -1;
    }
    in_guest_.store(false, std::memory_order_seq_cst);
    if (vm_.gate().closed()) {
        vm_.gate().left();
        vm_.gate().wait_open();
    }
    return result;
}

/// Lets the kernel finish an instruction that left the guest, without beginning another one (api 5, immediate_exit).
void Vcpu::finish_exit() {
    while (unfinished_) {
        __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_RELAXED);
        const int result = kernel_calls::control(fd_.get(), KVM_RUN, nullptr);
        unfinished_ = false;
        complete_ = false;
        vm_.held_stores().flush(*run_);
        if (result == 0) handle_exit();
    }
}

/// X86State gets what the kernel has.
void Vcpu::pull() {
    finish_exit();
    if (complete_) return;
    if (const std::string text = registers_->get(); !text.empty())
        return fail("KVM does not tell a CPU's state: " + text);
    if (handed_ >= 0) {  // which the kernel does not tell
        state_.interrupt_injected = true;
        state_.interrupt_soft = false;
        state_.interrupt_vector = std::uint8_t(handed_);
    }
    complete_ = true;
}

void Vcpu::push() {
    if (!changed_) return;
    if (state_.interrupt_injected && state_.interrupt_vector == handed_)
        state_.interrupt_injected = false;  // the kernel has it
    const std::string text = registers_->set(restarted_ ? SyncLevel::Everything : SyncLevel::Registers);
    if (!text.empty()) fail("KVM does not take a CPU's state: " + text);
    changed_ = restarted_ = false;
    // What the kernel said before of the guest's interrupt flag is of another state.
    run_->ready_for_interrupt_injection = 0;
    read_task_priority();
}

/// Nothing that the guest did makes it go on.
void Vcpu::fail(const std::string& message) {
    state_.activity = x86::Activity::Shutdown;
    vm_.context().internal_error(message);
}

void Vcpu::state_was_changed() {
    changed_ = restarted_ = complete_ = true;
    unfinished_ = false;
}

void Vcpu::push_out() {
    if (!is_here() && in_guest_.load(std::memory_order_seq_cst)) kvm::kick(thread().native_handle());
}

/// It sees the registers, and may change the general ones.
void Vcpu::work_inside(void (*work)(void* data), void* data) {
    if (complete_) return work(data);
    std::string text = registers_->get();
    work(data);
    if (text.empty()) text = registers_->set_general();
    if (!text.empty()) fail("KVM refuses a CPU's state: " + text);
}

}  // namespace backplane::kvm
