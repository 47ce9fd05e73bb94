// Wires between devices: outputs, inputs, and what joins them. Thread: main, or holding the machine lock.
#pragma once

#include "kernel/barrier/callee.h"

#include <backplane/draft/accelerator.h>
#include <backplane/wire.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::kernel {

class InputPin;

/// While somebody holds it, levels change and nobody hears; what changed is delivered at the end.
struct WiringHold {
    bool on = false;
    std::vector<InputPin*> changed;
};

/// One output of a device. Drives every pin that it is joined to.
class OutputWire final : public Wire {
  public:
    OutputWire(const MachineLock* lock, WiringHold& hold, std::string group, unsigned index)
        : lock_(lock), hold_(hold), group_(std::move(group)), index_(index) {}
    void set(int level) override;
    int level() const override { return level_; }

  private:
    friend class Wiring;
    friend class InputPin;
    const MachineLock* lock_;
    WiringHold& hold_;
    std::string group_;
    unsigned index_;
    int level_ = 0;
    std::vector<InputPin*> pins_;
    WireProbe::Callback probe_ = nullptr;  ///< intercepted: called instead of the pins
    void* probe_data_ = nullptr;
};

/// One input of a device. Several outputs may drive it; it sees the highest of their levels (a wired-or).
class InputPin {
  public:
    InputPin(WireReceiver& receiver, unsigned index, Callee* callee)
        : receiver_(&receiver), callee_(callee), index_(index) {}
    void update();
    void deliver(int level);

  private:
    friend class Wiring;
    friend class OutputWire;
    WireReceiver* receiver_;
    Callee* callee_;  ///< whose the receiver is; null: the core's, or a test's
    unsigned index_;
    int level_ = 0;
    std::uint64_t changes_ = 0;
    std::vector<OutputWire*> drivers_;
    WireProbe::Callback probe_ = nullptr;
    void* probe_data_ = nullptr;
    std::string group_;
};

/// The pins of all devices of a machine, by device (any pointer that identifies it).
class Wiring {
  public:
    using Device = const void*;

    /// `lock`: what a debug build checks to be held when a wire changes; null: nothing (a test without a machine).
    explicit Wiring(const MachineLock* lock = nullptr) : lock_(lock) {}

    /// A group that is declared again goes on where it ended, as that of outputs does.
    /// `callee`: whose code the receiver is; null: the core's.
    void add_inputs(Device device, std::string_view group, unsigned count, WireReceiver& receiver,
                    Callee* callee = nullptr);
    Wire& add_outputs(Device device, std::string_view group, unsigned count);
    Wire* output(Device device, std::string_view group, unsigned index);
    struct Group {
        std::string name;
        bool input;
        std::size_t count;
    };
    /// Its inputs, then its outputs, by name.
    std::vector<Group> groups(Device device) const;
    /// All outputs of a device, in the order in which they were declared.
    const std::vector<OutputWire*>& outputs(Device device) const;
    /// Joins an output of a device to an input.
    bool connect(OutputWire& wire, Device to, std::string_view input, unsigned input_index, Errors& errors);
    bool connect(Device from, std::string_view output, unsigned output_index, Device to,
                 std::string_view input, unsigned input_index, Errors& errors);
    /// The device's inputs hear nothing from now on: it was unrealized.
    void silence(Device device);
    /// All its outputs fall: it drives them no more.
    void lower_outputs(Device device);
    /// The device is going: its pins leave every wire, and its outputs fall. Its own inputs hear nothing of that.
    void remove(Device device);

    bool probe_inputs(Device device, WireProbe::Callback callback, void* data, Errors& errors);
    bool probe_outputs(Device device, std::string_view group, WireProbe::Callback callback, void* data,
                       Errors& errors);
    bool drive_input(Device device, std::string_view group, unsigned index, int level, Errors& errors);

    /// The levels of all pins of a device, by group.
    struct Levels {
        std::map<std::string, std::vector<int>> outputs, inputs;
    };
    Levels levels(Device device) const;
    /// Sets them without telling anybody: each end must know already. The groups must be those that levels() gives.
    void restore(Device device, const Levels& levels);
    /// Between its making and its end a change of an output is only noted; inputs then hear of what differs from what
    /// they heard last. Not one inside of another.
    class Hold {
      public:
        explicit Hold(Wiring& wiring);
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        ~Hold();

      private:
        Wiring& wiring_;
    };

    /// Writes "  GROUP[INDEX]: LEVEL, CHANGES" lines for the inputs that ever changed.
    void describe(Device device, TextSink& out) const;
    /// "gpio-in NAME COUNT" and "gpio-out NAME COUNT" lines, as `info qtree` shows them.
    void describe_groups(Device device, std::string_view indent, TextSink& out) const;

  private:
    using Inputs = std::map<std::string, std::vector<std::unique_ptr<InputPin>>, std::less<>>;
    using Outputs = std::map<std::string, std::vector<std::unique_ptr<OutputWire>>, std::less<>>;
    struct Pins {
        Inputs inputs;
        Outputs outputs;
        std::vector<OutputWire*> ordered;  ///< the outputs, as they were declared
    };
    InputPin* input(Device device, std::string_view group, unsigned index, Errors& errors);
    std::string lacks(Device device, bool input, std::string_view group, unsigned index) const;

    const MachineLock* lock_;
    WiringHold hold_;
    std::map<Device, Pins> devices_;
};

}  // namespace backplane::kernel
