// The plugin "semihosting": calls of guests to the host, for programs without an operating system.
#include "service.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::semihosting {
namespace {

constexpr PropertyInfo kProperties[] = {
    property<&Service::enabled_>({.name = "enable", .summary = "serve calls; guests reach the host's files"}),
    property<&Service::user_space_>({.name = "userspace", .summary = "of user mode as well"}),
    enum_property<&Service::target_>({.name = "target",
                                      .summary = "who carries calls out: this program",
                                      .default_text = "auto",
                                      .choices = "auto|native"}),
    property<&Service::chardev_>({.name = "chardev", .summary = "the console; stderr unless given"}),
    {.name = "arg",
     .kind = PropertyKind::String,
     .summary = "a word of the command line that the guest may ask for; may be given several times",
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             std::string& all = static_cast<Service*>(part)->arguments_;
             if (!all.empty()) all += ' ';
             all += value.text.view();
             return true;
         },
     .get = [](const void* part,
               PropertyValue& value) { value.text = static_cast<const Service*>(part)->arguments_; }},
};

constexpr OptionInfo kOptions[] = {
    {.name = "semihosting",
     .summary = "serve the guest's calls to the host (its files among them)",
     .group = "Debugging",
     .fixed = "enable=on"},
    {.name = "semihosting-config",
     .argument = "[enable=on|off][,target=native|auto][,chardev=ID][,arg=WORD]...",
     .summary = "the same, in detail; userspace=on lets user mode call as well",
     .group = "Debugging",
     .first_property = "enable"},
};

constexpr InterfaceInfo kInterfaces[] = {offers<Service, Completable>(), offers<Service, Semihosting>()};

constexpr TypeInfo kTypes[] = {
    backend_type<Service>({.name = "semihosting",
                           .parent = "service",
                           .summary = "calls of guests to the host",
                           .interfaces = kInterfaces,
                           .properties = kProperties,
                           .options = kOptions}),
};

}  // namespace
}  // namespace backplane::semihosting

BACKPLANE_PLUGIN("semihosting", "1.0", "Backplane", backplane::semihosting::kTypes)
