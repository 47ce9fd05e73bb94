#include "translated.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace backplane::x86::testing {

namespace {

constexpr std::uint64_t kPage = 4096, kPresent = 1, kWritable = 2, kUserPage = 4, kHandlerCount = 32;
constexpr std::uint8_t kHlt = 0xf4;

struct Abort final : Errors {
    void fail(Str message) override {
        std::fprintf(stderr, "%.*s\n", int(message.size), message.data);
        std::abort();
    }
};

}  // namespace

TranslatedCpu::TranslatedCpu(bool one_instruction) {
    make_system();
    own_.cpu = this;
    own_.processor = &processor_;
    own_.templates = &TestCpu::templates();
    guest.executor = &own_;
    set_mxcsr_of(guest, kMxcsrMasks);
    constexpr std::uint16_t kControlWord = 0x37f;  // as after FNINIT
    std::memcpy(guest.xsave, &kControlWord, sizeof kControlWord);
    Abort errors;
    const tcg::VcpuOptions options{.code_size = 8u << 20, .one_instruction = one_instruction};
    vcpu_ = tcg::TcgVcpu::create(context_, *this, front_end_, pages_, options, errors);
}

/// Four levels of tables (SDM 3A, 4.5): one each of the first three, and a last one for each 2 MiB.
void TranslatedCpu::map(std::uint64_t address, std::uint64_t offset, std::uint64_t pages, bool user) {
    using tcg::testing::kRamBase;
    constexpr std::uint64_t kRights = kPresent | kWritable | kUserPage;
    const std::uint64_t directory = kTables + 2 * kPage + (address >> 21 & 511) * 8;
    put(kTables, (kRamBase + kTables + kPage) | kRights);
    put(kTables + kPage, (kRamBase + kTables + 2 * kPage) | kRights);
    if (!get(directory)) put(directory, (kRamBase + kTables + kPage * tables_++) | kRights);
    const std::uint64_t table = (get(directory) & ~(kPage - 1)) - kRamBase;
    for (std::uint64_t n = 0; n < pages; ++n)
        put(table + ((address >> 12 & 511) + n) * 8,
            (kRamBase + offset + n * kPage) | (user ? kRights : kPresent | kWritable));
}

void TranslatedCpu::make_system() {
    map(0, kSystem, 8, false);
    map(kCode, kCodeAt, kCodePages, true);
    map(kMemoryBase, kMemory, kMemorySize / kPage, true);
    constexpr std::uint64_t kCodeSelector = 8, kGate = 0x8e, kFirstStack = 1;
    for (std::uint64_t n = 0; n < kHandlerCount; ++n) {
        const std::uint64_t handler = kHandlers + n * kHandlerSize;
        put(kSystem + kIdt + 16 * n,
            (handler & 0xffff) | kCodeSelector << 16 | kFirstStack << 32 | kGate << 40);
        *at(kSystem + handler) = kHlt;
    }
    put(kSystem + kGdt + kCodeSelector, 0x00209b0000000000);
    put(kSystem + kTask + 36, kStack);  // IST1
    guest.gdt = {kGdt, 0xffff};
    guest.idt = {kIdt, 16 * kHandlerCount - 1};
    guest.task = {kTask, 0x67, 0x40, 0x8b};
    guest.cr3 = tcg::testing::kRamBase + kTables;
}

void TranslatedCpu::set_code(std::uint64_t pc, const std::uint8_t* code, unsigned length) {
    const std::uint64_t offset = kCodeAt + pc - kCode;
    std::memcpy(at(offset), code, length);
    *at(offset + length) = kHlt;
    end_ = pc + length;
    pages_.written(context_.space.block(), offset & ~(kPage - 1), 2 * kPage, nullptr);
}

bool TranslatedCpu::has_work() const {
    if (guest.run.halted.load()) {
        const std::lock_guard guard(mutex_);
        has_halted_ = true;
        halted_.notify_all();
    }
    return false;
}

void TranslatedCpu::ask(Vector vector) {
    processor_.interrupt = int(vector);
    guest.requests = request::kInterrupt;
}

std::optional<Vector> TranslatedCpu::run(unsigned privilege) {
    guest.cr0 = cr0::kPe | cr0::kPg | cr0::kMp | cr0::kNe | cr0::kWp;
    guest.cr4 = cr4::kPae | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave | more_cr4;
    guest.efer = efer::kLma | efer::kLme | efer::kSce | efer::kNxe;
    guest.xcr0 = 7;
    const auto level = std::uint16_t(privilege);
    const std::uint32_t attributes = privilege << Segment::kDplShift;
    for (unsigned n = 0; n < kSegmentCount; ++n) {
        const std::uint64_t base = n >= kFs ? guest.segments[n].base : 0;
        guest.segments[n] = {base, 0xffffffff, std::uint16_t(0x28 | level), 0xc093 | attributes};
    }
    guest.segments[kCs] = {0, 0xffffffff, std::uint16_t(0x30 | level), 0xa09b | attributes};
    guest.activity = Activity::Running;
    guest.run.halted = 0;
    has_halted_ = false;
    vcpu_->state_changed();
    vcpu_->start();
    {
        std::unique_lock guard(mutex_);
        if (!halted_.wait_for(guard, std::chrono::seconds(60), [this] { return has_halted_; })) {
            std::fprintf(stderr, "translated code does not come to its end\n");
            std::abort();
        }
    }
    vcpu_->request_stop();
    vcpu_->wait_stopped();
    if (guest.pc == end_ + 1) {  // the kernel's own HLT
        guest.pc = end_;
        return std::nullopt;
    }
    // What the handler was given (SDM 3A, figure 6-9): HLT is no user's instruction either.
    const auto vector = unsigned((guest.pc - kHandlers) / kHandlerSize);
    const std::uint64_t frame = kSystem + kStack - 40;
    guest.pc = get(frame);
    guest.rflags = get(frame + 16) & ~rflags::kResume;
    guest.gpr[kRsp] = get(frame + 24);
    if (vector == unsigned(Vector::GeneralProtection) && guest.pc == end_) return std::nullopt;
    return Vector(vector);
}

bool TranslatedCpu::halts(std::chrono::microseconds longest) {
    std::unique_lock guard(mutex_);
    return halted_.wait_for(guard, longest, [this] { return has_halted_; });
}

void TranslatedCpu::begin() {
    has_halted_ = false;
    vcpu_->state_changed();
    vcpu_->start();
}

void TranslatedCpu::end() {
    vcpu_->request_stop();
    vcpu_->wait_stopped();
}

std::string TranslatedCpu::host_code(std::uint64_t pc) {
    context_.log_.watched = "out_asm";
    context_.log_.text.clear();
    guest.pc = pc;
    guest.rflags = rflags::kOne;
    run();
    context_.log_.watched.clear();
    const std::string& text = context_.log_.text;
    const std::size_t start = text.find("  0x");
    return start == std::string::npos ? "" : text.substr(start, text.find("  -- rarely run") - start);
}

}  // namespace backplane::x86::testing
