// A synthetic guest for the engine: its instructions are functions that the test writes, four bytes each (the number of
// the function), its memory is one block of RAM and one device page, its page walk is a function of the test.
#pragma once

#include "plugins/accel/tcg/vcpu.h"
#include "tests/accel/standing_clock.h"

#include <backplane/clock.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

namespace backplane::tcg::testing {

using backplane::testing::StandingClock;

inline constexpr std::uint64_t kRamBase = 0x80000000, kRamSize = 1u << 20, kDevice = 0x10000000;

struct GuestState {
    CpuRunState run;
    std::uint64_t x[32] = {};
    std::uint64_t f[8] = {};
    std::uint64_t pc = 0;
    std::uint64_t field = 0x8877665544332211;
    std::uint64_t status = 2;     ///< the status flags, for a guest that has some
    std::uint8_t v[12][16] = {};  ///< vector registers: their lower halves
    std::uint8_t upper[12][16] = {};
    std::uint32_t flags = 0;
    std::uint32_t exceptions = 0;
    std::uint8_t mode = 0;
    std::uint8_t space = 0;  ///< what the CPU says that it is in
    std::uint64_t fault_address = 0;
    std::uint64_t fault_pc = 0;
    MemoryFaultKind fault_kind{};
    AccessKind fault_access{};
    std::uint64_t handler = 0;
    bool finished = false;
    class Machine* machine = nullptr;
};

/// Registers 0…9 are pinned by any host that has ten to spare; 11…31 are in memory; 32… are floating point, 40… vectors.
constexpr Value X(unsigned n) { return Builder::reg(n); }
constexpr Value F(unsigned n) { return Builder::reg(32 + n); }
constexpr Value V(unsigned n) { return Builder::reg(40 + n); }

enum class Status { Without, With };  ///< flags of the guest

class TestLock final : public MachineLock {
  public:
    void lock() override {
        if (!mutex_.try_lock()) wait();
        owner_ = std::this_thread::get_id();
        ++depth_;
    }
    void unlock() override {
        if (--depth_ == 0) {
            owner_ = std::thread::id();
            ++releases;
        }
        mutex_.unlock();
    }
    bool held() const override { return owner_.load() == std::this_thread::get_id(); }
    void observe_waits(LockWaits* waits) override {
        const std::lock_guard guard(waiters_);
        observers_[std::this_thread::get_id()] = waits;
    }
    /// Until some thread waits for the lock, and its observer has heard of it.
    void await_waiter() {
        std::unique_lock guard(waiters_);
        arrived_.wait(guard, [this] { return waiting_ != 0; });
    }
    std::atomic<unsigned> releases{0};

  private:
    void wait() {
        LockWaits* waits = nullptr;
        {
            const std::lock_guard guard(waiters_);
            waits = observers_[std::this_thread::get_id()];
        }
        if (waits) waits->lock_wait_begins();
        {
            const std::lock_guard guard(waiters_);
            ++waiting_;
        }
        arrived_.notify_all();
        mutex_.lock();
        {
            const std::lock_guard guard(waiters_);
            --waiting_;
        }
        if (waits) waits->lock_wait_ends();
    }

    std::recursive_mutex mutex_;
    std::atomic<std::thread::id> owner_{std::thread::id()};
    int depth_ = 0;
    std::mutex waiters_;
    std::condition_variable arrived_;
    std::map<std::thread::id, LockWaits*> observers_;
    unsigned waiting_ = 0;
};

/// RAM, a device page whose accesses are recorded, a ROM page behind the RAM.
class TestSpace final : public AddressSpace, public IoHandler {
  public:
    explicit TestSpace(std::uint64_t first_page = 100) {
        block_.host = static_cast<std::uint8_t*>(std::aligned_alloc(4096, kRamSize));
        std::memset(block_.host, 0, kRamSize);
        block_.size = kRamSize;
        block_.base_id = first_page;
        block_.page_flags.reset(new std::atomic<std::uint8_t>[kRamSize >> kPageBits] {});
        auto view = std::make_shared<FlatView>();
        view->ranges.push_back({.start = kDevice, .size = 4096, .handler = this});
        view->ranges.push_back(
            {.start = kRamBase, .size = kRamSize - 4096, .block = &block_, .writable = true});
        view->ranges.push_back({.start = kRamBase + kRamSize - 4096,
                                .size = 4096,
                                .block = &block_,
                                .block_offset = kRamSize - 4096});
        view_ = view;
    }
    ~TestSpace() { std::free(block_.host); }

    Str name() const override { return "test"; }
    std::shared_ptr<const FlatView> view() const override { return view_; }
    std::uint64_t load(GuestAddress a, unsigned size, Access& access) override {
        if (a.value - kDevice < 4096) return read(Offset(a.value - kDevice), size, access);
        access.fail();
        return 0;
    }
    void store(GuestAddress a, std::uint64_t value, unsigned size, Access& access) override {
        if (a.value - kDevice < 4096) write(Offset(a.value - kDevice), value, size, access);
        else access.fail();
    }
    std::uint64_t load_io(const FlatRange&, Offset offset, unsigned size, Access& access) override {
        return read(offset, size, access);
    }
    void store_io(const FlatRange&, Offset offset, std::uint64_t value, unsigned size,
                  Access& access) override {
        write(offset, value, size, access);
    }
    bool read(GuestAddress, MutableBytes, Access&) override { return false; }
    bool write(GuestAddress, Bytes, Access&) override { return false; }
    void add_listener(MemoryListener&) override {}
    void remove_listener(MemoryListener&) override {}
    void mark_dirty(RamBlock& block, std::uint64_t offset, std::uint64_t) override {
        dirty.push_back(offset >> kPageBits);
        block.page_flags[offset >> kPageBits].fetch_and(kPageCode);
    }
    void add_code_listener(CodeListener&) override {}
    void remove_code_listener(CodeListener&) override {}

    // ---- the device
    std::uint64_t read(Offset offset, unsigned size, Access& access) override {
        if (offset.value >= 0x800) access.fail();
        log.push_back({offset.value, size, 0});
        return 0xf1f2f3f4f5f6f7f8u + offset.value;
    }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
        if (offset.value >= 0x800) access.fail();
        log.push_back({offset.value, size, value});
    }
    struct Record {
        std::uint64_t offset;
        unsigned size;
        std::uint64_t value;
    };
    std::vector<Record> log;
    std::vector<std::uint64_t> dirty;
    RamBlock& block() { return block_; }
    std::uint8_t* at(std::uint64_t physical) { return block_.host + (physical - kRamBase); }

  private:
    RamBlock block_;
    std::shared_ptr<const FlatView> view_;
};

/// Ports that record their accesses, and that nothing is behind.
class TestPorts final : public AddressSpace {
  public:
    Str name() const override { return "ports"; }
    std::shared_ptr<const FlatView> view() const override { return std::make_shared<FlatView>(); }
    std::uint64_t load(GuestAddress port, unsigned size, Access& access) override {
        log.push_back({port.value, size, 0});
        access.fail();
        return 0;
    }
    void store(GuestAddress port, std::uint64_t value, unsigned size, Access&) override {
        log.push_back({port.value, size, value});
    }
    std::uint64_t load_io(const FlatRange&, Offset, unsigned, Access&) override { return 0; }
    void store_io(const FlatRange&, Offset, std::uint64_t, unsigned, Access&) override {}
    bool read(GuestAddress, MutableBytes, Access&) override { return false; }
    bool write(GuestAddress, Bytes, Access&) override { return false; }
    void add_listener(MemoryListener&) override {}
    void remove_listener(MemoryListener&) override {}
    void mark_dirty(RamBlock&, std::uint64_t, std::uint64_t) override {}
    void add_code_listener(CodeListener&) override {}
    void remove_code_listener(CodeListener&) override {}
    std::vector<TestSpace::Record> log;
};

class TestLog final : public Log {
  public:
    bool enabled(Str category) const override { return std::string(category.view()) == watched; }
    void write(LogLevel, Str, Str message) override { text += message.view(); }
    void guest_error(Str, Str) override {}
    std::string watched, text;
};

class TestContext final : public AcceleratorContext {
  public:
    Object& object() override { std::abort(); }
    Log& log() override { return log_; }
    MachineLock& lock() override { return lock_; }
    Clock& clock() override { return clock_; }
    AddressSpace& system_memory() override { return space; }
    AddressSpace& io_ports() override { return ports; }
    bool cpus_are(Str) override { return true; }
    Str cpu_architecture() override { return ""; }
    Object* create(Str, Str, Errors&) override { return nullptr; }
    void internal_error(Str message) override { failure += message.view(); }
    void* host_interface(Str) override { return nullptr; }
    TestSpace space;
    TestSpace other{100 + (kRamSize >> kPageBits)};  ///< another space of each CPU, of the same form
    TestPorts ports;
    TestLog log_;
    TestLock lock_;
    StandingClock clock_;
    std::string failure;
};

class TestCpu final : public Cpu {
  public:
    explicit TestCpu(TestContext& context) : context_(context) {}
    Str architecture() const override { return "test"; }
    void set_host(const CpuHost&) override {}
    std::uint32_t index() const override { return 0; }
    Object& object() override { std::abort(); }
    void* state() override { return &guest; }
    std::size_t address_space_count() const override { return 2; }
    AddressSpace& address_space(std::size_t number) override {
        return number == 0 ? context_.space : context_.other;
    }
    std::size_t current_address_space() const override { return guest.space; }
    void set_runner(VcpuRunner* r) override { runner = r; }
    bool has_work() const override { return interrupt.load(); }
    std::uint64_t program_counter() const override { return guest.pc; }
    void set_program_counter(std::uint64_t value) override { guest.pc = value; }
    bool powered_off() const override { return false; }
    void dump(TextSink& out) const override { out.append("x5 " + std::to_string(guest.x[5]) + "\n"); }
    bool translate_debug(std::uint64_t, GuestAddress&) override { return false; }

    GuestState guest;
    VcpuRunner* runner = nullptr;
    std::atomic<bool> interrupt{false};

  private:
    TestContext& context_;
};

class TestFrontEnd final : public FrontEnd {
  public:
    using Instruction = std::function<Translated(Builder&, UnitTranslation&)>;
    using Walk = std::function<bool(const FillRequest&, FillAnswer&)>;

    explicit TestFrontEnd(Status status = Status::Without) {
        static const char* const kNames[] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"};
        for (unsigned i = 0; i < 32; ++i)
            registers_.push_back({i < 10 ? kNames[i] : "xn", std::uint32_t(offsetof(GuestState, x) + 8 * i),
                                  RegisterClass::Integer, std::uint8_t(i < 11 ? i + 1 : 0)});
        for (unsigned i = 0; i < 8; ++i)
            registers_.push_back(
                {"fn", std::uint32_t(offsetof(GuestState, f) + 8 * i), RegisterClass::Float, 0});
        for (unsigned i = 0; i < 12; ++i)
            registers_.push_back({"vn", std::uint32_t(offsetof(GuestState, v) + 16 * i),
                                  RegisterClass::Vector, 0,
                                  std::uint32_t(offsetof(GuestState, upper) + 16 * i)});
        description_ = {.name = "test",
                        .state_size = sizeof(GuestState),
                        .pc_offset = offsetof(GuestState, pc),
                        .registers = {registers_.data(), registers_.size()},
                        .instruction_alignment = 2,
                        .max_instruction_size = 4,
                        .mmu_modes = 2,
                        .status_offset =
                            status == Status::With ? std::uint32_t(offsetof(GuestState, status)) : 0};
        instructions.push_back([](Builder& b, UnitTranslation& u) {  // memory of zeros: stop
            b.goto_pc(u.pc);
            return Translated::End;
        });
    }

    const GuestDescription& description() const override { return description_; }
    GuestDescription& describe() { return description_; }
    bool accepts(Cpu&, Errors&) const override { return true; }
    BlockKey key(const void* state) const override {
        const auto& s = *static_cast<const GuestState*>(state);
        return {s.pc, s.flags, s.mode, s.mode};
    }
    Translated translate(Builder& b, UnitTranslation& unit) const override {
        const std::uint32_t number = unit.code->fetch(unit.pc, 4);
        if (unit.code->failed()) return Translated::FetchFailed;
        unit.size = 4;
        ++const_cast<TestFrontEnd*>(this)->translated;
        return instructions[number < instructions.size() ? number : 0](b, unit);
    }
    bool fill(void*, const FillRequest& request, FillAnswer& answer) const override {
        ++const_cast<TestFrontEnd*>(this)->fills;
        if (walk) return walk(request, answer);
        answer = {request.address, true, true, true};
        return true;
    }
    void raise_memory_fault(void* state, const MemoryFault& fault) const override {
        auto& s = *static_cast<GuestState*>(state);
        s.fault_pc = s.pc;
        s.fault_address = fault.address;
        s.fault_kind = fault.kind;
        s.fault_access = fault.access;
        s.pc = s.handler;
    }
    bool take_interrupt(void* state) const override {
        return interrupt && interrupt(*static_cast<GuestState*>(state));
    }
    unsigned disassemble(std::uint64_t, Bytes, TextSink& out) const override {
        out.append("test");
        return 4;
    }
    FpRounding fp_rounding(const void*) const override { return FpRounding::NearestEven; }
    void add_fp_exceptions(void* state, std::uint32_t exceptions) const override {
        static_cast<GuestState*>(state)->exceptions |= exceptions;
    }

    std::optional<std::uint32_t> fp_mode(const void*) const override { return mode; }
    void keep_fp_mode(void*, std::uint32_t word) const override {
        const_cast<TestFrontEnd*>(this)->mode = word;
    }

    std::optional<std::uint32_t>
        mode;  ///< the whole floating-point word, for a guest with native instructions
    std::vector<Instruction> instructions;
    Walk walk;
    std::function<bool(GuestState&)> interrupt;
    std::atomic<unsigned> translated{0}, fills{0};

  private:
    std::vector<GuestRegister> registers_;
    GuestDescription description_;
};

/// One machine with one or more vCPUs that run what the test assembles.
class Machine {
  public:
    explicit Machine(unsigned cpus = 1, const VcpuOptions& options = {.code_size = 4u << 20},
                     Status status = Status::Without)
        : front_end(status) {
        struct Fail final : Errors {
            void fail(Str message) override {
                std::fprintf(stderr, "%.*s\n", int(message.size), message.data);
            }
        } errors;
        for (unsigned i = 0; i < cpus; ++i) {
            this->cpus.push_back(std::make_unique<TestCpu>(context));
            this->cpus.back()->guest.machine = this;
            vcpus.push_back(TcgVcpu::create(context, *this->cpus.back(), front_end, pages, options, errors));
        }
        define([](Builder& b, UnitTranslation&) {
            b.call({}, &Machine::finish, "finish", helper::kAll, {});
            b.leave(LeaveKind::Interrupts);
            return Translated::End;
        });
    }
    ~Machine() { vcpus.clear(); }

    GuestState& guest(unsigned cpu = 0) { return cpus[cpu]->guest; }
    TestSpace& space() { return context.space; }
    TestSpace& other_space() { return context.other; }

    /// The number of a new instruction.
    std::uint32_t define(TestFrontEnd::Instruction instruction) {
        front_end.instructions.push_back(std::move(instruction));
        return std::uint32_t(front_end.instructions.size() - 1);
    }
    /// An instruction that goes on behind itself.
    std::uint32_t plain(std::function<void(Builder&)> emit) {
        return define([emit](Builder& b, UnitTranslation&) {
            emit(b);
            return Translated::Next;
        });
    }
    std::uint32_t jump(std::uint64_t target) {
        return define([target](Builder& b, UnitTranslation&) {
            b.goto_pc(target);
            return Translated::End;
        });
    }
    static constexpr std::uint32_t kFinish = 1;

    void place(std::uint64_t physical, std::initializer_list<std::uint32_t> words) {
        for (std::uint32_t word : words) {
            std::memcpy(space().at(physical), &word, 4);
            physical += 4;
        }
    }
    /// Runs all CPUs until each finished.
    void run() {
        for (auto& c : cpus) c->guest.run.halted = c->guest.finished = false;
        left_ = unsigned(cpus.size());
        start();
        std::unique_lock guard(mutex_);
        done_.wait(guard, [this] { return left_ == 0; });
        guard.unlock();
        stop();
    }
    /// Assembles a program at the start of RAM, runs it on CPU 0.
    void run(std::initializer_list<std::uint32_t> words) {
        place(kRamBase, words);
        place(kRamBase + 4 * words.size(), {kFinish});
        guest().pc = kRamBase;
        for (auto& v : vcpus) {
            v->state_changed();
        }
        forget();
        run();
    }
    void start() {
        for (auto& v : vcpus) v->start();
    }
    void stop() {
        for (auto& v : vcpus) v->request_stop();
        for (auto& v : vcpus) v->wait_stopped();
    }
    /// As if something else had written all RAM.
    void forget() { pages.written(space().block(), 0, kRamSize, nullptr); }

    static std::uint64_t finish(void* state) {
        auto& s = *static_cast<GuestState*>(state);
        s.run.halted = 1;
        std::lock_guard guard(s.machine->mutex_);
        if (!std::exchange(s.finished, true)) --s.machine->left_;  // work may wake it before it is stopped
        s.machine->done_.notify_all();
        return 0;
    }

    TestContext context;
    TestFrontEnd front_end;
    CodePages pages;
    std::vector<std::unique_ptr<TestCpu>> cpus;
    std::vector<std::unique_ptr<TcgVcpu>> vcpus;

  private:
    std::mutex mutex_;
    std::condition_variable done_;
    unsigned left_ = 0;
};

}  // namespace backplane::tcg::testing
