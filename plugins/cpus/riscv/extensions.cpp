// What a set of extensions requires, and how it is written.
#include "extensions.h"

namespace backplane::riscv {

namespace {

bool is_letter(const ExtensionInfo& info) { return info.name[1] == '\0'; }

const char* name_of(std::uint64_t extension) {
    for (const ExtensionInfo& info : kExtensions)
        if (bit(info.extension) == extension) return info.name;
    return "?";
}

/// "a=off,b=off" for everything in `extensions` that cannot be without `missing`.
std::string switches_for_dependents(std::uint64_t extensions, std::uint64_t missing) {
    std::string text;
    bool grown = true;
    while (grown) {
        grown = false;
        for (const ExtensionInfo& info : kExtensions) {
            if (!(extensions & bit(info.extension)) || !(info.needs & missing)) continue;
            if (!text.empty()) text += ',';
            text += std::string(info.name) + "=off";
            extensions &= ~bit(info.extension);
            missing |= bit(info.extension);
            grown = true;
        }
    }
    return text;
}

}  // namespace

bool check_extensions(std::uint64_t extensions, std::uint32_t privileged_version, Errors& errors) {
    if (!(extensions & bit(Extension::Zicsr))) {
        errors.fail("zicsr=off is not possible: machine mode has CSRs; leave zicsr on");
        return false;
    }
    for (const ExtensionInfo& info : kExtensions) {
        const std::uint64_t missing = info.needs & ~extensions;
        if (!(extensions & bit(info.extension)) || missing == 0) continue;
        const std::string needed = name_of(missing);
        errors.fail(std::string(info.name) + "=on needs " + needed + "=on, which is off; switch " + needed +
                    " on, or add " + switches_for_dependents(extensions, missing));
        return false;
    }
    // Both are enabled by bits of menvcfg, which v1.12 brought.
    for (const Extension extension : {Extension::Sstc, Extension::Svadu}) {
        if (!(extensions & bit(extension)) || privileged_version >= 12) continue;
        const std::string name = name_of(bit(extension));
        errors.fail(name + "=on needs priv_spec=v1.12.0; add " + name + "=off");
        return false;
    }
    return true;
}

std::string isa_string(std::uint64_t extensions) {
    std::string text = "rv64i";
    for (const ExtensionInfo& info : kExtensions) {
        if (!info.in_isa_string || !(extensions & bit(info.extension))) continue;
        if (!is_letter(info)) text += '_';
        text += info.name;
    }
    return text;
}

std::string isa_extension_list(std::uint64_t extensions) {
    std::string text = "i";
    for (const ExtensionInfo& info : kExtensions)
        if (info.in_isa_string && (extensions & bit(info.extension))) text += std::string(",") + info.name;
    return text;
}

const char* mmu_type(std::uint64_t extensions) {
    if (extensions & bit(Extension::Sv57)) return "riscv,sv57";
    if (extensions & bit(Extension::Sv48)) return "riscv,sv48";
    if (extensions & bit(Extension::Sv39)) return "riscv,sv39";
    return "riscv,none";
}

/// Priv 3.1.1: MXL = 2 (64 bits), and a bit for each letter, I among them.
std::uint64_t misa_value(std::uint64_t extensions) {
    std::uint64_t value = 2ull << 62 | 1u << ('i' - 'a');
    for (const ExtensionInfo& info : kExtensions)
        if (is_letter(info) && (extensions & bit(info.extension))) value |= 1ull << (info.name[0] - 'a');
    return value;
}

}  // namespace backplane::riscv
