// Fuzzes what is read of a guest's frames before the user network gets them. Any bytes may come; the same bytes mean the
// same. Of its own it makes frames that begin like real ones.
#include "plugins/backends/net/new_flow.h"
#include "tests/fuzz/fuzz.h"

#include <cstdlib>

using namespace backplane;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy of its own size, so that a sanitizer sees a read past the end.
    const std::vector<std::uint8_t> frame(data, data + size);
    const auto first = net::new_flow(Bytes(frame.data(), frame.size()), 0x0202000a);
    const auto second = net::new_flow(Bytes(frame.data(), frame.size()), 0x0202000a);
    if (first.has_value() != second.has_value()) std::abort();
    if (first && (first->datagram != second->datagram || first->source != second->source)) std::abort();
    return 0;
}

namespace backplane::test {

const unsigned kFuzzRounds = 200'000;

FuzzInput fuzz_input(std::mt19937& random, unsigned) {
    FuzzInput frame = random_bytes(random, random() % 96);
    const bool sixth = random() % 2;
    if (frame.size() > 13) frame[12] = sixth ? 0x86 : 0x08, frame[13] = sixth ? 0xdd : 0x00;
    if (frame.size() > 14) frame[14] = std::uint8_t((sixth ? 0x60 : 0x40) | random() % 16);
    constexpr std::uint8_t kProtocols[] = {1, 6, 17, 58};
    if (frame.size() > 23) frame[sixth ? 20 : 23] = any_of(kProtocols, random);
    return frame;
}

}  // namespace backplane::test
