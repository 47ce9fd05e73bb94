#include "description.h"

namespace backplane::gdb {

std::string xml_text(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        if (c == '<') safe += "&lt;";
        else if (c == '>') safe += "&gt;";
        else if (c == '&') safe += "&amp;";
        else if (c == '"') safe += "&quot;";
        else safe += c;
    }
    return safe;
}

namespace {

std::string attribute(const char* name, std::string_view value) {
    return std::string(" ") + name + "=\"" + xml_text(value) + "\"";
}

}  // namespace

std::string target_description(const Debuggee& debuggee) {
    std::string xml =
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">";
    const Slice<const DebugFeature> features = debuggee.features();
    if (const CpuDebug* first = features.empty() ? nullptr : query<CpuDebug>(debuggee.cpu(0).object()))
        xml += "<architecture>" + xml_text(first->debug_architecture()) + "</architecture>";
    unsigned number = 0;
    for (const DebugFeature& feature : features) {
        xml += "<feature" + attribute("name", feature.name) + ">" + std::string(feature.types.view());
        for (const DebugRegister& reg : feature.registers) {
            xml += "<reg" + attribute("name", reg.name) + attribute("bitsize", std::to_string(reg.bits)) +
                   attribute("regnum", std::to_string(number++)) + attribute("type", reg.type);
            if (!reg.group.empty()) xml += attribute("group", reg.group);
            if (!reg.save_restore) xml += attribute("save-restore", "no");
            xml += "/>";
        }
        xml += "</feature>";
    }
    return xml + "</target>";
}

std::string thread_text(const Debuggee& debuggee, std::size_t cpu) {
    return "CPU#" + std::to_string(cpu) + (debuggee.halted(cpu) ? " [halted]" : " [running]");
}

}  // namespace backplane::gdb
