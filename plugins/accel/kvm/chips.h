// What the devices that stand for the kernel's chips have in common.
#pragma once

#include "interrupts.h"
#include "vm.h"

#include <backplane/device.h>

namespace backplane::kvm {

/// The virtual machine of the device's machine. Null and a reason when KVM does not run it.
inline Vm* vm_of(DeviceContext& context, Errors& errors) {
    Vm* vm = nullptr;
    for (Object* above = &context.object(); above && !vm; above = above->parent())
        if (Object* accelerator = above->child("accel"))
            if (auto* access = query<VmAccess>(*accelerator)) vm = access->vm();
    if (!vm || !vm->interrupts().created()) {
        errors.fail("this chip is the kernel's: it needs -accel kvm with a kernel-irqchip that has it");
        return nullptr;
    }
    return vm;
}

/// A chip's life beside its state: it hands that to the kernel when a reset or a load has changed it.
class ChipBase : public DeviceBase, public KernelChip {
  public:
    explicit ChipBase(Object& object) : context_(device_context(object)) {}
    ~ChipBase() { leave(); }
    void unrealize() override { leave(); }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Exit) changed_ = true;
    }
    bool after_load(Errors&) override {
        changed_ = true;
        return true;
    }
    void to_kernel() final {
        if (std::exchange(changed_, false)) write_chip();
    }
    void from_kernel() final {
        if (!changed_) read_chip();
    }

  protected:
    virtual void write_chip() = 0;
    virtual void read_chip() = 0;
    bool enter(Errors& errors) {
        vm_ = vm_of(context_, errors);
        if (vm_) vm_->interrupts().add(*this);
        return vm_ != nullptr;
    }
    void leave() {
        if (vm_) vm_->interrupts().remove(*this);
        vm_ = nullptr;
    }

    DeviceContext& context_;
    Vm* vm_ = nullptr;
    bool changed_ = true;
};

}  // namespace backplane::kvm
