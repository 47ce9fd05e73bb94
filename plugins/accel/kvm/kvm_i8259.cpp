#include "kvm_i8259.h"

#include <backplane/isa.h>

namespace backplane::kvm {

KvmI8259::KvmI8259(Object& object) : ChipBase(object) {
    context_.add_outputs("", 1);
    context_.add_inputs("", 8, inputs_);
    describe_registers(context_.state());
}

bool KvmI8259::realize(Errors& errors) {
    if (!enter(errors)) return false;
    MemoryRegion& registers = context_.memory().io("kvm-pic", 2, *this, {.maximum = 1});
    MemoryRegion& elcr = context_.memory().io("kvm-elcr", 1, *this, {.maximum = 1});
    context_.export_region("registers", registers);
    context_.export_region("elcr", elcr);
    auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
    return !isa || (isa->add_ports(context_.object(), registers, Port(iobase_), errors) &&
                    isa->add_ports(context_.object(), elcr, Port(elcr_addr_), errors));
}

void KvmI8259::line_changed(unsigned input, int level) {
    lines_ = std::uint8_t(level ? lines_ | 1u << input : lines_ & ~(1u << input));
    const auto chip = master_ ? Interrupts::Chip::Master8259 : Interrupts::Chip::Slave8259;
    if (vm_) vm_->interrupts().set_pin(chip, input, level);
}

void KvmI8259::write_chip() {
    kvm_irqchip all{};
    all.chip_id = chip_id();
    kvm_pic_state& pic = all.chip.pic;
    const unsigned level = all_level_triggered_ ? 0xff : level_triggered_;
    const unsigned lines = master_ && vm_->interrupts().timer_in_kernel() ? lines_ & ~1u : lines_;
    pic.last_irr = std::uint8_t(lines);
    pic.irr = std::uint8_t((requests_ & ~level) | (lines & level));
    pic.imr = mask_;
    pic.isr = in_service_;
    pic.priority_add = std::uint8_t((lowest_ + 1) & 7);
    pic.irq_base = vector_base_;
    pic.read_reg_select = read_in_service_;
    pic.poll = poll_;
    pic.special_mask = special_mask_;
    pic.init_state = std::uint8_t(expected_ ? expected_ - 1 : 0);
    pic.auto_eoi = automatic_end_;
    pic.rotate_on_auto_eoi = rotate_automatically_;
    pic.special_fully_nested_mode = fully_nested_;
    pic.init4 = icw4_follows_;
    pic.elcr = level_triggered_;
    pic.elcr_mask = elcr_mask_;
    vm_->interrupts().set(all);
}

void KvmI8259::read_chip() {
    kvm_irqchip all{};
    all.chip_id = chip_id();
    if (!vm_->interrupts().get(all)) return;
    const kvm_pic_state& pic = all.chip.pic;
    requests_ = pic.irr;
    mask_ = pic.imr;
    in_service_ = pic.isr;
    lowest_ = std::uint8_t((pic.priority_add - 1) & 7);
    vector_base_ = pic.irq_base;
    read_in_service_ = pic.read_reg_select != 0;
    poll_ = pic.poll != 0;
    special_mask_ = pic.special_mask != 0;
    expected_ = std::uint8_t(pic.init_state ? (pic.init_state & 3) + 1 : 0);
    automatic_end_ = pic.auto_eoi != 0;
    rotate_automatically_ = pic.rotate_on_auto_eoi != 0;
    fully_nested_ = pic.special_fully_nested_mode != 0;
    icw4_follows_ = pic.init4 != 0;
    level_triggered_ = pic.elcr;
}

}  // namespace backplane::kvm
