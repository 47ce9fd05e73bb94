#include "fakes.h"

#include <backplane/plugin.h>

namespace backplane::testing {
namespace {

template <class T, class Interface>
constexpr InterfaceInfo kOffers[] = {offers<T, Interface>()};

template <class T, class Interface>
constexpr TypeInfo fake(const char* name) {
    TypeInfo info{.name = name, .summary = "For tests"};
    info.interfaces = kOffers<T, Interface>;
    info.instance_init = make_part<T>;
    info.instance_finalize = free_part<T>;
    return info;
}

constexpr TypeInfo kTypes[] = {
    fake<FakeBlock, BlockBackend>("fake-block"),
    fake<FakeNet, NetBackend>("fake-net"),
    fake<FakeChar, CharBackend>("fake-char"),
    fake<FakeRng, RngBackend>("fake-rng"),
};
BACKPLANE_PLUGIN("virtio-test-fakes", "1.0", "Backplane", kTypes)

}  // namespace
}  // namespace backplane::testing
