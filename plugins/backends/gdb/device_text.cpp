#include "device_text.h"

#include <algorithm>

namespace backplane::gdb {

namespace {

using Properties = std::vector<std::pair<std::string, std::string>>;

/// Takes "FIRST,key=value,key=value" apart; ",," is a comma. A key without a value is on.
std::string split(std::string_view text, Properties& properties) {
    std::vector<std::string> parts(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != ',') parts.back() += text[at];
        else if (at + 1 < text.size() && text[at + 1] == ',') parts.back() += text[at++];
        else parts.emplace_back();
    }
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const std::size_t equals = parts[i].find('=');
        properties.emplace_back(parts[i].substr(0, equals),
                                equals == std::string::npos ? "on" : parts[i].substr(equals + 1));
    }
    return parts[0];
}

void set_default(Properties& properties, const char* name, const char* value) {
    if (std::ranges::find(properties, name, &Properties::value_type::first) == properties.end())
        properties.emplace_back(name, value);
}

/// "HOST:PORT", "[::1]:PORT", ":PORT".
bool read_address(const std::string& address, Properties& properties, Errors& errors) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon + 1 == address.size()) {
        errors.fail("'" + address + "' is no HOST:PORT; an example is tcp::1234");
        return false;
    }
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!host.empty()) properties.emplace_back("host", host);
    properties.emplace_back("port", address.substr(colon + 1));
    return true;
}

}  // namespace

bool read_device_text(std::string_view text, DeviceText& device, Errors& errors) {
    device = {};
    Properties& properties = device.properties;
    const std::string first = split(text, properties);
    const std::size_t colon = first.find(':');
    const std::string kind = first.substr(0, colon);
    const std::string rest = colon == std::string::npos ? "" : first.substr(colon + 1);
    if (kind == "none" || first.empty()) return true;
    if (kind == "chardev") {
        device.kind = DeviceText::Kind::Existing;
        device.name = rest;
        return true;
    }
    device.kind = DeviceText::Kind::New;
    if (kind == "tcp") {
        // A debugger comes when it wants to.
        set_default(properties, "server", "on");
        set_default(properties, "wait", "off");
        set_default(properties, "nodelay", "on");
        device.name = "chardev-socket";
        return read_address(rest, properties, errors);
    }
    if (kind == "unix" && !rest.empty()) {
        device.name = "chardev-socket";
        properties.emplace_back("path", rest);
        return true;
    }
    if (kind == "file" || kind == "pipe") {
        device.name = "chardev-" + kind;
        properties.emplace_back("path", rest);
        return true;
    }
    if (kind == "stdio" || kind == "pty" || kind == "null") {
        device.name = "chardev-" + kind;
        return true;
    }
    if (first.starts_with("/dev/")) {
        device.name = "chardev-serial";
        properties.emplace_back("path", first);
        return true;
    }
    errors.fail("'" + first +
                "' is no place for a debugger to connect; use tcp::PORT, tcp:HOST:PORT, "
                "unix:PATH,server=on,wait=off, stdio, pty, chardev:ID or none");
    return false;
}

}  // namespace backplane::gdb
