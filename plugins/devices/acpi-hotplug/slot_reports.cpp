#include "slot_reports.h"

namespace backplane::hotplug {

void ReportCommands::execute(Str, Str, CommandReply& reply) {
    Json list = Json::array();
    for_each_below(root_of(object_), [&](Object& object) {
        const auto* chip = query<SlotReports>(object);
        for (std::uint32_t slot = 0; chip && slot < chip->count(); ++slot) list.push_back(chip->report(slot));
    });
    reply.succeed(json_text(list));
}

}  // namespace backplane::hotplug
