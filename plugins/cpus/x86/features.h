// The features of x86 processors: words of bits that CPUID and the feature MSRs show, and the bits' names.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace backplane::x86 {

enum class Register : std::uint8_t { Eax, Ebx, Ecx, Edx };

enum class Word : std::uint8_t {
#define BACKPLANE_WORD(word, leaf, subleaf, indexed, reg) word,
#define BACKPLANE_MSR_WORD(word, index) word,
#define BACKPLANE_FEATURE(name, word, bit)
#include "features.inc"
#undef BACKPLANE_WORD
#undef BACKPLANE_MSR_WORD
#undef BACKPLANE_FEATURE
    Count
};
inline constexpr std::size_t kWordCount = std::size_t(Word::Count);

struct WordInfo {
    bool msr = false;
    std::uint32_t leaf = 0;  ///< or the MSR's index
    std::uint32_t subleaf = 0;
    bool indexed = false;
    Register reg = Register::Eax;
};
inline constexpr WordInfo kWords[] = {
#define BACKPLANE_WORD(word, leaf, subleaf, indexed, reg) {false, leaf, subleaf, indexed, Register::reg},
#define BACKPLANE_MSR_WORD(word, index) {true, index, 0, false, Register::Eax},
#define BACKPLANE_FEATURE(name, word, bit)
#include "features.inc"
#undef BACKPLANE_WORD
#undef BACKPLANE_MSR_WORD
#undef BACKPLANE_FEATURE
};

struct Feature {
    const char* name = nullptr;
    Word word = Word::Count;
    unsigned bit = 0;
    constexpr std::uint64_t mask() const { return std::uint64_t{1} << bit; }
};
inline constexpr Feature kFeatures[] = {
#define BACKPLANE_WORD(word, leaf, subleaf, indexed, reg)
#define BACKPLANE_MSR_WORD(word, index)
#define BACKPLANE_FEATURE(name, word, bit) {name, Word::word, bit},
#include "features.inc"
#undef BACKPLANE_WORD
#undef BACKPLANE_MSR_WORD
#undef BACKPLANE_FEATURE
};
static_assert(std::ranges::is_sorted(kFeatures, {},
                                     [](const Feature& f) { return std::string_view(f.name); }),
              "find_feature() halves the table");

/// Null: there is none of that name.
constexpr const Feature* find_feature(std::string_view name) {
    const auto* found = std::ranges::lower_bound(kFeatures, name, {},
                                                 [](const Feature& f) { return std::string_view(f.name); });
    return found != std::end(kFeatures) && found->name == name ? found : nullptr;
}

/// All feature words of a processor.
struct Features {
    std::array<std::uint64_t, kWordCount> words{};

    constexpr std::uint64_t& operator[](Word word) { return words[std::size_t(word)]; }
    constexpr std::uint64_t operator[](Word word) const { return words[std::size_t(word)]; }
    constexpr bool has(const Feature& feature) const { return ((*this)[feature.word] & feature.mask()) != 0; }
    constexpr void set(const Feature& feature, bool on) {
        if (on) (*this)[feature.word] |= feature.mask();
        else (*this)[feature.word] &= ~feature.mask();
    }
    constexpr bool operator==(const Features&) const = default;
};

/// A feature by name where the code asks for one: feature<"sse2">() is a bit or does not compile.
template <std::size_t N>
struct FeatureName {
    char text[N]{};
    consteval FeatureName(const char (&name)[N]) { std::copy_n(name, N, text); }
};
template <FeatureName Name>
consteval Feature feature() {
    return *find_feature(Name.text);
}

}  // namespace backplane::x86
