#include "fakes.h"

#include <backplane/plugin.h>

namespace backplane::testing {
namespace {

template <class T, class... Interfaces>
constexpr InterfaceInfo kOffers[] = {offers<T, Interfaces>()...};

template <class T, class... Interfaces>
constexpr TypeInfo fake(const char* name, const char* parent = "object") {
    TypeInfo info{.name = name, .parent = parent, .summary = "For tests"};
    info.interfaces = kOffers<T, Interfaces...>;
    info.instance_init = make_part<T>;
    info.instance_finalize = free_part<T>;
    return info;
}

constexpr TypeInfo kTypes[] = {
    fake<FakeBlock, BlockBackend>("fake-block"),
    fake<FakeNet, NetBackend>("fake-net"),
    fake<FakeChar, CharBackend>("fake-char"),
    fake<FakeRng, RngBackend>("fake-rng"),
    fake<FakeShortWays, MessageSink, Doorbells>("fake-short-ways", "service"),
};
BACKPLANE_PLUGIN("virtio-test-fakes", "1.0", "Backplane", kTypes)

}  // namespace
}  // namespace backplane::testing
