#include "kernel/module/trust.h"

#include "kernel/module/install.h"

#include <grp.h>
#include <pwd.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace backplane::kernel {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kMaximumLinks = 40;  // as Linux

std::string user_name(uid_t user) {
    std::array<char, 4096> buffer;
    passwd entry{};
    passwd* found = nullptr;
    const bool known = getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found;
    return known ? "user '" + std::string(entry.pw_name) + "'" : "user " + std::to_string(user);
}

/// Is `group` the one that many systems make for each user: of their name, their first, and nobody else's?
bool private_group(gid_t group, uid_t owner) {
    std::array<char, 4096> user_buffer, group_buffer;
    passwd user{};
    passwd* user_found = nullptr;
    struct group entry {};
    struct group* found = nullptr;
    if (getpwuid_r(owner, &user, user_buffer.data(), user_buffer.size(), &user_found) != 0 || !user_found ||
        getgrgid_r(group, &entry, group_buffer.data(), group_buffer.size(), &found) != 0 || !found)
        return false;
    const std::string_view name = user.pw_name;
    if (user.pw_gid != group || name != entry.gr_name) return false;
    for (char** member = entry.gr_mem; *member; ++member)
        if (name != *member) return false;
    return true;
}

/// An access list shows as permissions of the group, whoever it names.
bool has_access_list(const fs::path& path) {
    return lgetxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
}

/// What files seem to belong to whose owner this user namespace does not know, where nobody in it can be that user: what
/// belongs to them came from outside. 0 where every user is known.
uid_t owner_outside() {
    std::ifstream map("/proc/self/uid_map"), overflow("/proc/sys/kernel/overflowuid");
    std::uint64_t user = 0;
    if (!(overflow >> user)) return 0;
    bool any = false;
    for (std::uint64_t inside, outside, count; map >> inside >> outside >> count; any = true)
        if (user >= inside && user - inside < count) return 0;
    return any ? uid_t(user) : 0;
}

std::vector<uid_t> usual_owners() {
    std::vector<uid_t> owners{geteuid()};
    struct stat status {};
    for (fs::path path = library_file(); path.has_relative_path(); path = path.parent_path())
        if (stat(path.c_str(), &status) == 0) owners.push_back(status.st_uid);
    if (const uid_t outside = owner_outside()) owners.push_back(outside);
    return owners;
}

std::string anyone_may_write(const fs::path& path) {
    return "'" + path.string() + "' may be written by anyone; chmod o-w it, or load from another directory";
}

/// Path components from the last to the first.
void push_components(const fs::path& path, std::vector<std::string>& rest) {
    std::vector<std::string> components;
    for (const fs::path& component : path.relative_path()) components.push_back(component.string());
    rest.insert(rest.end(), components.rbegin(), components.rend());
}

}  // namespace

Trust::Trust() : Trust(usual_owners()) {}

Trust::Trust(std::vector<uid_t> owners) : owners_(std::move(owners)) { owners_.push_back(0); }

std::string Trust::refusal_of_entry(const fs::path& path, const struct stat& status) const {
    if (std::ranges::find(owners_, status.st_uid) == owners_.end())
        return "'" + path.string() + "' belongs to " + user_name(status.st_uid) +
               "; only what belongs to root or to " + user_name(geteuid()) +
               " is loaded: chown it, or load from another directory";
    if (S_ISLNK(status.st_mode)) return {};  // a link's own permissions mean nothing
    if ((status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX)) return anyone_may_write(path);
    if ((status.st_mode & S_IWGRP) && !(status.st_mode & S_ISVTX) &&
        (has_access_list(path) || !private_group(status.st_gid, status.st_uid)))
        return "'" + path.string() + "' may be written by its group (" + std::to_string(status.st_gid) +
               "); chmod g-w it, or load from another directory";
    return {};
}

std::string Trust::refusal_inside(const fs::path& file) const {
    struct stat status {};
    if (lstat(file.c_str(), &status) != 0 || S_ISLNK(status.st_mode)) return refusal(file);
    return refusal_of_entry(file, status);
}

std::string Trust::refusal(const fs::path& path) const {
    std::error_code ignored;
    std::vector<std::string> rest;
    push_components(fs::absolute(path, ignored), rest);
    fs::path at = "/";
    struct stat status {};
    if (lstat("/", &status) != 0) return "'/' cannot be read";
    if (std::string reason = refusal_of_entry(at, status); !reason.empty()) return reason;
    unsigned links = 0;
    while (!rest.empty()) {
        const std::string component = rest.back();
        rest.pop_back();
        if (component.empty() || component == ".") continue;
        if (component == "..") {
            at = at.parent_path();
            continue;
        }
        const fs::path next = at / component;
        if (lstat(next.c_str(), &status) != 0)
            return errno == ENOENT ? "'" + next.string() + "' does not exist"
                                   : "'" + next.string() + "' cannot be read: " + std::strerror(errno);
        if (std::string reason = refusal_of_entry(next, status); !reason.empty()) return reason;
        if (!S_ISLNK(status.st_mode)) {
            at = next;
            continue;
        }
        if (++links > kMaximumLinks) return "'" + path.string() + "' leads through too many links";
        const fs::path target = fs::read_symlink(next, ignored);
        if (target.is_absolute()) at = "/";
        push_components(target, rest);
    }
    // The sticky bit keeps others from exchanging what is there, not from adding to it.
    if (stat(at.c_str(), &status) != 0) return "'" + at.string() + "' cannot be read";
    const fs::path folder = S_ISDIR(status.st_mode) ? at : at.parent_path();
    if (stat(folder.c_str(), &status) == 0 && (status.st_mode & S_IWOTH)) return anyone_may_write(folder);
    return {};
}

}  // namespace backplane::kernel
