#include "slot_reports.h"

namespace backplane::hotplug {
namespace {

void add_reports(Object& below, Json& list) {
    if (const auto* chip = query<SlotReports>(below))
        for (std::uint32_t slot = 0; slot < chip->count(); ++slot) list.push_back(chip->report(slot));
    for (std::size_t i = 0; i < below.child_count(); ++i) add_reports(*below.child_at(i), list);
}

}  // namespace

void ReportCommands::execute(Str, Str, CommandReply& reply) {
    Object* root = &object_;
    while (root->parent()) root = root->parent();
    Json list = Json::array();
    add_reports(*root, list);
    reply.succeed(json_text(list));
}

}  // namespace backplane::hotplug
