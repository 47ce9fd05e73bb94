// Fuzzes a JSON monitor's input: the bytes of a client, in two pieces. What comes back is always lines of JSON, and
// the same however the input was cut. Of its own it makes input of pieces of the
// protocol.
#include "plugins/backends/monitor/qmp.h"
#include "tests/backends/monitor/fixture.h"
#include "tests/fuzz/fuzz.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

using namespace backplane;
using namespace backplane::monitor;

namespace {

std::string answers(std::string_view first, std::string_view second) {
    FakeObject object, chardev_object;
    FakeChardev chardev;
    FakeManagement management;
    object.management = &management;
    chardev_object.chardev = &chardev;
    QmpMonitor monitor(object);
    PropertyValue value;
    value.object = &chardev_object;
    Refusal refusal;
    QmpMonitor::kProperties[0].set(&monitor, value, refusal);
    if (!static_cast<Completable&>(monitor).complete(refusal)) std::abort();
    chardev.front->char_event(CharEvent::Opened);
    chardev.type("{\"execute\": \"qmp_capabilities\"}");
    chardev.type(first);
    chardev.type(second);
    monitor.shut_down();
    return chardev.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string whole = answers(input, "");
    if (answers(input.substr(0, size / 2), input.substr(size / 2)) != whole) std::abort();
    std::size_t at = 0;
    for (std::size_t end; (end = whole.find("\r\n", at)) != std::string::npos; at = end + 2)
        if (!nlohmann::json::accept(whole.substr(at, end - at))) std::abort();
    if (at != whole.size()) std::abort();
    return 0;
}

namespace {

constexpr const char* kPieces[] = {"{",
                                   "}",
                                   "[",
                                   "]",
                                   "\"",
                                   "\\",
                                   "\'",
                                   "{\'execute\': \'a\', \'id\': \'\"\'}",
                                   "1e400",
                                   ":",
                                   ",",
                                   "\"execute\"",
                                   "\"arguments\"",
                                   "\"id\"",
                                   "\"stop\"",
                                   "{\"execute\": \"stop\"}",
                                   "{}",
                                   "1",
                                   "-0.5e9",
                                   "null",
                                   "true",
                                   "\n",
                                   " ",
                                   "\xff",
                                   "\xc3\xa9",
                                   "\xed\xa0\x80",
                                   "\\u0000",
                                   "x",
                                   "{\"execute\": \"a\", \"id\": ",
                                   "}}"};

}  // namespace

namespace backplane::test {

const unsigned kFuzzRounds = 5000;

FuzzInput fuzz_input(std::mt19937& random, unsigned) {
    std::string input;
    for (unsigned pieces = random() % 40; pieces; --pieces) input += any_of(kPieces, random);
    return input_of(input);
}

}  // namespace backplane::test
