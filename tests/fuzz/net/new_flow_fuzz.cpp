// Fuzzes what is read of a guest's frames before the user network gets them. Any bytes may come; the same bytes mean the
// same. With libFuzzer (clang -fsanitize=fuzzer) this is the target; in the test suite main() replays the files that
// it is given, or pseudo-random frames that begin like real ones.
#include "plugins/backends/net/new_flow.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

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

#ifndef BACKPLANE_LIBFUZZER
int main(int argc, char** argv) {
    for (int index = 1; index < argc; ++index) {
        std::ifstream file(argv[index], std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    if (argc > 1) return 0;
    std::mt19937 random(1);
    for (int round = 0; round < 200'000; ++round) {
        std::vector<std::uint8_t> frame(random() % 96);
        for (std::uint8_t& byte : frame) byte = std::uint8_t(random());
        const bool sixth = random() % 2;
        if (frame.size() > 13) frame[12] = sixth ? 0x86 : 0x08, frame[13] = sixth ? 0xdd : 0x00;
        if (frame.size() > 14) frame[14] = std::uint8_t((sixth ? 0x60 : 0x40) | random() % 16);
        constexpr std::uint8_t kProtocols[] = {1, 6, 17, 58};
        if (frame.size() > 23) frame[sixth ? 20 : 23] = kProtocols[random() % 4];
        LLVMFuzzerTestOneInput(frame.data(), frame.size());
    }
    return 0;
}
#endif
