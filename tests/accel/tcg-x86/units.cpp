#include "units.h"

#include <cstdio>
#include <thread>

namespace backplane::x86::testing {

namespace {

// Where the kernel sees its own (SDM 3A 4.5, 6.14 and 7.7 have the forms).
constexpr std::uint64_t kKernel = 0x200000, kIdt = kKernel, kGdt = kKernel + 0x1000, kTss = kGdt + 0x100,
                        kEntries = kKernel + 0x2000, kStack = kKernel + 0x4000;
constexpr std::uint16_t kKernelCode = 0x08, kTask = 0x38;
constexpr unsigned kEntrySize = 16;
constexpr std::uint64_t kPresentWritable = 3, kForUser = 4;

bool pushes_error(std::uint8_t vector) {
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

}  // namespace

Units::Units(bool one_instruction) {
    struct Fail final : Errors {
        void fail(Str message) override {
            std::fprintf(stderr, "%.*s\n", int(message.size), message.data);
            std::abort();
        }
    } errors;
    own_.cpu = &cpu_;
    own_.processor = &processor_;
    own_.templates = &templates_;
    cpu_.guest.executor = &own_;
    make_tables();
    make_kernel();
    const tcg::VcpuOptions options{.code_size = 4u << 20, .one_instruction = one_instruction};
    vcpu_ = tcg::TcgVcpu::create(context_, cpu_, front_end_, pages_, options, errors);
}

Units::~Units() = default;

/// One table of each level: the kernel's pages, the code's and the memory's below 1 GiB.
void Units::make_tables() {
    constexpr std::uint64_t kDirectory = kTables + 0x2000;
    put(kTables, (kTables + 0x1000) | kPresentWritable | kForUser);
    put(kTables + 0x1000, kDirectory | kPresentWritable | kForUser);
    const struct {
        std::uint64_t address, physical;
        unsigned pages;
        std::uint64_t rights;
    } stretches[] = {{kKernel, kSystem, 4, kPresentWritable},
                     {kCode, kCodePages, 16, kPresentWritable | kForUser},
                     {kMemoryBase, kMemory, kMemorySize >> 12, kPresentWritable | kForUser}};
    std::uint64_t table = kTables + 0x3000;
    for (const auto& stretch : stretches) {
        put(kDirectory + (stretch.address >> 21) * 8, table | kPresentWritable | kForUser);
        for (std::uint64_t page = 0; page < stretch.pages; ++page)
            put(table + page * 8, (stretch.physical + (page << 12)) | stretch.rights);
        table += 0x1000;
    }
}

/// Every vector is an interrupt gate that users may call, to an entry that halts.
void Units::make_kernel() {
    const auto at = [](std::uint64_t address) { return kSystem + (address - kKernel); };
    for (std::uint64_t vector = 0; vector < 256; ++vector) {
        const std::uint64_t entry = kEntries + kEntrySize * vector;
        put(at(kIdt) + 16 * vector, (entry & 0xffff) | std::uint64_t{kKernelCode} << 16 |
                                        std::uint64_t{0xee00} << 32 | (entry >> 16) << 48);
        put(at(kIdt) + 16 * vector + 8, entry >> 32);
        put(at(entry), std::uint32_t{0x90fdebf4});  // hlt; jmp to it
    }
    put(at(kGdt) + kKernelCode, std::uint64_t{0x00af9b000000ffff});
    put(at(kTss) + 4, kStack);
}

void Units::place(std::span<const std::uint8_t> code) {
    const std::uint8_t end[] = {0xcd, kEnd};
    std::memcpy(context_.space.at(kCodePages), code.data(), code.size());
    std::memcpy(context_.space.at(kCodePages) + code.size(), end, sizeof end);
    pages_.written(context_.space.block(), kCodePages - tcg::testing::kRamBase, code.size() + sizeof end,
                   nullptr);
}

Units::End Units::run() {
    X86State& s = cpu_.guest;
    s.cr0 = cr0::kPe | cr0::kPg | cr0::kMp | cr0::kNe | cr0::kWp;
    s.cr3 = kTables;
    s.cr4 = cr4::kPae | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave;
    s.efer = efer::kLma | efer::kLme | efer::kSce;
    s.xcr0 = 7;
    for (Segment& segment : s.segments) segment = {0, 0xffffffff, 0x2b, 0xc0f3};
    s.segments[kCs] = {0, 0xffffffff, 0x33, 0xa0fb};
    s.gdt = {kGdt, 0xff};
    s.idt = {kIdt, 0xfff};
    s.task = {kTss, 0x67, kTask, 0x8b};
    s.pc = kCode;
    s.run.halted = 0;
    vcpu_->state_changed();
    vcpu_->start();
    while (!s.run.halted.load()) std::this_thread::yield();
    vcpu_->request_stop();
    vcpu_->wait_stopped();

    End end;
    end.vector = std::uint8_t((s.pc - kEntries) / kEntrySize);
    std::uint64_t frame[5];  // RIP, CS, RFLAGS, RSP, SS
    const std::uint64_t sp = s.gpr[kRsp] + (pushes_error(end.vector) ? 8 : 0);
    std::memcpy(frame, context_.space.at(kSystem + (sp - kKernel)), sizeof frame);
    end.offset = frame[0] - kCode;
    end.flags = frame[2];
    end.sp = frame[3];
    return end;
}

}  // namespace backplane::x86::testing
