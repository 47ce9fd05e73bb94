// "kvm-ioapic": the kernel's I/O APIC in place of "ioapic", with its wires, properties and state.
#pragma once

#include "chips.h"

#include <backplane/interrupt_text.h>
#include <backplane/x86.h>
#include <lib/interrupt_chips.h>

namespace backplane::kvm {

class KvmIoApic final : public ChipBase,
                        public IoHandler,
                        public InterruptControllerText,
                        private chips::IoApicRegisters {
  public:
    static const PropertyInfo kProperties[2];

    explicit KvmIoApic(Object& object);
    bool realize(Errors& errors) override;
    void describe(TextSink& out) override {
        from_kernel();
        write_text(out, version_);
    }

    // The kernel answers the guest before these are reached; a debugger sees what was saved last.
    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset, std::uint64_t, unsigned, Access&) override {}

    x86::ApicBus* bus_ = nullptr;  ///< messages stay in the kernel
    std::uint8_t version_ = 0x20;

  private:
    void pin_changed(unsigned pin, int level);
    void write_chip() override;
    void read_chip() override;

    InputOf<&KvmIoApic::pin_changed> inputs_{*this};
};

}  // namespace backplane::kvm
