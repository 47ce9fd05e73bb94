// A bench for one device: it is made by its type name through the real plugin loader, alone, with memory, a virtual
// clock that the test moves, and wires that the test reads and drives. Link with libbackplane.
//
//   DeviceBench bench("goldfish_rtc");
//   bench.write(0x10, 1, 4);
//   bench.advance_ns(1'000'000'000);
//   EXPECT_EQ(bench.output("irq"), 1);
#pragma once

#include <backplane/device.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backplane::testing {

using Properties = std::vector<std::pair<std::string, std::string>>;

/// Everything that fails in here throws std::runtime_error with the host's message. Thread: the test's own, which
/// holds the machine lock while the bench lives.
class BACKPLANE_EXPORT DeviceBench {
  public:
    /// RAM at kRamBase, no device yet.
    DeviceBench();
    /// Makes and realizes the device, and resets it. Link properties take the names of objects made before, so a
    /// device with backends is made with add() on an empty bench.
    explicit DeviceBench(std::string_view type, const Properties& properties = {});
    ~DeviceBench();
    DeviceBench(const DeviceBench&) = delete;
    DeviceBench& operator=(const DeviceBench&) = delete;

    static constexpr GuestAddress kRamBase{0x80000000};
    static constexpr std::uint64_t kRamSize = 16 << 20;
    /// What the wall clock says when the bench is made, in seconds since 1970: Friday, 2 January 2026, 03:04:05 UTC. It
    /// goes with the virtual clock.
    static constexpr std::int64_t kDate = 1767323045;

    /// Makes any object with an id (which links and `bus` use), sets its properties and realizes it. A device is
    /// plugged into `bus` (the id of a bus or of the device that has it), and reset.
    Object& add(std::string_view type, std::string_view id, const Properties& properties = {},
                std::string_view bus = "");
    /// The same, and the reason when it is refused; empty when it was made.
    std::string try_add(std::string_view type, std::string_view id, const Properties& properties = {},
                        std::string_view bus = "");
    void remove(Object& object);
    /// The first device, or the one that focus() chose: what the functions below are about.
    Object& device();
    void focus(Object& device);

    /// Accesses to a region of the device by its exported name; "" is the first.
    std::uint64_t read(std::uint64_t offset, unsigned size, std::string_view region = "");
    void write(std::uint64_t offset, std::uint64_t value, unsigned size, std::string_view region = "");
    /// A debugger's read.
    std::uint64_t peek(std::uint64_t offset, unsigned size, std::string_view region = "");
    /// Did the last access end in a bus error?
    bool access_failed() const;
    /// Maps a region into system memory; loads and stores there.
    void map(Object& device, std::string_view region, GuestAddress address);
    std::uint64_t load(GuestAddress address, unsigned size);
    void store(GuestAddress address, std::uint64_t value, unsigned size);
    /// The RAM at kRamBase.
    MutableBytes ram();

    /// The level of an output now, and how often it changed.
    int output(std::string_view name, unsigned index = 0);
    unsigned output_changes(std::string_view name, unsigned index = 0);
    void set_input(std::string_view name, unsigned index, int level);
    void connect(Object& from, std::string_view output, unsigned output_index, Object& to,
                 std::string_view input, unsigned input_index);

    std::uint64_t now_ns() const;
    /// Moves the virtual clock, running timers in order of their deadlines, and what they post.
    void advance_ns(std::uint64_t delta_ns);
    /// The machine's random bytes follow from `seed` alone from now on.
    void seed(std::uint64_t seed);
    /// Runs what is ready on the host loop (completed I/O, posted work) until nothing is, without waiting.
    void run_ready();
    /// Waits on the host loop until `done` says true; false after `limit_ms` of host time (a test's safety net).
    bool run_until(bool (*done)(void* data), void* data, unsigned limit_ms = 10'000);

    void reset();
    /// The focused device's alone. Loading lets it go on at once.
    std::vector<std::uint8_t> save_state();
    void load_state(const std::vector<std::uint8_t>& state);
    std::string property(Object& object, std::string_view name);
    void set_property(Object& object, std::string_view name, std::string_view value);

    /// What the device asked of its machine: the reasons, newest last ("guest-shutdown", "guest-reset", …).
    const std::vector<std::string>& requests();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backplane::testing
