#include <lib/ethernet_address.h>

#include <backplane/text.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace backplane {
namespace {

/// The addresses that other objects of the machine have in a property "mac".
void collect_addresses(Object& from, const Object& except, std::set<std::string>& found) {
    TextBuffer text;
    IgnoredErrors none;
    if (&from != &except && from.is_a("device") && from.get_property("mac", text, none))
        found.insert(text.text());
    for (std::size_t i = 0; i < from.child_count(); ++i) collect_addresses(*from.child_at(i), except, found);
}

}  // namespace

bool parse_ethernet_address(std::string_view text, std::uint8_t (&address)[6]) {
    if (text.size() != 17) return false;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    for (std::size_t i = 0; i < 6; ++i) {
        const int high = digit(text[3 * i]), low = digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':' && text[3 * i + 2] != '-')) return false;
        address[i] = std::uint8_t(high << 4 | low);
    }
    return true;
}

std::string format_ethernet_address(const std::uint8_t (&address)[6]) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : address) {
        if (!text.empty()) text += ':';
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

bool choose_ethernet_address(Object& device, std::string& text, std::uint8_t (&address)[6], Errors& errors) {
    if (!text.empty()) {
        if (parse_ethernet_address(text, address)) {
            text = format_ethernet_address(address);
            return true;
        }
        errors.fail("property 'mac' is not an address like 52:54:00:12:34:56: '" + text + "'");
        return false;
    }
    std::set<std::string> used;
    collect_addresses(root_of(device), device, used);
    constexpr std::uint8_t kFirst[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    std::copy(std::begin(kFirst), std::end(kFirst), address);
    while (used.contains(format_ethernet_address(address)))
        if (++address[5] == 0) ++address[4];
    text = format_ethernet_address(address);
    return true;
}

}  // namespace backplane
