// The IDE function of the PIIX3 (82371SB, 290550-002): two channels at their ISA ports, and a bus master at BAR 4.
//
// Not modelled: the timing registers have no effect.
#pragma once

#include "channel.h"

#include <backplane/pci.h>

namespace backplane::ide {

class Piix3Ide final : public DeviceBase, public AtaDisks {
  public:
    explicit Piix3Ide(Object& object);
    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;
    AtaGeometry disk_geometry(unsigned index) const override;

  private:
    struct Half {
        Half(Piix3Ide& owner, Wire& wire) : master(owner.context_), channel(owner.context_, wire, master) {}
        BusMaster master;
        Channel channel;
    };
    template <unsigned Index>
    class CommandPorts final : public IoHandler {
      public:
        explicit CommandPorts(Piix3Ide& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override {
            return owner_.half(Index).channel.read_command(offset, size, access);
        }
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
            owner_.half(Index).channel.write_command(offset, value, size, access);
        }

      private:
        Piix3Ide& owner_;
    };
    template <unsigned Index>
    class ControlPort final : public IoHandler {
      public:
        explicit ControlPort(Piix3Ide& owner) : owner_(owner) {}
        std::uint64_t read(Offset, unsigned, Access& access) override {
            return owner_.half(Index).channel.read_control(access);
        }
        void write(Offset, std::uint64_t value, unsigned, Access& access) override {
            owner_.half(Index).channel.write_control(value, access);
        }

      private:
        Piix3Ide& owner_;
    };
    class MasterPorts final : public IoHandler {
      public:
        explicit MasterPorts(Piix3Ide& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned size, Access&) override {
            return owner_.half(offset.value / BusMaster::kSize)
                .master.read(offset.value % BusMaster::kSize, size);
        }
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        Piix3Ide& owner_;
    };

    Half& half(std::uint64_t index) { return index == 0 ? first_ : second_; }

    Object& object_;
    DeviceContext& context_;
    Wire& first_wire_;
    Half first_, second_;
    CommandPorts<0> command0_{*this};
    CommandPorts<1> command1_{*this};
    ControlPort<0> control0_{*this};
    ControlPort<1> control1_{*this};
    MasterPorts master_{*this};
    MemoryRegion* registers_ = nullptr;
};

}  // namespace backplane::ide
