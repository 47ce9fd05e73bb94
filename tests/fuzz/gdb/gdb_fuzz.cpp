// Fuzzes a debugger's input: the bytes of a client that lies, in two pieces, with the machine stopping in between. What
// comes back is whole packets, and what the client may hold of ours is bounded. Of its own it makes
// packets of pieces of the protocol.
#include "tests/backends/gdb/fixture.h"
#include "tests/fuzz/fuzz.h"

using namespace backplane;
using namespace backplane::gdb;
using namespace backplane::gdb::testing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    FakeMachine machine;
    Client client(machine);
    client.send_raw(input.substr(0, size / 2));
    machine.cpu_stops(size % 2, {DebugStop::Reason(size % 6), size});
    machine.run_posted();
    client.send_raw(input.substr(size / 2));
    machine.stop_machine(false);
    client.session().end();
    if (machine.debug_listener || !machine.points.empty()) std::abort();
    PacketReader reader;
    for (const char c : client.raw)
        if (const auto event = reader.feed(std::uint8_t(c)))
            if (event->kind != PacketEvent::Kind::Packet && event->kind != PacketEvent::Kind::Resend)
                std::abort();
    return 0;
}

namespace {

constexpr const char* kPieces[] = {"g",
                                   "G",
                                   "p",
                                   "P",
                                   "m",
                                   "M",
                                   "X",
                                   "Z0",
                                   "Z2",
                                   "z4",
                                   "Hg",
                                   "Hc",
                                   "T",
                                   "?",
                                   "D",
                                   "k",
                                   "c",
                                   "s",
                                   "C05",
                                   "S05",
                                   "!",
                                   "vCont",
                                   "vCont?",
                                   ";c",
                                   ";s",
                                   ";C05",
                                   ":",
                                   ":1",
                                   ":p1.-1",
                                   ":p1.2",
                                   ",",
                                   ",4",
                                   "=",
                                   "=0011223344556677",
                                   "0",
                                   "1",
                                   "2",
                                   "80100000",
                                   "ffffffffffffffff",
                                   "-1",
                                   "qSupported",
                                   ":multiprocess+",
                                   ";swbreak+",
                                   "qXfer",
                                   ":features:read:target.xml:",
                                   ":threads:read::",
                                   "0,ffffffff",
                                   "qRcmd,",
                                   "696e666f",
                                   "qfThreadInfo",
                                   "qThreadExtraInfo,",
                                   "vAttach;1",
                                   "vKill;1",
                                   "QStartNoAckMode",
                                   "Qqemu.sstep=",
                                   "qqemu.sstep",
                                   "Qqemu.PhyMemMode:",
                                   "qC",
                                   "\x03",
                                   "+",
                                   "-",
                                   "$",
                                   "#",
                                   "}",
                                   "*",
                                   "\xff",
                                   "xyz"};

}  // namespace

namespace backplane::test {

const unsigned kFuzzRounds = 20'000;

FuzzInput fuzz_input(std::mt19937& random, unsigned) {
    std::string input;
    for (unsigned packets = random() % 6; packets; --packets) {
        std::string payload;
        for (unsigned pieces = random() % 6; pieces; --pieces) payload += any_of(kPieces, random);
        input += random() % 8 ? framed(payload) : payload;
    }
    return input_of(input);
}

}  // namespace backplane::test
