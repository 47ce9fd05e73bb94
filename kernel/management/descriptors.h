// Descriptors that programs hand over: by name for one client (getfd), and in sets for files (add-fd, -add-fd).
#pragma once

#include <backplane/host_files.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace backplane {
class ManagementCaller;
}

namespace backplane::kernel {

/// Owns all that it is given. Thread: holding the machine lock.
class Descriptors final : public HostFiles {
  public:
    Descriptors() = default;
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    ~Descriptors();

    /// Another one of that name and client is closed.
    void name(const ManagementCaller* client, const std::string& name, int descriptor);
    /// It becomes the caller's; -1 when there is none of that name.
    int take(const ManagementCaller* client, const std::string& name);
    /// Closes what a client has named.
    void forget(const ManagementCaller* client);

    struct Member {
        int descriptor;
        std::string opaque;
    };
    using Set = std::vector<Member>;
    /// The set that it is in: `set`, or the first that there is not.
    std::uint64_t add(std::optional<std::uint64_t> set, int descriptor, std::string opaque);
    /// Closes one of a set, or the whole set. False when it is not there.
    bool remove(std::uint64_t set, std::optional<int> descriptor);
    const std::map<std::uint64_t, Set>& sets() const { return sets_; }

    int open_file(Str path, int flags, unsigned mode, Errors& errors) override;

  private:
    int duplicate(std::uint64_t set, int flags, Errors& errors) const;

    std::map<std::pair<const ManagementCaller*, std::string>, int> named_;
    std::map<std::uint64_t, Set> sets_;
};

}  // namespace backplane::kernel
