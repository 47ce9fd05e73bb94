// A machine of two CPUs that only remembers what a debugger did to it, and a client that speaks packets.
#pragma once

#include "plugins/backends/gdb/hex.h"
#include "plugins/backends/gdb/session.h"
#include "tests/fake_object.h"

#include <backplane/draft/address_space.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace backplane::gdb::testing {

inline constexpr std::uint64_t kRam = 0x80000000, kRamSize = 0x4000, kDevice = 0x10000000;

class FakeObject : public test::FakeObjectBase {};

/// 16 KiB of RAM, and a device that must not be touched by a debugger's writes.
class FakeSpace final : public AddressSpace {
  public:
    FakeSpace() {
        block_.host = ram.data();
        block_.size = kRamSize;
        auto view = std::make_shared<FlatView>();
        view->ranges.push_back({.start = kDevice, .size = 4096});
        view->ranges.push_back({.start = kRam, .size = kRamSize, .block = &block_, .writable = true});
        view_ = view;
    }
    Str name() const override { return "fake"; }
    std::shared_ptr<const FlatView> view() const override { return view_; }
    std::uint64_t load(GuestAddress, unsigned, Access& access) override {
        access.fail();
        return 0;
    }
    void store(GuestAddress, std::uint64_t, unsigned, Access& access) override { access.fail(); }
    std::uint64_t load_io(const FlatRange&, Offset, unsigned, Access&) override { return 0; }
    void store_io(const FlatRange&, Offset, std::uint64_t, unsigned, Access&) override {}
    bool read(GuestAddress address, MutableBytes to, Access& access) override {
        if (!access.debug()) std::abort();
        if (address.value - kDevice < 4096) {
            std::memset(to.data, 0xd0, to.size);
            return true;
        }
        if (!inside(address.value, to.size)) return false;
        std::memcpy(to.data, ram.data() + (address.value - kRam), to.size);
        return true;
    }
    bool write(GuestAddress address, Bytes from, Access& access) override {
        if (!access.debug() || !inside(address.value, from.size)) std::abort();
        std::memcpy(ram.data() + (address.value - kRam), from.data, from.size);
        return true;
    }
    void add_listener(MemoryListener&) override {}
    void remove_listener(MemoryListener&) override {}
    void mark_dirty(RamBlock&, std::uint64_t, std::uint64_t) override {}
    void add_code_listener(CodeListener&) override {}
    void remove_code_listener(CodeListener&) override {}

    std::array<std::uint8_t, kRamSize> ram{};

  private:
    static bool inside(std::uint64_t address, std::uint64_t size) {
        return address >= kRam && address - kRam < kRamSize && size <= kRamSize - (address - kRam);
    }
    RamBlock block_;
    std::shared_ptr<const FlatView> view_;
};

/// Two general registers, r0 and pc, and one that stands alone and is sometimes unreadable. Virtual addresses are
/// physical ones plus 1 MiB.
class FakeCpu final : public FakeObject, public Cpu, public CpuDebug {
  public:
    explicit FakeCpu(FakeSpace& space) : space_(space) {}
    void* query(Str id) override { return id == Str(CpuDebug::kId) ? static_cast<CpuDebug*>(this) : nullptr; }
    Str architecture() const override { return "fake"; }
    void set_host(const CpuHost&) override {}
    std::uint32_t index() const override { return 0; }
    Object& object() override { return *this; }
    void* state() override { return &run; }
    std::size_t address_space_count() const override { return 1; }
    AddressSpace& address_space(std::size_t) override { return space_; }
    void set_runner(VcpuRunner*) override {}
    bool has_work() const override { return false; }
    std::uint64_t program_counter() const override { return pc; }
    void set_program_counter(std::uint64_t value) override { pc = value; }
    bool powered_off() const override { return false; }
    void dump(TextSink&) const override {}
    bool translate_debug(std::uint64_t address, GuestAddress& physical) override {
        physical = GuestAddress(address - 0x100000);
        return address >= 0x100000;
    }
    Str debug_architecture() const override { return "fake:<64>"; }
    Slice<const DebugFeature> debug_features() const override {
        static const DebugRegister kCore[] = {{.name = "r0", .id = 0},
                                              {.name = "pc", .type = "code_ptr", .id = 1}};
        static const DebugRegister kMore[] = {{.name = "half", .bits = 16, .group = "system", .id = 2}};
        static const DebugFeature kFeatures[] = {{.name = "test.core", .registers = kCore},
                                                 {.name = "test.more", .general = false, .registers = kMore}};
        return kFeatures;
    }
    bool read_register(const DebugRegister& reg, MutableBytes to) override {
        const std::uint64_t value = reg.id == 0 ? r0 : reg.id == 1 ? pc : half;
        std::memcpy(to.data, &value, to.size);
        return reg.id != 2 || half_readable;
    }
    bool write_register(const DebugRegister& reg, Bytes from) override {
        std::uint64_t value = 0;
        std::memcpy(&value, from.data, from.size);
        (reg.id == 0 ? r0 : reg.id == 1 ? pc : half) = value;
        return true;
    }

    CpuRunState run;
    std::uint64_t r0 = 0x1122334455667788, pc = 0x1000, half = 0xbeef;
    bool half_readable = true;

  private:
    FakeSpace& space_;
};

class FakeMachine final : public FakeObject,
                          public DebugControl,
                          public Accelerator,
                          public AcceleratorDebug,
                          public EventLoop,
                          public Management,
                          public Standstill {
  public:
    // Object
    void* query(Str id) override {
        return id == Str(AcceleratorDebug::kId) && can_debug ? static_cast<AcceleratorDebug*>(this) : nullptr;
    }

    // DebugControl
    bool running() const override { return runs; }
    bool start_machine() override {
        if (!can_start) return false;
        if (listener && !runs) listener->machine_starts();
        runs = true;
        return true;
    }
    void stop_machine(bool for_debugger) override {
        if (!std::exchange(runs, false)) return;
        if (listener) listener->machine_stopped(for_debugger ? "debug" : "paused");
    }
    Slice<Cpu* const> cpus() const override {
        return built ? Slice<Cpu* const>(list_.data(), list_.size()) : Slice<Cpu* const>();
    }
    Accelerator* accelerator() override { return this; }
    Object* accelerator_object() override { return built ? this : nullptr; }
    void quit_machine() override { quits = true; }
    void add_run_listener(RunListener& added) override { listener = &added; }
    void remove_run_listener(RunListener&) override { listener = nullptr; }

    // Accelerator
    bool open(AcceleratorContext&, Errors&) override { return true; }
    bool attach(Cpu&, Errors&) override { return true; }
    void detach(Cpu&) override {}
    void start() override { quiet = false; }
    void stop() override { quiet = true; }
    void states_changed() override { ++state_changes; }

    // AcceleratorDebug: with no guest code running
    void set_debug_listener(DebugListener* set) override {
        expect_quiet();
        debug_listener = set;
    }
    bool set_debug_points(Slice<const DebugPoint> set) override {
        expect_quiet();
        if (set.size > 3) return false;
        points.assign(set.begin(), set.end());
        return true;
    }
    void set_debug_resume(Cpu& cpu, DebugResume how) override {
        expect_quiet();
        resumes[&cpu == list_[0] ? 0 : 1] = how;
    }

    // EventLoop
    FdWatch* watch(int, FdHandler&, bool, bool) override { return nullptr; }
    void post(Work& work) override { posted = &work; }
    void cancel(Work&) override { posted = nullptr; }
    Clock& host_clock() override { std::abort(); }
    std::int64_t host_date_ns() const override { return 0; }

    // Management
    Cpu* current_cpu() const override { return nullptr; }
    std::string version_json() const override { return "{}"; }
    void execute(Str, Str, ManagementCaller&) override {}
    void execute_human(Str line, ManagementCaller& caller) override {
        ManagementReply reply;
        reply.text = "ran " + std::string(line.view()) + "\n";
        caller.management_reply(reply);
    }
    void forget(ManagementCaller&) override {}
    std::vector<std::string> complete(Str) override { return {}; }
    void add_listener(ManagementListener&) override {}
    void remove_listener(ManagementListener&) override {}

    // Standstill
    bool now() const override { return saved; }
    void add_listener(Object&, StandstillListener&) override {}
    void remove_listener(StandstillListener&) override {}

    /// What the loop does next.
    void run_posted() {
        if (Work* work = std::exchange(posted, nullptr)) work->run();
    }
    /// A CPU came to a stop while the machine ran.
    void cpu_stops(std::size_t cpu, const DebugStop& stop) {
        if (debug_listener) debug_listener->cpu_stopped(*list_[cpu], stop);
    }

    FakeSpace space;
    FakeCpu first{space}, second{space};
    bool built = true, runs = false, quiet = false, can_start = true, can_debug = true, quits = false,
         saved = false;
    unsigned state_changes = 0;
    RunListener* listener = nullptr;
    DebugListener* debug_listener = nullptr;
    Work* posted = nullptr;
    std::vector<DebugPoint> points;
    std::array<DebugResume, 2> resumes{};

  private:
    void expect_quiet() const {
        if (runs && !quiet) std::abort();
    }
    std::array<Cpu*, 2> list_{&first, &second};
};

/// Sends packets and takes apart what comes back.
class Client {
  public:
    explicit Client(FakeMachine& machine)
        : machine_(machine),
          session_(machine, machine, &machine, &machine, [this](std::string_view bytes) { raw += bytes; }) {
        session_.begin();
    }
    void send_raw(std::string_view bytes) {
        session_.receive({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
    /// The payload of the answer; "(none)" when there is none, "(several)" …
    std::string ask(std::string_view payload) {
        raw.clear();
        send_raw(framed(payload));
        return heard();
    }
    /// What came since, as payloads with '|' between.
    std::string heard() {
        std::string all;
        PacketReader reader;
        bool any = false;
        for (const char c : raw)
            if (const auto event = reader.feed(std::uint8_t(c));
                event && event->kind == PacketEvent::Kind::Packet) {
                all += (any ? "|" : "") + event->payload;
                any = true;
            }
        raw.clear();
        return any ? all : "(none)";
    }
    Session& session() { return session_; }

    std::string raw;

  private:
    FakeMachine& machine_;
    Session session_;
};

}  // namespace backplane::gdb::testing
