#include "fake_processor.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::testing {
namespace {

constexpr PropertyInfo kProperties[] = {
    property<&FakeProcessor::index_>({.name = "index", .default_text = "0"}),
    property<&FakeProcessor::apic_id_>({.name = "apic-id", .default_text = "0"}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<FakeProcessor, x86::ProcessorControl>(),
                                         offers<FakeProcessor, x86::TimeStampCounter>()};
constexpr TypeInfo kTypes[] = {
    {
        .name = "fake-x86-processor",
        .summary = "For tests",
        .interfaces = kInterfaces,
        .properties = kProperties,
        .instance_init = make_part<FakeProcessor>,
        .instance_finalize = free_part<FakeProcessor>,
    },
};
BACKPLANE_PLUGIN("apic-test-fakes", "1.0", "Backplane", kTypes)

}  // namespace
}  // namespace backplane::testing
