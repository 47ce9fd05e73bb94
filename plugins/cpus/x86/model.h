// A processor model as data.
#pragma once

#include "features.h"

#include <backplane/draft/x86/processor.h>

#include <cstdint>

namespace backplane::x86 {

/// As CPUID leaf 4 describes each (SDM 2A), but for how many processors share it.
struct Caches {
    CpuidRegisters data, instructions, level2, level3;
    bool level2_of_module = false;  ///< shared by the cores of a module, of which a die has one
};

/// Differences from a base, or a model whole. Negative and null: as the base has it.
struct ModelData {
    const char* vendor = nullptr;
    int family = -1, model = -1, stepping = -1;
    std::int64_t level = -1;  ///< the highest basic CPUID leaf, if no feature needs a higher one
    std::int64_t xlevel = -1;
    std::int64_t xlevel2 = -1;
    int level7 = -1;  ///< the highest subleaf of leaf 7
    int avx10_version = -1;
    const struct Caches* caches = nullptr;  ///< null in all: those that every model used to have
    int leaf_1f = -1;                       ///< leaf 0x1f also without dies and modules
    const char* model_id = nullptr;
    const char* features = nullptr;  ///< names with a space between
    const char* without = nullptr;
};

struct Model {
    const char* name = nullptr;  ///< "SandyBridge-v1"
    const Model* base = nullptr;
    ModelData data{};
    Features added{};
    Features removed{};
    /// What the accelerator can give, in place of a list: `max`, `host`.
    enum class Kind : std::uint8_t { Named, Max, Host };
    Kind kind = Kind::Named;
};

/// A name that is none does not compile.
constexpr Features features_of(const char* names) {
    Features features;
    std::string_view rest(names ? names : "");
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        features.set(*find_feature(rest.substr(0, end)), true);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return features;
}

constexpr Model make_model(const char* name, const Model* base, const ModelData& data) {
    return {name, base, data, features_of(data.features), features_of(data.without), Model::Kind::Named};
}

/// What a model is with all its bases.
struct ModelValues {
    std::string_view vendor;
    std::uint32_t family = 0, model = 0, stepping = 0;
    std::uint32_t level = 0, xlevel = 0, xlevel2 = 0, level7 = 0, avx10_version = 0;
    const Caches* caches = nullptr;
    bool leaf_1f = false;
    std::string_view model_id;
    Features features;
};

inline ModelValues resolve(const Model& model) {
    ModelValues values = model.base ? resolve(*model.base) : ModelValues{};
    const ModelData& data = model.data;
    const auto take = [](auto& value, auto given) {
        if (given >= 0) value = static_cast<std::remove_reference_t<decltype(value)>>(given);
    };
    if (data.vendor) values.vendor = data.vendor;
    if (data.caches) values.caches = data.caches;
    if (data.model_id) values.model_id = data.model_id;
    take(values.family, data.family);
    take(values.model, data.model);
    take(values.stepping, data.stepping);
    take(values.level, data.level);
    take(values.xlevel, data.xlevel);
    take(values.xlevel2, data.xlevel2);
    take(values.level7, data.level7);
    take(values.avx10_version, data.avx10_version);
    take(values.leaf_1f, data.leaf_1f);
    for (std::size_t i = 0; i < kWordCount; ++i)
        values.features.words[i] =
            (values.features.words[i] | model.added.words[i]) & ~model.removed.words[i];
    return values;
}

}  // namespace backplane::x86
