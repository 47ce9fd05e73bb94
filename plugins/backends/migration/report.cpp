#include "report.h"

#include <lib/json.h>

namespace backplane::migration {
namespace {

constexpr std::uint64_t kPage = 4096;

double megabits_per_second(const Report& report) {
    return report.total_ms ? double(report.transferred) * 8 / 1000 / double(report.total_ms) : 0;
}

bool counted(const Report& report) {
    return report.status == Status::Active || report.status == Status::Cancelling ||
           report.status == Status::Completed;
}

}  // namespace

const char* status_name(Status status) {
    switch (status) {
    case Status::None: return "none";
    case Status::Setup: return "setup";
    case Status::Active: return "active";
    case Status::Cancelling: return "cancelling";
    case Status::Cancelled: return "cancelled";
    case Status::Completed: return "completed";
    case Status::Failed: return "failed";
    }
    return "";
}

std::string json(const Report& report) {
    Json all = Json::object();
    if (report.status == Status::None) return json_text(all);
    all["status"] = status_name(report.status);
    if (!report.problem.empty()) all["error-desc"] = report.problem;
    if (!counted(report)) return json_text(all);
    all["total-time"] = report.total_ms;
    all["setup-time"] = report.setup_ms;
    if (report.stopped_machine)
        all[report.status == Status::Completed ? "downtime" : "expected-downtime"] = report.total_ms;
    all["ram"] = {{"total", report.total},
                  {"transferred", report.transferred},
                  {"remaining", report.total - report.done},
                  {"duplicate", report.zero_pages},
                  {"normal", report.data_pages},
                  {"normal-bytes", report.data_pages * kPage},
                  {"page-size", kPage},
                  {"mbps", megabits_per_second(report)},
                  {"pages-per-second", report.total_ms ? report.done / kPage * 1000 / report.total_ms : 0},
                  {"dirty-pages-rate", 0},
                  {"dirty-sync-count", 1},
                  {"dirty-sync-missed-zero-copy", 0},
                  {"postcopy-requests", 0},
                  {"multifd-bytes", 0},
                  {"precopy-bytes", 0},
                  {"downtime-bytes", report.transferred},
                  {"postcopy-bytes", 0}};
    return json_text(all);
}

std::string text(const Report& report) {
    if (report.status == Status::None) return "";
    std::string out = "Migration status: " + std::string(status_name(report.status));
    if (!report.problem.empty()) out += " (" + report.problem + ")";
    out += "\n";
    if (!counted(report)) return out;
    const auto line = [&](const char* name, std::uint64_t value, const char* unit) {
        out += std::string(name) + ": " + std::to_string(value) + " " + unit + "\n";
    };
    line("total time", report.total_ms, "ms");
    if (report.stopped_machine) line("downtime", report.total_ms, "ms");
    line("setup", report.setup_ms, "ms");
    line("transferred ram", report.transferred >> 10, "kbytes");
    out += "throughput: " + json_text(megabits_per_second(report)) + " mbps\n";
    line("remaining ram", (report.total - report.done) >> 10, "kbytes");
    line("total ram", report.total >> 10, "kbytes");
    line("duplicate", report.zero_pages, "pages");
    line("normal", report.data_pages, "pages");
    line("normal bytes", report.data_pages * kPage >> 10, "kbytes");
    return out;
}

}  // namespace backplane::migration
