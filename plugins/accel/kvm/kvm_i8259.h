// "kvm-i8259": the kernel's 8259 in place of "isa-i8259", with its wires, properties and state.
//
// The kernel answers its ports and joins the slave to the master by itself: what is wired here stays still.
#pragma once

#include "chips.h"

#include <backplane/interrupt_text.h>
#include <backplane/x86.h>
#include <lib/interrupt_chips.h>

namespace backplane::kvm {

class KvmI8259 final : public ChipBase,
                       public IoHandler,
                       public x86::InterruptAcknowledge,
                       public InterruptControllerText,
                       private chips::I8259Registers {
  public:
    static const PropertyInfo kProperties[5];

    explicit KvmI8259(Object& object);
    bool realize(Errors& errors) override;
    void describe(TextSink& out) override {
        from_kernel();
        write_text(out, master_);
    }

    // The kernel answers before these are reached.
    std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
    void write(Offset, std::uint64_t, unsigned, Access&) override {}
    std::uint8_t acknowledge() override { return std::uint8_t(vector_base_ + 7); }

    std::uint32_t iobase_ = 0;
    std::uint32_t elcr_addr_ = 0;
    std::uint8_t elcr_mask_ = 0xff;
    bool master_ = false;
    x86::InterruptAcknowledge* cascade_ = nullptr;

  private:
    std::uint32_t chip_id() const { return master_ ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE; }
    void line_changed(unsigned input, int level);
    void write_chip() override;
    void read_chip() override;

    InputOf<&KvmI8259::line_changed> inputs_{*this};
};

}  // namespace backplane::kvm
