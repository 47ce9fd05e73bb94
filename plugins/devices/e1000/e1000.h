// The 82540EM gigabit Ethernet controller (317453-006): its registers, interrupts and link.
//
// Not modelled: delays of interrupts (ITR, RDTR, RADV, TIDV, TADV: they come at once), received checksums (the guest is
// told to do them), the frame check sequence (zeros, where the guest wants to see it), flow control, wake-up, management,
// and writing the EEPROM.
#pragma once

#include "eeprom.h"
#include "phy.h"
#include "receiver.h"
#include "transmitter.h"

#include <backplane/boot.h>
#include <backplane/net.h>
#include <backplane/pci.h>
#include <backplane/property.h>

#include <string>

namespace backplane::e1000 {

class E1000 final : public DeviceBase,
                    public NetFront,
                    public TransmitHost,
                    public ReceiveHost,
                    public Bootable {
  public:
    static const PropertyInfo kProperties[];

    explicit E1000(Object& object);
    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;
    void resume() override;

    // NetFront
    bool receive_frame(Bytes frame) override;
    void link_changed(bool up) override;

    // TransmitHost, ReceiveHost
    DmaPort& memory() override { return context_.dma(); }
    void raise(std::uint32_t causes) override;
    void frame_ready(std::vector<std::uint8_t>& frame) override;

    // Bootable
    std::int32_t boot_index() const override { return bootindex_; }
    void boot_path(TextSink& out) const override {
        if (firmware_path_of(object_, out)) out.append("/ethernet-phy@0");
    }

    NetBackend* netdev_ = nullptr;
    std::string mac_;
    std::int32_t bootindex_ = -1;
    bool init_vet_ = true;

  private:
    class Memory final : public IoHandler {
      public:
        explicit Memory(E1000& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        E1000& owner_;
    };
    /// IOADDR and IODATA (13.2.2).
    class Ports final : public IoHandler {
      public:
        explicit Ports(E1000& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;
        std::uint32_t address = 0;

      private:
        E1000& owner_;
    };

    bool choose_address(Errors& errors);
    std::uint32_t read_register(std::uint32_t offset, bool debug);
    std::uint32_t* array_element(std::uint32_t offset);
    void write_register(std::uint32_t offset, std::uint32_t value);
    void write_stored(Reg reg, std::uint32_t value);
    void write_control(std::uint32_t value);
    void reset_chip();
    void set_link();
    void update_interrupt();
    void deliver(Bytes frame);

    Object& object_;
    DeviceContext& context_;
    PciDevice* pci_ = nullptr;
    Registers registers_;
    Eeprom eeprom_;
    Phy phy_;
    Transmitter transmitter_{registers_, *this};
    Receiver receiver_{registers_, *this};
    Memory memory_{*this};
    Ports ports_{*this};
    std::uint32_t causes_ = 0, mask_ = 0;       ///< ICR, IMS
    std::uint32_t eeprom_read_ = 0, mdic_ = 0;  ///< EERD, MDIC
    bool link_up_ = true;
    bool waiting_ = false;  ///< a frame was refused: the backend is to be told of room
};

}  // namespace backplane::e1000
