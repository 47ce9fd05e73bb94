// -kernel, -initrd, -append, -bios, -dtb, -L: what the machine starts. Each is a property of the machine.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/user_error.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

void set_machine_property(PlanBuilder& builder, const char* name, const std::string& value) {
    const auto same = [&](const auto& property) { return property.first == name; };
    PropertyList& properties = builder.plan().machine_properties;
    std::erase_if(properties, same);
    properties.emplace_back(name, value);
    PropertyList& options = builder.plan().property_options;
    std::erase_if(options, same);
    options.emplace_back(name, builder.option);
}

void set_file_property(PlanBuilder& builder, const char* name, const std::string& value) {
    if (value.empty()) throw UserError("expects the name of a file; leave the option out for none");
    set_machine_property(builder, name, value);
}

}  // namespace

OptionGroup boot_options() {
    return {"What it starts",
            {{"bios", "FILE", "firmware; 'none' for a machine that starts without",
              [](PlanBuilder& b, const std::string& v) { set_file_property(b, "firmware", v); }},
             {"kernel", "FILE", "a kernel that the firmware (or the machine) starts",
              [](PlanBuilder& b, const std::string& v) { set_file_property(b, "kernel", v); }},
             {"append", "TEXT", "the kernel's command line",
              [](PlanBuilder& b, const std::string& v) { set_machine_property(b, "append", v); }},
             {"initrd", "FILE", "the kernel's initial RAM disk",
              [](PlanBuilder& b, const std::string& v) { set_file_property(b, "initrd", v); }},
             {"dtb", "FILE", "a device tree in place of the machine's own",
              [](PlanBuilder& b, const std::string& v) { set_file_property(b, "dtb", v); }},
             {"L", "DIRECTORY", "where firmware is looked for (may be repeated)",
              [](PlanBuilder& b, const std::string& v) { b.plan().firmware_path.push_back(v); }}}};
}

}  // namespace backplane::kernel
