// The plugin "qtest".
#include "qtest.h"

#include <backplane/plugin.h>

namespace backplane::qtest {
namespace {

constexpr InterfaceInfo kInterfaces[] = {offers<Qtest, Accelerator>(), offers<Qtest, ClockSource>()};

constexpr TypeInfo kTypes[] = {
    {.name = "qtest-accel",
     .parent = "accelerator",
     .summary = "no CPU executes; a test drives the machine",
     .option_name = "qtest",
     .category = "Test",
     .interfaces = kInterfaces,
     .properties = Qtest::kProperties,
     .instance_init = make_part<Qtest>,
     .instance_finalize = free_part<Qtest>},
};

}  // namespace
}  // namespace backplane::qtest

BACKPLANE_PLUGIN("qtest", "1.0", "Backplane", backplane::qtest::kTypes)
