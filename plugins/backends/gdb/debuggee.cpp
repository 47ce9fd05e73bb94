#include "debuggee.h"

#include <backplane/draft/address_space.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace backplane::gdb {

class Debuggee::Quiet {
  public:
    explicit Quiet(Debuggee& debuggee)
        : debuggee_(debuggee), running_(debuggee.quiet_++ == 0 && debuggee.running()) {
        if (running_) debuggee.run_.accelerator()->stop();
    }
    ~Quiet() {
        --debuggee_.quiet_;
        if (std::exchange(debuggee_.registers_changed_, false))
            debuggee_.run_.accelerator()->states_changed();
        if (running_) debuggee_.run_.accelerator()->start();
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

  private:
    Debuggee& debuggee_;
    const bool running_;
};

Debuggee::Debuggee(DebugControl& run, EventLoop& loop, DebuggeeListener& listener)
    : run_(run), loop_(loop), listener_(listener) {
    run_.add_run_listener(*this);
}

Debuggee::~Debuggee() {
    detach();
    run_.remove_run_listener(*this);
    loop_.cancel(*this);
}

AcceleratorDebug* Debuggee::debug() const {
    Object* accelerator = run_.accelerator_object();
    return accelerator ? query<AcceleratorDebug>(*accelerator) : nullptr;
}

void Debuggee::attach() {
    attached_ = true;
    stop_soon_ = cpu_count() == 0;
    if (stop_soon_) return;
    run_.stop_machine(false);
    points_.clear();
    if (AcceleratorDebug* accelerator = debug()) {
        accelerator->set_debug_points({});
        accelerator->set_debug_listener(this);
    }
}

void Debuggee::detach() {
    if (!std::exchange(attached_, false)) return;
    stop_soon_ = false;
    points_.clear();
    physical = false;
    if (AcceleratorDebug* accelerator = debug()) {
        const Quiet quiet(*this);
        accelerator->set_debug_points({});
        resume_all(DebugResume::Run);
        accelerator->set_debug_listener(nullptr);
    }
    const std::lock_guard guard(mutex_);
    arrived_.clear();
}

// ---- stops

/// On the CPU's thread.
void Debuggee::cpu_stopped(Cpu& cpu, const DebugStop& stop) {
    {
        const std::lock_guard guard(mutex_);
        arrived_.emplace_back(&cpu, stop);
    }
    loop_.post(*this);
}

void Debuggee::run() {
    if (std::exchange(stop_soon_, false)) return attach();
    bool any = false;
    {
        const std::lock_guard guard(mutex_);
        any = !arrived_.empty();
    }
    if (any) run_.stop_machine(true);  // and machine_stopped() reports
}

void Debuggee::machine_starts() {
    if (stop_soon_) loop_.post(*this);
}

void Debuggee::machine_stopped(Str state) {
    if (!attached_) return;
    StopReport report{.state = std::string(state.view())};
    {
        const std::lock_guard guard(mutex_);
        if (!arrived_.empty()) {
            const auto cpus = run_.cpus();
            report.cpu = std::size_t(std::ranges::find(cpus, arrived_.front().first) - cpus.begin());
            // One that stopped may have left the machine since.
            if (report.cpu == cpus.size) report.cpu = 0;
            report.stop = arrived_.front().second;
        }
        // Another CPU that stopped as well comes to the same stop when it goes on.
        arrived_.clear();
    }
    // Whoever makes the machine go on without asking the debugger makes all of it go on.
    resume_all(DebugResume::Run);
    const bool at_breakpoint = report.stop && (report.stop->reason == DebugStop::Reason::SoftwareBreakpoint ||
                                               report.stop->reason == DebugStop::Reason::HardwareBreakpoint);
    if (at_breakpoint) debug()->set_debug_resume(cpu(report.cpu), DebugResume::RunPast);
    listener_.debuggee_stopped(report);
}

// ---- running

void Debuggee::resume_all(DebugResume how) {
    AcceleratorDebug* accelerator = debug();
    for (std::size_t i = 0; accelerator && i < cpu_count(); ++i) accelerator->set_debug_resume(cpu(i), how);
}

bool Debuggee::resume(const std::vector<DebugResume>& how) {
    {
        const Quiet quiet(*this);
        if (AcceleratorDebug* accelerator = debug())
            for (std::size_t i = 0; i < how.size(); ++i) accelerator->set_debug_resume(cpu(i), how[i]);
    }
    return run_.start_machine();
}

Debuggee::PointResult Debuggee::set_points(std::vector<DebugPoint> points) {
    const Quiet quiet(*this);
    if (!debug()->set_debug_points({points.data(), points.size()})) return PointResult::TooMany;
    points_ = std::move(points);
    return PointResult::Done;
}

Debuggee::PointResult Debuggee::insert(const DebugPoint& point) {
    if (std::ranges::find(points_, point) != points_.end()) return PointResult::Done;
    std::vector<DebugPoint> points = points_;
    points.push_back(point);
    return set_points(std::move(points));
}

Debuggee::PointResult Debuggee::remove(const DebugPoint& point) {
    std::vector<DebugPoint> points = points_;
    return std::erase(points, point) ? set_points(std::move(points)) : PointResult::Done;
}

bool Debuggee::halted(std::size_t index) const {
    return cpu(index).run_state().halted.load() != 0 || cpu(index).powered_off();
}

// ---- registers

CpuDebug* Debuggee::registers_of(std::size_t index) const {
    return index < cpu_count() ? query<CpuDebug>(cpu(index).object()) : nullptr;
}

Slice<const DebugFeature> Debuggee::features() const {
    const CpuDebug* first = registers_of(0);
    return first ? first->debug_features() : Slice<const DebugFeature>{};
}

namespace {

const DebugRegister* numbered(Slice<const DebugFeature> features, std::uint64_t number) {
    for (const DebugFeature& feature : features) {
        if (number < feature.registers.size) return &feature.registers[number];
        number -= feature.registers.size;
    }
    return nullptr;
}

}  // namespace

/// CPUs need not be alike: numbers are the first one's, and others are looked up by name.
const DebugRegister* Debuggee::find_register(std::size_t index, std::uint64_t number) const {
    const DebugRegister* first = numbered(features(), number);
    const CpuDebug* own = registers_of(index);
    if (!first || index == 0 || !own) return own ? first : nullptr;
    const Slice<const DebugFeature> features = own->debug_features();
    if (const DebugRegister* same = numbered(features, number); same && same->name == first->name)
        return same;
    for (const DebugFeature& feature : features)
        for (const DebugRegister& reg : feature.registers)
            if (reg.name == first->name && reg.bits == first->bits) return &reg;
    return nullptr;
}

std::string Debuggee::read_register(std::size_t index, const DebugRegister& reg) {
    const Quiet quiet(*this);
    std::string value(reg.bits / 8u, '\0');
    const MutableBytes to{reinterpret_cast<std::uint8_t*>(value.data()), value.size()};
    return registers_of(index)->read_register(reg, to) ? value : std::string();
}

bool Debuggee::write_register(std::size_t index, const DebugRegister& reg, std::string_view value) {
    if (value.size() != reg.bits / 8u) return false;
    const Quiet quiet(*this);
    registers_changed_ = true;
    return registers_of(index)->write_register(
        reg, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
}

void Debuggee::set_program_counter(std::size_t index, std::uint64_t value) {
    const Quiet quiet(*this);
    registers_changed_ = true;
    cpu(index).set_program_counter(value);
}

// ---- memory

/// Calls piece(physical, done, count) for what lies in one page, until it says false: how many bytes were done.
template <class Piece>
std::uint64_t Debuggee::for_each_page(std::size_t index, std::uint64_t address, std::uint64_t size,
                                      Piece piece) {
    const Quiet quiet(*this);
    std::uint64_t done = 0;
    while (done < size) {
        const std::uint64_t at = address + done;
        const std::uint64_t count = std::min(size - done, kPageSize - (at & (kPageSize - 1)));
        GuestAddress place(at);
        if (!physical && !cpu(index).translate_debug(at, place)) break;
        if (!piece(place, done, count)) break;
        done += count;
    }
    return done;
}

std::string Debuggee::read_memory(std::size_t index, std::uint64_t address, std::uint64_t size) {
    std::string bytes(size, '\0');
    AddressSpace& space = cpu(index).address_space();
    const auto read = [&](GuestAddress place, std::uint64_t done, std::uint64_t count) {
        Access access{.intent = Intent::Debug};
        return space.read(place, {reinterpret_cast<std::uint8_t*>(bytes.data()) + done, count}, access);
    };
    bytes.resize(for_each_page(index, address, size, read));
    return bytes;
}

/// Memory alone: a debugger's store changes no device.
bool Debuggee::write_memory(std::size_t index, std::uint64_t address, std::string_view bytes) {
    AddressSpace& space = cpu(index).address_space();
    const auto write = [&](GuestAddress place, std::uint64_t done, std::uint64_t count) {
        const std::shared_ptr<const FlatView> view = space.view();
        for (std::uint64_t at = 0; at < count;) {
            const FlatRange* range = view->find(place.value + at);
            if (!range || !range->block) return false;
            at += std::min(count - at, range->size - (place.value + at - range->start));
        }
        Access access{.intent = Intent::Debug};
        return space.write(place, {reinterpret_cast<const std::uint8_t*>(bytes.data()) + done, count},
                           access);
    };
    return for_each_page(index, address, bytes.size(), write) == bytes.size();
}

}  // namespace backplane::gdb
