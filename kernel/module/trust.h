// Who could have put something into a file that is to be loaded: nobody but root, the user and who owns this program.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace backplane::kernel {

/// Thread: any.
class Trust {
  public:
    /// Trusts root, the effective user, and the owners of this program's library and of the folders that it stands in, who
    /// could have put anything there.
    Trust();
    /// Trusts root and these.
    explicit Trust(std::vector<uid_t> owners);

    /// Why nothing is loaded from the folder, or the file, of that path; empty when it is safe. Looks at every folder
    /// and link on the way: each belongs to somebody trusted, and nobody else may write to it (its owner's private
    /// group may; so may anyone, where the sticky bit keeps what is there, but not in the folder that plugins stand in).
    std::string refusal(const std::filesystem::path& path) const;
    /// The same for a file right inside of a folder of which nothing was refused.
    std::string refusal_inside(const std::filesystem::path& file) const;

  private:
    std::string refusal_of_entry(const std::filesystem::path& path, const struct stat& status) const;

    std::vector<uid_t> owners_;
};

}  // namespace backplane::kernel
