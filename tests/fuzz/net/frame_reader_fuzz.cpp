// Fuzzes what cuts a stream of a stranger's bytes into frames: the same frames come out however the stream was cut. Of
// its own it makes streams of short frames.
#include "plugins/backends/net/frame_reader.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <cstdlib>

using namespace backplane;

namespace {

std::vector<std::vector<std::uint8_t>> frames_of(const std::uint8_t* data, std::size_t size,
                                                 std::size_t step) {
    net::FrameReader reader;
    std::vector<std::vector<std::uint8_t>> frames;
    for (std::size_t at = 0; at < size && !reader.broken(); at += step) {
        const std::size_t count = std::min(step, size - at);
        std::memcpy(reader.room(step), data + at, count);
        reader.added(count);
        for (Bytes frame = reader.frame(); !frame.empty() && !reader.broken(); frame = reader.frame()) {
            frames.emplace_back(frame.begin(), frame.end());
            reader.next();
        }
    }
    return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto whole = frames_of(data, size, std::max<std::size_t>(size, 1));
    for (const std::size_t step : {1u, 3u, 64u})
        if (frames_of(data, size, step) != whole) std::abort();
    return 0;
}

namespace backplane::test {

const unsigned kFuzzRounds = 5000;

FuzzInput fuzz_input(std::mt19937& random, unsigned) {
    FuzzInput stream;
    for (unsigned frames = random() % 8; frames; --frames) {
        const std::size_t size = random() % 40;
        const bool wild = random() % 16 == 0;
        const std::uint8_t header[] = {wild ? std::uint8_t(random()) : std::uint8_t(0), 0, 0,
                                       std::uint8_t(size)};
        stream.insert(stream.end(), header, header + sizeof header);
        for (std::size_t at = 0; at < size; ++at) stream.push_back(std::uint8_t(random()));
    }
    stream.resize(stream.size() - std::min<std::size_t>(stream.size(), random() % 8));
    return stream;
}

}  // namespace backplane::test
