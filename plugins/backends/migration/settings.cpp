#include "settings.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace backplane::migration {
namespace {

constexpr std::uint64_t kMostChannels = 255, kHighestLevel = 20;
constexpr std::uint64_t kMostBandwidth = ~std::uint64_t{0} >> 1;

/// Names that tools know, and that mean something only while the machine runs on.
constexpr const char* kLiveCapabilities[] = {
    "xbzrle",           "rdma-pin-all",   "auto-converge",       "postcopy-ram",
    "x-colo",           "release-ram",    "return-path",         "pause-before-switchover",
    "multifd",          "dirty-bitmaps",  "postcopy-blocktime",  "late-block-activate",
    "x-ignore-shared",  "validate-uuid",  "background-snapshot", "zero-copy-send",
    "postcopy-preempt", "switchover-ack", "dirty-limit"};
constexpr const char* kLiveParameters[] = {"announce-initial",
                                           "announce-max",
                                           "announce-rounds",
                                           "announce-step",
                                           "throttle-trigger-threshold",
                                           "cpu-throttle-initial",
                                           "cpu-throttle-increment",
                                           "cpu-throttle-tailslow",
                                           "max-cpu-throttle",
                                           "tls-creds",
                                           "tls-hostname",
                                           "tls-authz",
                                           "avail-switchover-bandwidth",
                                           "downtime-limit",
                                           "x-checkpoint-delay",
                                           "xbzrle-cache-size",
                                           "max-postcopy-bandwidth",
                                           "multifd-zlib-level",
                                           "multifd-qatzip-level",
                                           "block-bitmap-mapping",
                                           "x-vcpu-dirty-limit-period",
                                           "vcpu-dirty-limit",
                                           "mode",
                                           "zero-page-detection",
                                           "direct-io"};

bool listed(const auto& names, const std::string& name) {
    return std::ranges::find(names, name) != std::end(names);
}

bool number(const std::string& name, const std::string& text, std::uint64_t most, std::uint64_t& value,
            Errors& errors) {
    std::uint64_t parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error == std::errc() && end == text.data() + text.size() && parsed <= most) {
        value = parsed;
        return true;
    }
    errors.fail("parameter '" + name + "' is a number from 0 to " + std::to_string(most) + ", and not '" +
                text + "'");
    return false;
}

}  // namespace

SnapshotOptions Settings::options() const { return {unsigned(channels_), compress_ ? int(level_) : 0}; }

bool Settings::set_capability(const std::string& name, bool on, Errors& errors) {
    if (name == "events") events_ = on;
    else if (name == "mapped-ram") mapped_ = on;
    else if (!listed(kLiveCapabilities, name))
        errors.fail("there is no capability '" + name +
                    "'; query-migrate-capabilities (info migrate_capabilities) lists them");
    else if (on)
        errors.fail("capability '" + name +
                    "' is not there: a machine is stopped while it is saved, and saved as a whole");
    else return true;
    return name == "events" || name == "mapped-ram";
}

bool Settings::set_parameter(const std::string& name, const std::string& value, Errors& errors) {
    if (name == "max-bandwidth") return number(name, value, kMostBandwidth, bandwidth_, errors);
    if (name == "multifd-channels") return number(name, value, kMostChannels, channels_, errors);
    if (name == "multifd-zstd-level") return number(name, value, kHighestLevel, level_, errors);
    if (name == "multifd-compression") {
        if (value == "zstd" || value == "none") {
            compress_ = value == "zstd";
            return true;
        }
        errors.fail("parameter 'multifd-compression' is none or zstd, and not '" + value + "'");
    } else if (listed(kLiveParameters, name)) {
        errors.fail("parameter '" + name + "' has no effect here: a machine is stopped while it is saved");
    } else {
        errors.fail("there is no parameter '" + name +
                    "'; query-migrate-parameters (info migrate_parameters) lists them");
    }
    return false;
}

std::vector<std::pair<std::string, bool>> Settings::capabilities() const {
    std::vector<std::pair<std::string, bool>> all{{"events", events_}, {"mapped-ram", mapped_}};
    for (const char* name : kLiveCapabilities) all.emplace_back(name, false);
    return all;
}

std::vector<std::pair<std::string, std::string>> Settings::parameters() const {
    return {{"max-bandwidth", std::to_string(bandwidth_)},
            {"multifd-channels", std::to_string(channels_)},
            {"multifd-compression", compress_ ? "\"zstd\"" : "\"none\""},
            {"multifd-zstd-level", std::to_string(level_)}};
}

}  // namespace backplane::migration
