#include "kernel/management/descriptors.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

/// N of "/dev/fdset/N".
std::optional<std::uint64_t> set_of_path(std::string_view path) {
    constexpr std::string_view kFolder = "/dev/fdset/";
    if (!path.starts_with(kFolder)) return std::nullopt;
    path.remove_prefix(kFolder.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), number);
    if (error != std::errc() || end != path.data() + path.size()) return std::nullopt;
    return number;
}

}  // namespace

Descriptors::~Descriptors() {
    for (const auto& [name, descriptor] : named_) close(descriptor);
    for (const auto& [number, set] : sets_)
        for (const Member& member : set) close(member.descriptor);
}

void Descriptors::name(const ManagementCaller* client, const std::string& name, int descriptor) {
    const auto [found, added] = named_.try_emplace({client, name}, descriptor);
    if (added) return;
    close(found->second);
    found->second = descriptor;
}

int Descriptors::take(const ManagementCaller* client, const std::string& name) {
    const auto found = named_.find({client, name});
    if (found == named_.end()) return -1;
    const int descriptor = found->second;
    named_.erase(found);
    return descriptor;
}

void Descriptors::forget(const ManagementCaller* client) {
    std::erase_if(named_, [&](const auto& entry) {
        if (entry.first.first != client) return false;
        close(entry.second);
        return true;
    });
}

std::uint64_t Descriptors::add(std::optional<std::uint64_t> set, int descriptor, std::string opaque) {
    std::uint64_t number = set.value_or(0);
    while (!set && sets_.contains(number)) ++number;
    sets_[number].push_back({descriptor, std::move(opaque)});
    return number;
}

bool Descriptors::remove(std::uint64_t set, std::optional<int> descriptor) {
    const auto found = sets_.find(set);
    if (found == sets_.end()) return false;
    const std::size_t removed = std::erase_if(found->second, [&](const Member& member) {
        if (descriptor && *descriptor != member.descriptor) return false;
        close(member.descriptor);
        return true;
    });
    if (found->second.empty()) sets_.erase(found);
    return removed > 0;
}

int Descriptors::open_file(Str path, int flags, unsigned mode, Errors& errors) {
    if (const auto set = set_of_path(path.view())) return duplicate(*set, flags, errors);
    const std::string name(path.view());
    const int descriptor = open(name.c_str(), flags | O_CLOEXEC, mode_t(mode));
    const int error = errno;
    if (descriptor < 0) errors.fail("Could not open '" + name + "': " + std::strerror(error));
    errno = error;
    return descriptor;
}

/// How it may be read and written was settled when it was opened.
int Descriptors::duplicate(std::uint64_t set, int flags, Errors& errors) const {
    const std::string name = "Could not open '/dev/fdset/" + std::to_string(set) + "': ";
    const auto found = sets_.find(set);
    if (found == sets_.end()) {
        errors.fail(name + "no descriptor was added to that set (add-fd, -add-fd)");
        errno = ENOENT;
        return -1;
    }
    for (const Member& member : found->second) {
        const int has = fcntl(member.descriptor, F_GETFL);
        if (has < 0 || (has & O_ACCMODE) != (flags & O_ACCMODE)) continue;
        const int copy = fcntl(member.descriptor, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) errors.fail(name + std::strerror(errno));
        return copy;
    }
    errors.fail(name + "no descriptor of that set was opened " +
                ((flags & O_ACCMODE) == O_RDONLY ? "for reading alone" : "for reading and writing"));
    errno = EACCES;
    return -1;
}

}  // namespace backplane::kernel
