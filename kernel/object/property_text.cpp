#include "kernel/object/property_text.h"

#include "kernel/object/instance.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace backplane::kernel {
namespace {

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::optional<bool> parse_bool(std::string_view text) {
    if (text == "on" || text == "yes" || text == "true" || text == "y") return true;
    if (text == "off" || text == "no" || text == "false" || text == "n") return false;
    return std::nullopt;
}

int suffix_shift(char suffix) {
    switch (suffix) {
    case 'b':
    case 'B': return 0;
    case 'k':
    case 'K': return 10;
    case 'm':
    case 'M': return 20;
    case 'g':
    case 'G': return 30;
    case 't':
    case 'T': return 40;
    case 'p':
    case 'P': return 50;
    case 'e':
    case 'E': return 60;
    default: return -1;
    }
}

std::string parameter(std::string_view owner, const PropertyInfo& info) {
    return "property '" + std::string(owner) + "." + info.name + "'";
}

bool fail(Errors& errors, std::string_view owner, const PropertyInfo& info, std::string_view text,
          const std::string& expects) {
    errors.fail(parameter(owner, info) + " expects " + expects + ", not '" + std::string(text) + "'");
    return false;
}

bool parse_number(const PropertyInfo& info, std::string_view owner, std::string_view text,
                  PropertyValue& value, Errors& errors) {
    const auto number = info.kind == PropertyKind::Size ? parse_size(text) : parse_unsigned(text);
    if (!number)
        return fail(errors, owner, info, text,
                    info.kind == PropertyKind::Size ? "a size such as 4096, 64k, 512M or 1G" : "a number");
    if (*number < info.minimum || *number > info.maximum)
        return fail(errors, owner, info, text,
                    "a value from " + std::to_string(info.minimum) + " to " + std::to_string(info.maximum));
    value.number = *number;
    return true;
}

bool parse_signed(const PropertyInfo& info, std::string_view owner, std::string_view text,
                  PropertyValue& value, Errors& errors) {
    const bool negative = text.starts_with('-');
    const auto number = parse_unsigned(negative ? text.substr(1) : text);
    const std::uint64_t limit =
        std::min<std::uint64_t>(info.maximum, std::uint64_t(INT64_MAX)) + (negative ? 1 : 0);
    if (!number || *number > limit) return fail(errors, owner, info, text, "a whole number in its range");
    value.integer = negative ? std::int64_t(~*number + 1) : std::int64_t(*number);
    return true;
}

bool parse_choice(const PropertyInfo& info, std::string_view owner, std::string_view text,
                  PropertyValue& value, Errors& errors) {
    std::string_view rest = info.choices;
    for (std::uint64_t index = 0; !rest.empty() || index == 0; ++index) {
        const std::size_t bar = rest.find('|');
        if (rest.substr(0, bar) == text) {
            value.number = index;
            value.text = text;
            return true;
        }
        if (bar == std::string_view::npos) break;
        rest.remove_prefix(bar + 1);
    }
    return fail(errors, owner, info, text, "one of " + std::string(info.choices));
}

bool parse_link(const PropertyInfo& info, std::string_view owner, std::string_view text, ObjectTree& tree,
                PropertyValue& value, Errors& errors) {
    if (text.empty()) return true;
    Instance* target = tree.find(text);
    if (!target) {
        errors.fail(parameter(owner, info) + ": there is no object with id '" + std::string(text) + "'");
        return false;
    }
    if (!target->realized()) {
        errors.fail(parameter(owner, info) + ": object '" + std::string(text) +
                    "' is only being made; name one that is there already");
        return false;
    }
    if (info.choices && !target->query(info.choices)) {
        errors.fail(parameter(owner, info) + ": object '" + std::string(text) + "' is a '" +
                    std::string(target->type_name().view()) + "', which does not offer " + info.choices);
        return false;
    }
    value.object = target;
    return true;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit) {
    if (text.empty()) return std::nullopt;
    if (const auto whole = parse_unsigned(text)) {
        if (unit != 0 && *whole > ~std::uint64_t{0} / unit) return std::nullopt;
        return *whole * unit;
    }
    const int shift = suffix_shift(text.back());
    if (shift < 0) return std::nullopt;
    text.remove_suffix(1);
    if (const auto whole = parse_unsigned(text)) {
        if (shift && *whole >> (64 - shift)) return std::nullopt;
        return *whole << shift;
    }
    double fraction = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fraction);
    if (error != std::errc() || end != text.data() + text.size() || !(fraction >= 0)) return std::nullopt;
    fraction = std::ldexp(fraction, shift);
    if (!(fraction < 18446744073709551616.0)) return std::nullopt;
    return std::uint64_t(fraction);
}

namespace {

/// All kinds but links, whose text means something in a tree only.
bool parse_plain(const PropertyInfo& info, std::string_view owner, std::string_view text,
                 PropertyValue& value, Errors& errors) {
    value = {};
    value.kind = info.kind;
    switch (info.kind) {
    case PropertyKind::Bool:
        if (const auto flag = parse_bool(text)) {
            value.boolean = *flag;
            return true;
        }
        return fail(errors, owner, info, text, "'on' or 'off'");
    case PropertyKind::Int: return parse_signed(info, owner, text, value, errors);
    case PropertyKind::UInt:
    case PropertyKind::Size: return parse_number(info, owner, text, value, errors);
    case PropertyKind::String: value.text = text; return true;
    case PropertyKind::Enum: return parse_choice(info, owner, text, value, errors);
    case PropertyKind::Link: return true;
    }
    return false;
}

}  // namespace

bool parse_property(const PropertyInfo& info, std::string_view owner, std::string_view text, ObjectTree& tree,
                    PropertyValue& value, Errors& errors) {
    return parse_plain(info, owner, text, value, errors) &&
           (info.kind != PropertyKind::Link || parse_link(info, owner, text, tree, value, errors));
}

bool check_property_text(const PropertyInfo& info, std::string_view owner, std::string_view text,
                         Errors& errors) {
    PropertyValue unused;
    return parse_plain(info, owner, text, unused, errors);
}

namespace {

/// Letters that are wrong, missing, too many, or swapped with the next one.
std::size_t distance(std::string_view name, std::string_view candidate) {
    std::vector<std::size_t> before, last(candidate.size() + 1), row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
        before = std::exchange(last, row);
        row[0] = i;
        for (std::size_t j = 1; j <= candidate.size(); ++j) {
            const std::size_t substituted = last[j - 1] + (name[i - 1] != candidate[j - 1]);
            row[j] = std::min({substituted, row[j - 1] + 1, last[j] + 1});
            const bool swapped =
                i > 1 && j > 1 && name[i - 1] == candidate[j - 2] && name[i - 2] == candidate[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row.back();
}

std::vector<std::string_view> words_of(std::string_view name) {
    std::vector<std::string_view> words;
    while (true) {
        const std::size_t dash = name.find('-');
        words.push_back(name.substr(0, dash));
        if (dash == std::string_view::npos) return words;
        name.remove_prefix(dash + 1);
    }
}

/// Is none of the words another word altogether? "acme-mouse" is no misspelling of "acme-disk".
bool same_words(std::string_view name, std::string_view candidate) {
    const std::vector<std::string_view> a = words_of(name), b = words_of(candidate);
    if (a.size() != b.size() || a.size() == 1) return true;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (distance(a[i], b[i]) > (a[i].size() + 1) / 2) return false;
    return true;
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongestName = 64;  // what is longer is no name
    if (name.size() < 2 || name.size() > kLongestName) return {};
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > name.size() + best_distance || candidate.size() + best_distance < name.size())
            continue;
        const std::size_t wrong = distance(name, candidate);
        if (wrong >= best_distance || !same_words(name, candidate)) continue;
        best_distance = wrong;
        best = candidate;
    }
    return best;
}

std::string and_then(std::string sentence, std::string_view more) {
    return sentence.append(sentence.ends_with('?') ? " " : "; ").append(more);
}

}  // namespace backplane::kernel
