// What `query-migrate` and `info migrate` say.
#pragma once

#include <backplane/draft/snapshot.h>

#include <string>

namespace backplane::migration {

enum class Status { None, Setup, Active, Cancelling, Cancelled, Completed, Failed };
/// As query-migrate spells it.
const char* status_name(Status status);

struct Report {
    Status status = Status::None;
    std::string problem;
    /// What was counted; copied, as the transfer may be gone.
    std::uint64_t total = 0, done = 0, transferred = 0, zero_pages = 0, data_pages = 0;
    std::uint64_t total_ms = 0;
    std::uint64_t setup_ms = 0;
    bool stopped_machine = false;  ///< the time counts as downtime
};

std::string json(const Report& report);
std::string text(const Report& report);

}  // namespace backplane::migration
