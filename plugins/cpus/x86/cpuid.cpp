#include "cpuid.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace backplane::x86 {

namespace {

// Bits of XCR0 and IA32_XSS (SDM 1, 13.1).
constexpr std::uint64_t kX87 = 1u << 0, kSse = 1u << 1, kAvx = 1u << 2, kMpx = 3u << 3, kAvx512 = 7u << 5;
constexpr std::uint64_t kPkru = 1u << 9, kTiles = 3u << 17, kApx = 1u << 19;
constexpr std::uint64_t kSupervisor = 1u << 8 | 0x1fu << 10 | 1u << 15;
constexpr unsigned kFirstExtended = 2;

constexpr std::string_view kAmd = "AuthenticAMD";

constexpr std::uint32_t kParavirtual = 0x40000000;
constexpr std::uint32_t kParavirtualBehind = 0x40000100;  ///< where another interface is at the first
constexpr std::uint32_t kExtended = 0x80000000;
constexpr std::uint32_t kCentaur = 0xc0000000;
constexpr std::uint32_t kNodes = 0x8000001e;

/// The caches of models that have no own: those of early virtual processors.
constexpr Caches kIntelCaches{{0x121, 0x01c0003f, 0x3f, 1},
                              {0x122, 0x01c0003f, 0x3f, 1},
                              {0x143, 0x03c0003f, 0xfff, 1},
                              {0x163, 0x03c0003f, 0x3fff, 6}};
constexpr Caches kAmdCaches{{0x121, 0x0040003f, 0x1ff, 1},
                            {0x122, 0x0040003f, 0x1ff, 1},
                            {0x43, 0x03c0003f, 0x1ff, 0},
                            {0x163, 0x03c0003f, 0x3fff, 2}};

struct Geometry {
    std::uint32_t line, ways, bytes;
};
Geometry geometry(const CpuidRegisters& cache) {
    const std::uint32_t line = (cache.ebx & 0xfff) + 1, partitions = (cache.ebx >> 12 & 0x3ff) + 1;
    const std::uint32_t ways = (cache.ebx >> 22) + 1;
    return {line, ways, line * partitions * ways * (cache.ecx + 1)};
}

/// APM 3, table E-4.
std::uint32_t associativity(std::uint32_t ways) {
    switch (ways) {
    case 1: return 1;
    case 2: return 2;
    case 4: return 4;
    case 8: return 6;
    case 16: return 8;
    case 32: return 0xa;
    case 48: return 0xb;
    case 64: return 0xc;
    case 96: return 0xd;
    case 128: return 0xe;
    default: return 0;
    }
}

/// Leaf 2's byte for a cache (SDM 2A, table 3-12); ffh: it has none.
std::uint32_t descriptor(const CpuidRegisters& cache) {
    struct Row {
        std::uint32_t kind, kibibytes, ways, byte;
    };
    constexpr std::uint32_t kNone = 0xff;
    constexpr Row kRows[] = {{0x21, 32, 8, 0x2c},    {0x22, 32, 8, 0x30},    {0x43, 256, 8, 0x21},
                             {0x43, 512, 8, 0x80},   {0x43, 1024, 8, 0x87},  {0x43, 1024, 16, 0x24},
                             {0x43, 2048, 8, 0x7d},  {0x43, 4096, 16, 0x49}, {0x63, 8192, 16, 0x4b},
                             {0x63, 16384, 16, 0x4d}};
    const Geometry g = geometry(cache);
    for (const Row& row : kRows)
        if (row.kind == (cache.eax & 0xff) && row.kibibytes == g.bytes / 1024 && row.ways == g.ways)
            return row.byte;
    return kNone;
}

std::uint32_t text(std::string_view from, std::size_t at) {
    char bytes[4] = {};
    for (std::size_t i = 0; i < 4 && at + i < from.size(); ++i) bytes[i] = from[at + i];
    std::uint32_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

unsigned bits_for(std::uint32_t count) { return unsigned(std::bit_width(count - 1)); }

}  // namespace

Cpuid::Cpuid(const X86Cpu& cpu, const ProcessorSupport& support)
    : cpu_(cpu), support_(support), vendor_(cpu.vendor()), model_id_(cpu.model_id()) {
    for (unsigned i = kFirstExtended; i < std::size(components_); ++i) {
        const CpuidRegisters row = support.cpuid(0xd, i);
        components_[i] = {row.eax, row.ebx, (row.ecx & 1) != 0, (row.ecx & 2) != 0};
    }
}

bool Cpuid::amd() const { return vendor_ == kAmd || vendor_ == "HygonGenuine"; }

bool Cpuid::shows_amd_leaves() const { return amd() || !cpu_.settings_.vendor_leaves_only_v2; }

// --- how much there is ---

std::uint32_t Cpuid::level() const {
    if (cpu_.settings_.level) return *cpu_.settings_.level;
    std::uint32_t highest = cpu_.model().level;
    for (std::size_t i = 0; i < kWordCount; ++i)
        if (!kWords[i].msr && kWords[i].leaf < kParavirtual && cpu_.features_.words[i] != 0)
            highest = std::max(highest, kWords[i].leaf);
    if (has_leaf_1f()) highest = std::max(highest, 0x1fu);
    return highest;
}

std::uint32_t Cpuid::xlevel() const {
    if (cpu_.settings_.xlevel) return *cpu_.settings_.xlevel;
    std::uint32_t highest = cpu_.model().xlevel;
    for (std::size_t i = 0; i < kWordCount; ++i)
        if (kWords[i].leaf >= kExtended && kWords[i].leaf < kCentaur && cpu_.features_.words[i] != 0)
            highest = std::max(highest, kWords[i].leaf);
    if (has(feature<"topoext">())) highest = std::max(highest, kNodes);
    return highest;
}

std::uint32_t Cpuid::level7() const {
    if (cpu_.settings_.level7) return *cpu_.settings_.level7;
    std::uint32_t highest = cpu_.model().level7;
    if (word(Word::Leaf7_1Eax) | word(Word::Leaf7_1Ecx) | word(Word::Leaf7_1Edx))
        highest = std::max(highest, 1u);
    if (word(Word::Leaf7_2Edx)) highest = std::max(highest, 2u);
    return highest;
}

std::vector<CpuidEntry> Cpuid::entries() const {
    std::vector<CpuidEntry> all;
    const auto add = [&](std::uint32_t leaf, std::uint32_t subleaf, bool indexed,
                         const CpuidRegisters& value) {
        if (indexed && subleaf != 0 && value == CpuidRegisters{}) return;
        all.push_back({leaf, subleaf, indexed, value});
    };
    const auto subleaves = [](std::uint32_t leaf) -> std::uint32_t {
        switch (leaf) {
        case 4: return 4;
        case 7: return 3;
        case 0xb: return 4;
        case 0xd: return 64;
        case 0x1d: return 2;
        case 0x1e: return 2;
        case 0x1f: return 6;
        case 0x24: return 2;
        case 0x8000001d: return 4;
        default: return 0;
        }
    };
    const auto range = [&](std::uint32_t first, std::uint32_t last, auto value_of) {
        for (std::uint32_t leaf = first; leaf <= last; ++leaf) {
            const std::uint32_t count = subleaves(leaf);
            for (std::uint32_t i = 0; i < std::max(count, 1u); ++i)
                add(leaf, i, count != 0, value_of(leaf, i));
        }
    };
    range(0, level(), [&](auto leaf, auto i) { return basic(leaf, i); });
    const HypervLeaves& hyperv = cpu_.hyperv_;
    if (hyperv.shown())
        range(HypervLeaves::kFirst, hyperv.last(), [&](auto leaf, auto) { return hyperv.leaf(leaf); });
    if (cpu_.settings_.paravirtual_leaf && support_.paravirtual_signature().size == 12) {
        const std::uint32_t first = hyperv.shown() ? kParavirtualBehind : kParavirtual;
        range(first, first + 1, [&](auto leaf, auto) { return paravirtual(leaf, first); });
    }
    if (xlevel() >= kExtended)
        range(kExtended, xlevel(), [&](auto leaf, auto i) { return extended(leaf, i); });
    const std::uint32_t xlevel2 = cpu_.settings_.xlevel2.value_or(
        word(Word::Leafc0000001Edx) ? std::max(cpu_.model().xlevel2, kCentaur + 1) : cpu_.model().xlevel2);
    for (std::uint32_t leaf = kCentaur; leaf <= xlevel2 && leaf <= kCentaur + 4; ++leaf)
        add(leaf, 0, false,
            {leaf == kCentaur       ? xlevel2
             : leaf == kCentaur + 1 ? cpu_.signature()
                                    : 0,
             0, 0, leaf == kCentaur + 1 ? word(Word::Leafc0000001Edx) : 0});
    return all;
}

// --- where it sits ---

bool Cpuid::has_leaf_1f() const {
    const Settings& s = cpu_.settings_;
    return cpu_.model().leaf_1f || s.shows_leaf_1f || (!amd() && (s.dies > 1 || s.modules > 1));
}

std::uint32_t Cpuid::package_processors() const {
    const Settings& s = cpu_.settings_;
    return s.threads * s.cores * s.modules * s.dies;
}
unsigned Cpuid::thread_bits() const { return bits_for(cpu_.settings_.threads); }
unsigned Cpuid::module_bits() const { return thread_bits() + bits_for(cpu_.settings_.cores); }
unsigned Cpuid::die_bits() const { return module_bits() + bits_for(cpu_.settings_.modules); }
unsigned Cpuid::package_bits() const { return die_bits() + bits_for(cpu_.settings_.dies); }

/// Leaves 0xb and 0x1f: a row for each level, from the innermost; what a level without a row has is in the one below.
CpuidRegisters Cpuid::topology(std::uint32_t subleaf, bool all_levels) const {
    enum Type : std::uint32_t { kThread = 1, kCore = 2, kModule = 3, kDie = 5 };
    struct Level {
        Type type;
        unsigned bits;
        std::uint32_t processors;
    };
    const Settings& s = cpu_.settings_;
    const std::uint32_t module = s.threads * s.cores, die = module * s.modules;
    std::vector<Level> levels{{kThread, thread_bits(), s.threads}, {kCore, module_bits(), module}};
    if (all_levels && s.modules > 1) levels.push_back({kModule, die_bits(), die});
    if (all_levels && s.dies > 1) levels.push_back({kDie, package_bits(), package_processors()});
    levels.back().bits = package_bits();
    levels.back().processors = package_processors();
    if (subleaf >= levels.size()) return {0, 0, subleaf, cpu_.apic_id()};
    const Level& level = levels[subleaf];
    return {level.bits, level.processors, std::uint32_t{level.type} << 8 | subleaf, cpu_.apic_id()};
}

// --- basic leaves ---

CpuidRegisters Cpuid::basic(std::uint32_t leaf, std::uint32_t subleaf) const {
    const X86Cpu& cpu = cpu_;
    switch (leaf) {
    case 0: return {level(), text(vendor_, 0), text(vendor_, 8), text(vendor_, 4)};
    case 1: return version();
    case 2: return descriptors();
    case 4:
        return vendor_ == kAmd && cpu.settings_.vendor_leaves_only ? CpuidRegisters{} : cache(subleaf, false);
    case 5: return {0, 0, 3, 0};
    case 6: return {word(Word::Leaf6Eax), 0, 0, 0};
    case 7: return features7(subleaf);
    case 0xb: return cpu.settings_.topology_leaf ? topology(subleaf, false) : CpuidRegisters{};
    case 0xd: return xsave(subleaf);
    case 0x1d:
    case 0x1e: return tiles(leaf, subleaf);
    case 0x1f: return has_leaf_1f() ? topology(subleaf, true) : CpuidRegisters{};
    case 0x24:
        if (!has(feature<"avx10">())) return {};
        if (subleaf == 1) return {0, 0, word(Word::Leaf24_1Ecx), 0};
        return {0, word(Word::Leaf24_0Ebx) | cpu.model().avx10_version, 0, 0};
    default: return {};
    }
}

/// SDM 2A, table 3-12; or leaf 4 has the caches.
CpuidRegisters Cpuid::descriptors() const {
    constexpr std::uint32_t kCacheLeaf = 4, kSeeLeaf4 = 0xff;
    const Settings& s = cpu_.settings_;
    if (vendor_ == kAmd && s.vendor_leaves_only) return {};
    if (s.consistent_cache && level() >= kCacheLeaf) return {1, 0, 0, kSeeLeaf4};
    // 32 KiB and 32 KiB of level 1, 2 MiB, 16 MiB.
    CpuidRegisters value{1, 0, 0x4d, 0x002c307d};
    if (own_caches()) {
        const Caches& own = *cpu_.model().caches;
        value.edx = descriptor(own.data) << 16 | descriptor(own.instructions) << 8 | descriptor(own.level2);
        value.ecx = descriptor(own.level3);
    }
    if (!s.l3_cache) value.ecx = 0;
    return value;
}

CpuidRegisters Cpuid::version() const {
    constexpr std::uint32_t kFlushLine = 8;  ///< in 8 bytes
    constexpr std::uint32_t kHtt = 1u << 28;
    CpuidRegisters value{cpu_.signature(), kFlushLine << 8 | cpu_.apic_id() << 24, word(Word::Leaf1Ecx),
                         word(Word::Leaf1Edx)};
    if (const std::uint32_t processors = package_processors(); processors > 1) {
        // SDM 2A, CPUID leaf 1: ids that are set aside, a power of two; AMD counts processors (APM 3, E.3.2).
        value.ebx |= std::min(amd() ? processors : std::bit_ceil(processors), 255u) << 16;
        value.edx |= kHtt;
    }
    return value;
}

/// `amd_leaves`: those of them that show what models without caches of their own are said to have.
const Caches& Cpuid::caches(bool amd_leaves) const {
    if (own_caches()) return *cpu_.model().caches;
    return amd_leaves ? kAmdCaches : kIntelCaches;
}

/// Leaf 4, and AMD's 0x8000001d in the same form: level 1 and 2 are a core's, level 3 is a die's.
CpuidRegisters Cpuid::cache(std::uint32_t subleaf, bool extended) const {
    const Caches& caches = this->caches(extended);
    const CpuidRegisters* all[] = {&caches.data, &caches.instructions, &caches.level2, &caches.level3};
    if (subleaf >= std::size(all) || (subleaf == 3 && !cpu_.settings_.l3_cache)) return {};
    CpuidRegisters value = *all[subleaf];
    const bool apart = subleaf < 2 && !extended && !cpu_.settings_.level1_per_core;
    const unsigned shared_bits = subleaf == 3                              ? die_bits()
                                 : subleaf == 2 && caches.level2_of_module ? module_bits()
                                 : apart                                   ? 0
                                                                           : thread_bits();
    value.eax |= ((1u << shared_bits) - 1) << 14;
    constexpr std::uint32_t kDefined = 3;  // APM 3, E.4.15: write-back invalidate, inclusive
    if (!extended) value.eax |= ((1u << (package_bits() - thread_bits())) - 1) << 26;
    else if (cpu_.settings_.defined_cache_bits_only) value.edx &= kDefined;
    return value;
}

CpuidRegisters Cpuid::features7(std::uint32_t subleaf) const {
    switch (subleaf) {
    case 0: return {level7(), word(Word::Leaf7_0Ebx), word(Word::Leaf7_0Ecx), word(Word::Leaf7_0Edx)};
    case 1: return {word(Word::Leaf7_1Eax), 0, word(Word::Leaf7_1Ecx), word(Word::Leaf7_1Edx)};
    default: return {0, 0, 0, word(Word::Leaf7_2Edx)};
    }
}

// --- the XSAVE area ---

std::uint64_t Cpuid::components() const {
    if (!has(feature<"xsave">())) return 0;
    std::uint64_t all = kX87 | kSse;
    const auto add = [&](const Feature& feature, std::uint64_t bits) {
        if (has(feature)) all |= bits;
    };
    add(feature<"avx">(), kAvx);
    add(feature<"mpx">(), kMpx);
    add(feature<"avx512f">(), kAvx512);
    add(feature<"pku">(), kPkru);
    add(feature<"amx-tile">(), kTiles);
    add(feature<"apxf">(), kApx);
    const CpuidRegisters host = support_.cpuid(0xd, 0);
    return all & (std::uint64_t(host.edx) << 32 | host.eax);
}

std::uint32_t Cpuid::area(std::uint64_t mask, bool compacted) const {
    constexpr std::uint32_t kAlign = 64;
    std::uint32_t end = kXsaveMinimum;
    for (unsigned i = kFirstExtended; i < std::size(components_); ++i) {
        if (!(mask >> i & 1)) continue;
        const Component& component = components_[i];
        if (!compacted) end = std::max(end, component.offset + component.size);
        else end = (component.aligned ? (end + kAlign - 1) / kAlign * kAlign : end) + component.size;
    }
    return end;
}

std::uint32_t Cpuid::xsave_size() const {
    return components() ? area(components(), false) : std::uint32_t(kXsaveLegacySize);
}

CpuidRegisters Cpuid::xsave(std::uint32_t subleaf) const {
    const std::uint64_t all = components();
    if (all == 0) return {};
    if (subleaf == 0)
        return {std::uint32_t(all), area(kX87 | kSse, false), area(all, false), std::uint32_t(all >> 32)};
    if (subleaf == 1) return {word(Word::Leafd_1Eax), area(all, true), 0, 0};
    if (!(all >> subleaf & 1)) return {};
    const Component& component = components_[subleaf];
    return {component.size, component.offset,
            (component.aligned ? 2u : 0u) | (component.supervisor ? 1u : 0u), 0};
}

/// AMX: eight tiles of 16 rows of 64 bytes (SDM 1, 18.2).
CpuidRegisters Cpuid::tiles(std::uint32_t leaf, std::uint32_t subleaf) const {
    if (!has(feature<"amx-tile">())) return {};
    if (leaf == 0x1d) {
        if (subleaf == 0) return {1, 0, 0, 0};
        return {1024u << 16 | 8192u, 8u << 16 | 64u, 16, 0};
    }
    if (subleaf == 0) return {0, 64u << 8 | 16u, 0, 0};
    return {word(Word::Leaf1e_1Eax), 0, 0, 0};
}

CpuidRegisters Cpuid::paravirtual(std::uint32_t leaf, std::uint32_t first) const {
    const Str signature = support_.paravirtual_signature();
    if (leaf == first) return {first + 1, text(signature, 0), text(signature, 4), text(signature, 8)};
    return {word(Word::Leaf40000001Eax), 0, 0, word(Word::Leaf40000001Edx)};
}

// --- extended leaves ---

CpuidRegisters Cpuid::extended(std::uint32_t leaf, std::uint32_t subleaf) const {
    switch (leaf) {
    case 0x80000000:
        if (!shows_amd_leaves()) return {xlevel(), 0, 0, 0};
        return {xlevel(), text(vendor_, 0), text(vendor_, 8), text(vendor_, 4)};
    case 0x80000001: {
        // AMD repeats leaf 1's bits that both have (APM 3, E.4.2).
        constexpr std::uint32_t kRepeated = 0x0183f3ff, kCmpLegacy = 1u << 1;
        CpuidRegisters value{cpu_.signature(), 0, word(Word::Leaf80000001Ecx), word(Word::Leaf80000001Edx)};
        if (amd()) value.edx |= word(Word::Leaf1Edx) & kRepeated;
        if (amd() && package_processors() > 1) value.ecx |= kCmpLegacy;
        return value;
    }
    case 0x80000002:
    case 0x80000003:
    case 0x80000004: return name(leaf - 0x80000002);
    case 0x80000005: return intel() && cpu_.settings_.vendor_leaves_only_v2 ? CpuidRegisters{} : amd_level1();
    case 0x80000006: return level2(shows_amd_leaves());
    case 0x80000007: return {0, word(Word::Leaf80000007Ebx), 0, word(Word::Leaf80000007Edx)};
    case 0x80000008: return address_sizes();
    case 0x8000000a:
        if (!has(feature<"svm">())) return {};
        return {1, 16, 0, word(Word::Leaf8000000aEdx)};  // revision, address space ids
    case 0x8000001d: return amd() ? cache(subleaf, true) : CpuidRegisters{};
    case kNodes:
        if (!has(feature<"topoext">())) return {};
        return nodes();
    case 0x80000021: return {word(Word::Leaf80000021Eax), 0, word(Word::Leaf80000021Ecx), 0};
    case 0x80000022: return {word(Word::Leaf80000022Eax), 0, 0, 0};
    default: return {};
    }
}

/// APM 3, E.4.16. A node was a die up to release 9.0, and is a socket.
CpuidRegisters Cpuid::nodes() const {
    const std::uint32_t id = cpu_.apic_id();
    const std::uint32_t core = (id >> thread_bits()) & ((1u << (module_bits() - thread_bits())) - 1);
    const std::uint32_t node = cpu_.settings_.dies_are_nodes
                                   ? (cpu_.settings_.dies - 1) << 8 | id >> die_bits()
                                   : id >> package_bits();
    return {id, (cpu_.settings_.threads - 1) << 8 | core, node, 0};
}

CpuidRegisters Cpuid::name(unsigned part) const {
    const std::size_t at = part * 16;
    return {text(model_id_, at), text(model_id_, at + 4), text(model_id_, at + 8), text(model_id_, at + 12)};
}

/// TLBs of level 1 (255 entries each), caches in KiB, ways, lines per tag, bytes a line (APM 3, E.4.4).
CpuidRegisters Cpuid::amd_level1() const {
    constexpr std::uint32_t kTlbs = 0x01ff01ff;
    const std::uint32_t lines_per_tag = own_caches() && intel() ? 0 : 1;
    const auto row = [&](const CpuidRegisters& cache) {
        const Geometry g = geometry(cache);
        return g.bytes / 1024 << 24 | g.ways << 16 | lines_per_tag << 8 | g.line;
    };
    return {kTlbs, kTlbs, row(caches(true).data), row(caches(true).instructions)};
}

/// Level 2 in KiB and level 3 in 512 KiB (APM 3, E.4.5). Intel has the level 2 cache alone.
CpuidRegisters Cpuid::level2(bool with_level3) const {
    constexpr std::uint32_t kTlbs = 0x42004200;
    const std::uint32_t lines_per_tag = own_caches() && !amd() ? 0 : 1;
    const Geometry second = geometry(caches(with_level3).level2),
                   third = geometry(caches(with_level3).level3);
    CpuidRegisters value;
    value.ecx = second.bytes / 1024 << 16 | associativity(second.ways) << 12 | second.line;
    if (!with_level3) return value;
    value.ebx = kTlbs;
    value.ecx |= lines_per_tag << 8;
    if (cpu_.settings_.l3_cache)
        value.edx = third.bytes / (512 * 1024) << 18 | associativity(third.ways) << 12 | lines_per_tag << 8 |
                    third.line;
    return value;
}

unsigned Cpuid::physical_bits() const {
    constexpr unsigned kUsual = 40, kNoLongMode = 36, kPlain = 32;
    const Settings& s = cpu_.settings_;
    if (!has(feature<"lm">())) return has(feature<"pse36">()) || has(feature<"pae">()) ? kNoLongMode : kPlain;
    if (s.host_physical_bits.value_or(cpu_.kind_ == Model::Kind::Host)) {
        const unsigned host = support_.physical_bits();
        return s.host_physical_bits_limit ? std::min(host, unsigned(s.host_physical_bits_limit)) : host;
    }
    return s.physical_bits ? s.physical_bits : kUsual;
}

CpuidRegisters Cpuid::address_sizes() const {
    constexpr std::uint32_t kVirtual = 48, kVirtual57 = 57;
    CpuidRegisters value{physical_bits(), word(Word::Leaf80000008Ebx), 0, 0};
    if (has(feature<"lm">())) value.eax |= (has(feature<"la57">()) ? kVirtual57 : kVirtual) << 8;
    if (shows_amd_leaves() && package_processors() > 1)
        value.ecx = package_bits() << 12 | (std::min(package_processors(), 256u) - 1);
    return value;
}

// --- what a processor answers ---

CpuidRegisters X86Cpu::cpuid(std::uint32_t leaf, std::uint32_t subleaf) const {
    constexpr std::uint32_t kOsxsave = 1u << 27, kOspke = 1u << 4, kSyscall = 1u << 11;
    const auto find = [&](std::uint32_t wanted_leaf) {
        return std::ranges::find_if(entries_, [&](const CpuidEntry& e) {
            return e.leaf == wanted_leaf && (!e.indexed || e.subleaf == subleaf);
        });
    };
    const auto known = [&](std::uint32_t wanted_leaf) {
        return std::ranges::any_of(entries_, [&](const CpuidEntry& e) { return e.leaf == wanted_leaf; });
    };
    if (entries_.empty()) return {};
    if (!known(leaf)) leaf = entries_.front().value.eax;
    const auto found = find(leaf);
    CpuidRegisters value = found == entries_.end() ? CpuidRegisters{} : found->value;
    if (leaf == 1 && (state_.cr4 & cr4::kOsxsave)) value.ecx |= kOsxsave;
    if (leaf == 7 && subleaf == 0 && (state_.cr4 & cr4::kPke)) value.ecx |= kOspke;
    // SDM 2A: only in 64-bit mode. AMD's processors have it in others as well.
    if (leaf == 0x80000001 && vendor() == "GenuineIntel" && !(state_.efer & efer::kLma))
        value.edx &= ~kSyscall;
    if ((leaf == 0xb || leaf == 0x1f) && found == entries_.end()) value = {0, 0, subleaf & 0xff, apic_id()};
    if (leaf == 0xd && subleaf == 0 && value.eax != 0) {
        value.ebx = kXsaveMinimum;
        for (const CpuidEntry& e : entries_)
            if (e.leaf == 0xd && e.subleaf >= kFirstExtended && (state_.xcr0 >> e.subleaf & 1))
                value.ebx = std::max(value.ebx, e.value.ebx + e.value.eax);
    }
    return value;
}

}  // namespace backplane::x86
