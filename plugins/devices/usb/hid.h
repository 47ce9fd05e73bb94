// Keyboard, mouse and tablet.
//
// Follows "Device Class Definition for Human Interface Devices (HID)" 1.11 with its boot protocol (appendix B), and "HID
// Usage Tables" 1.12 for what reports mean.
#pragma once

#include "function.h"

#include <backplane/input.h>
#include <backplane/input_lights.h>

#include <array>
#include <deque>

namespace backplane::usb {

/// What the three share: one interface with one interrupt endpoint that gives reports.
class Hid : public Function, public InputDevice {
  public:
    enum class Boot : std::uint8_t { None = 0, Keyboard = 1, Mouse = 2 };

    bool listening() const override { return configured(); }

  protected:
    Hid(Object& object, const char* product, std::uint16_t number, Boot boot, Bytes report_descriptor);
    ~Hid() = default;

    /// The report as it is now.
    virtual std::vector<std::uint8_t> report() const = 0;
    /// Is there something that no report has told yet? Then report() tells it next.
    virtual bool advance() = 0;
    /// The host has it.
    virtual void reported() {}
    virtual void take_report(Bytes) {}
    bool boot_protocol() const { return protocol_ == 0; }

    const Descriptors& descriptors() const override { return descriptors_; }
    bool answer(const Request& request, std::vector<std::uint8_t>& reply) override;
    bool take(const Request& request, Bytes data) override;
    void start_over() override;
    UsbReply data_in(std::uint8_t endpoint, MutableBytes room) override;

  private:
    Boot boot_;
    Bytes report_descriptor_;
    Descriptors descriptors_;
    std::uint8_t idle_ = 0;      ///< of 4 ms; 0: a report comes for something new alone
    std::uint8_t protocol_ = 1;  ///< 0: boot, 1: report
    std::uint64_t reported_ns_ = 0;
};

class Keyboard final : public Hid, public InputLights {
  public:
    explicit Keyboard(Object& object);
    std::uint32_t takes() const override { return input_takes::kKeys; }
    void input(Slice<const InputEvent> events) override;
    std::uint32_t lights() const override;

  private:
    static constexpr std::size_t kMostWaiting = 16;
    static constexpr std::size_t kKeysAtOnce = 6, kMostDown = 128;
    static constexpr std::uint16_t kUp = 0x100;

    std::vector<std::uint8_t> report() const override;
    bool advance() override;
    void take_report(Bytes data) override;
    void start_over() override;

    std::deque<std::uint16_t> waiting_;  ///< usages, with kUp where a key goes up
    std::vector<std::uint8_t> down_;     ///< usages, in the order in which they went down
    std::uint8_t modifiers_ = 0;
    std::uint8_t leds_ = 0;
};

/// A mouse, or with `absolute` a tablet.
class Pointer : public Hid {
  public:
    std::uint32_t takes() const override {
        return absolute_ ? input_takes::kAbsolute : input_takes::kRelative;
    }
    void input(Slice<const InputEvent> events) override;

    bool after_load(Errors& errors) override;

  protected:
    Pointer(Object& object, bool absolute);
    ~Pointer() = default;

  private:
    static constexpr std::size_t kMostWaiting = 16;
    /// Standard layout: saved as its bytes.
    struct Step {
        std::int32_t x = 0, y = 0;  ///< where it is, or how far it moved
        std::int32_t wheel = 0;     ///< away from the user is positive
        std::uint32_t buttons = 0;
    };

    std::vector<std::uint8_t> report() const override;
    bool advance() override;
    void reported() override;
    void start_over() override;
    static void button(const InputEvent& event, Step& step);
    void move(const InputEvent& event, Step& step) const;
    void push(const Step& step);

    const bool absolute_;
    std::deque<Step> waiting_;
    Step current_;  ///< what the last report told; of a mouse, moved by this much
};

class Mouse final : public Pointer {
  public:
    explicit Mouse(Object& object) : Pointer(object, false) {}
};

class Tablet final : public Pointer {
  public:
    explicit Tablet(Object& object) : Pointer(object, true) {}
};

}  // namespace backplane::usb
