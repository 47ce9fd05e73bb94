// `info registers` of a hart, in the layout that QEMU's users and scripts know.
#include "riscv_cpu.h"

#include <cinttypes>
#include <cstdio>

namespace backplane::riscv {

namespace {

// Volume I, chapter 25: the ABI's names.
constexpr const char* kIntegerLabels[32] = {
    "x0/zero", "x1/ra",  "x2/sp",   "x3/gp",   "x4/tp",  "x5/t0",  "x6/t1",  "x7/t2",
    "x8/s0",   "x9/s1",  "x10/a0",  "x11/a1",  "x12/a2", "x13/a3", "x14/a4", "x15/a5",
    "x16/a6",  "x17/a7", "x18/s2",  "x19/s3",  "x20/s4", "x21/s5", "x22/s6", "x23/s7",
    "x24/s8",  "x25/s9", "x26/s10", "x27/s11", "x28/t3", "x29/t4", "x30/t5", "x31/t6"};
constexpr const char* kFloatLabels[32] = {
    "f0/ft0",  "f1/ft1",  "f2/ft2",   "f3/ft3",   "f4/ft4",  "f5/ft5",  "f6/ft6",   "f7/ft7",
    "f8/fs0",  "f9/fs1",  "f10/fa0",  "f11/fa1",  "f12/fa2", "f13/fa3", "f14/fa4",  "f15/fa5",
    "f16/fa6", "f17/fa7", "f18/fs2",  "f19/fs3",  "f20/fs4", "f21/fs5", "f22/fs6",  "f23/fs7",
    "f24/fs8", "f25/fs9", "f26/fs10", "f27/fs11", "f28/ft8", "f29/ft9", "f30/ft10", "f31/ft11"};

void line(TextSink& out, const char* name, std::uint64_t value) {
    char text[64];
    std::snprintf(text, sizeof text, " %-8s %016" PRIx64 "\n", name, value);
    out.append(text);
}

void table(TextSink& out, const char* const (&names)[32], const std::uint64_t (&values)[32]) {
    for (unsigned i = 0; i < 32; ++i) {
        char text[64];
        std::snprintf(text, sizeof text, " %-8s %016" PRIx64 "%s", names[i], values[i],
                      i % 4 == 3 ? "\n" : "");
        out.append(text);
    }
}

}  // namespace

void RiscvCpu::dump(TextSink& out) const {
    const HartState& s = state_;
    line(out, "pc", s.pc);
    line(out, "mhartid", s.mhartid);
    line(out, "mstatus", s.mstatus | ((s.mstatus & mstatus::kFs) == mstatus::kFs ? mstatus::kSd : 0));
    line(out, "mip", s.pending());
    line(out, "mie", s.mie.load());
    line(out, "mideleg", s.mideleg);
    line(out, "medeleg", s.medeleg);
    line(out, "mtvec", s.mtvec);
    if (s.has(Extension::S)) line(out, "stvec", s.stvec);
    line(out, "mepc", s.mepc);
    if (s.has(Extension::S)) line(out, "sepc", s.sepc);
    line(out, "mcause", s.mcause);
    if (s.has(Extension::S)) line(out, "scause", s.scause);
    line(out, "mtval", s.mtval);
    if (s.has(Extension::S)) line(out, "stval", s.stval);
    line(out, "mscratch", s.mscratch);
    if (s.has(Extension::S)) {
        line(out, "sscratch", s.sscratch);
        line(out, "satp", s.satp);
    }
    table(out, kIntegerLabels, s.x);
    if (s.has(Extension::F)) table(out, kFloatLabels, s.f);
}

}  // namespace backplane::riscv
