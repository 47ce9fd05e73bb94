// What `migrate-set-capabilities` and `migrate-set-parameters` set. Only what has an effect can be set; other names that
// tools know are refused with the reason.
#pragma once

#include <backplane/draft/snapshot.h>

#include <string>
#include <utility>
#include <vector>

namespace backplane::migration {

class Settings {
  public:
    /// Emit MIGRATION events?
    bool events() const { return events_; }
    /// Are files laid out so that they can be mapped?
    bool mapped() const { return mapped_; }
    SnapshotOptions options() const;
    /// Bytes written in a second at most; 0: as many as go.
    std::uint64_t bandwidth() const { return bandwidth_; }

    bool set_capability(const std::string& name, bool on, Errors& errors);
    bool set_parameter(const std::string& name, const std::string& value, Errors& errors);
    std::vector<std::pair<std::string, bool>> capabilities() const;
    /// Values as JSON text.
    std::vector<std::pair<std::string, std::string>> parameters() const;

  private:
    bool events_ = false;
    bool mapped_ = true;
    std::uint64_t bandwidth_ = 0;
    std::uint64_t channels_ = 0;
    std::uint64_t level_ = 1;
    bool compress_ = true;
};

}  // namespace backplane::migration
