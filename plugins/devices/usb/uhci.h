// The USB host controller of the PIIX3: registers, root ports and the schedule in memory.
//
// Follows Intel, "Universal Host Controller Interface (UHCI) Design Guide" revision 1.1, and "82371SB (PIIX3)", 290550, 2.4. A
// frame is walked at its start, on the virtual clock. Not modelled: overcurrent, legacy keyboard emulation by SMI (LEGSUP
// keeps what is written), and data toggles.
#pragma once

#include <backplane/boot.h>
#include <backplane/device.h>
#include <backplane/pci.h>
#include <backplane/usb.h>

#include <array>
#include <optional>

namespace backplane::usb {

class Uhci final : public DeviceBase, public IoHandler, private UsbPorts {
  public:
    static constexpr unsigned kPortCount = 2;

    explicit Uhci(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    struct Port {
        UsbFunction* function = nullptr;
        std::uint16_t status = 0;  ///< PORTSC, of which CCS and LSDA follow from the function
    };
    /// 3.2: a transfer descriptor's dwords.
    struct Transfer {
        std::uint32_t address = 0, link = 0, control = 0, token = 0, buffer = 0;
    };
    /// What becomes of the queue that a transfer stands in.
    enum class Next : std::uint8_t { Advance, Stay, HaltController };
    /// The walk through one frame.
    struct Walk {
        unsigned steps = 0;  ///< descriptors that were read
        unsigned bytes = 0;  ///< that were moved
        bool moved = false;  ///< something happened since `first_queue`
        std::uint32_t first_queue = 0;
    };

    // UsbPorts
    void plugged(unsigned port, UsbFunction& function) override;
    void unplugged(unsigned port) override;
    void woken(unsigned port) override;

    // --- uhci.cpp: registers
    std::uint16_t read_register(unsigned offset) const;
    void write_register(unsigned offset, std::uint16_t value);
    void write_command(std::uint16_t value);
    void write_port(Port& port, std::uint16_t value);
    void show_connection(Port& port);
    void reset_controller();
    void reset_bus();
    void update_interrupt();
    void schedule();

    // --- uhci_schedule.cpp: frames
    void frame();
    void run_frame();
    bool goes_on(Walk& walk) const;
    bool walk_queue(std::uint32_t& link, Walk& walk);
    std::optional<Transfer> load(std::uint32_t address);
    Next execute(Transfer& transfer, Walk& walk);
    UsbReply transact(const Transfer& transfer, std::uint8_t* data, std::uint32_t length);
    Next finish(Transfer& transfer, const UsbReply& reply, std::uint32_t length);
    void retire(Transfer& transfer, std::uint32_t errors);
    UsbFunction* find(std::uint8_t address);
    void halt(std::uint16_t why);

    Object& object_;
    DeviceContext& context_;
    PciDevice* pci_ = nullptr;
    UsbBus* bus_ = nullptr;
    OwnedTimer<&Uhci::frame> timer_{*this};
    std::array<Port, kPortCount> ports_;
    std::uint16_t command_ = 0, status_ = 0, interrupts_ = 0, frame_number_ = 0;
    std::uint32_t frame_list_ = 0;
    std::uint8_t sof_modify_ = 0;
    bool completed_ = false;     ///< why USBINT is set: a transfer with IOC,
    bool short_packet_ = false;  ///< a short packet
    std::uint64_t next_frame_ns_ = 0;
};

namespace uhci {
// 2.1.1 to 2.1.7
inline constexpr std::uint16_t kRun = 1 << 0, kHostReset = 1 << 1, kGlobalReset = 1 << 2, kSuspend = 1 << 3;
inline constexpr std::uint16_t kInterrupt = 1 << 0, kError = 1 << 1, kResumeDetect = 1 << 2,
                               kSystemError = 1 << 3, kProcessError = 1 << 4, kHalted = 1 << 5;
inline constexpr std::uint16_t kOnError = 1 << 0, kOnResume = 1 << 1, kOnComplete = 1 << 2, kOnShort = 1 << 3;
inline constexpr std::uint16_t kConnected = 1 << 0, kConnectChanged = 1 << 1, kEnabled = 1 << 2,
                               kEnableChanged = 1 << 3, kResume = 1 << 6, kAlwaysOne = 1 << 7,
                               kLowSpeed = 1 << 8, kReset = 1 << 9, kPortSuspended = 1 << 12;
inline constexpr unsigned kFrames = 1024;
inline constexpr std::uint16_t kFrameNumberMask = 0x7ff;
}  // namespace uhci

}  // namespace backplane::usb
