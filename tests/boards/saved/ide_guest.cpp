#include "ide_guest.h"

namespace backplane::testing {
namespace {

struct Channel {
    std::uint64_t command, control, bus_master;
};
constexpr Channel kChannels[] = {{0x1f0, 0x3f6, 0xc040}, {0x170, 0x376, 0xc048}};

// ATA/ATAPI-6, 7.1: the command block.
enum : std::uint64_t { kData = 0, kCount = 2, kLow = 3, kMiddle = 4, kHigh = 5, kDevice = 6, kCommand = 7 };
constexpr std::uint8_t kPacket = 0xa0;
// Reads and writes by ports and by DMA, single and multiple, verify, identify, set features, flush, reset, …
constexpr std::uint8_t kCommands[] = {0x20, 0x30, 0x24, 0x34, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0x25,    0x35,
                                      0x40, 0xec, 0xa1, 0xef, 0xe7, 0xe0, 0x91, 0x90, 0x08, kPacket, kPacket};
// MMC and SPC: test unit ready, request sense, inquiry, start/stop, read capacity, read (10), TOC, mode sense.
constexpr std::uint8_t kPackets[] = {0x00, 0x03, 0x12, 0x1b, 0x25, 0x28, 0x43, 0x5a, 0x4a, 0x46};

// In RAM: the table of a transfer, and where it goes.
constexpr std::uint64_t kTable = 0x600000, kBuffer = 0x610000;

void command(SavedBoard& board, const Channel& channel, std::mt19937_64& random) {
    const std::uint8_t number = kCommands[random() % std::size(kCommands)];
    board.out(channel.command + kDevice, 0xe0 | random() % 2 << 4, 1);
    board.out(channel.command + kCount, 1 + random() % 4, 1);
    board.out(channel.command + kLow, random() % 130, 1);
    // For a packet, the most bytes of one transfer.
    board.out(channel.command + kMiddle, 0, 1);
    board.out(channel.command + kHigh, number == kPacket ? 8 : 0, 1);
    board.out(channel.command + kCommand, number, 1);
    if (number != kPacket || random() % 8 == 0) return;
    const std::uint64_t packet[] = {
        kPackets[random() % std::size(kPackets)], random() % 4 << 8, 0x2000 | 1, 0x0100, 0, 0};
    for (const std::uint64_t word : packet) board.out(channel.command + kData, word, 2);
}

/// Tells the bus master where the data goes, and starts it.
void transfer(SavedBoard& board, const Channel& channel, std::mt19937_64& random) {
    constexpr std::uint32_t kLast = 1u << 31;
    const std::uint64_t size = 512 * (1 + random() % 8);
    board.bench.store(kTable, kBuffer, 4);
    board.bench.store(kTable + 4, size | kLast, 4);
    board.out(channel.bus_master + 4, kTable, 4);
    board.out(channel.bus_master, random() % 2 ? 9 : 1, 1);
}

}  // namespace

void IdeGuest::act(SavedBoard& board, std::mt19937_64& random, Observed& observed) {
    const Channel& channel = kChannels[random() % std::size(kChannels)];
    switch (random() % 12) {
    case 0:
    case 1:
    case 2: return command(board, channel, random);
    case 3: return transfer(board, channel, random);
    case 4: board.out(channel.bus_master, 0, 1); return board.out(channel.bus_master + 2, 6, 1);
    case 5: return observed.push_back(board.in(channel.command + random() % 8, 1));
    case 6: return observed.push_back(board.in(channel.bus_master + random() % 8, 1));
    case 7: return board.out(channel.control, random() % 4 ? 0 : 4, 1);
    case 8:
    case 9:
        for (std::uint64_t left = random() % 600; left > 0; --left)
            board.out(channel.command + kData, random(), random() % 2 ? 2 : 4);
        return;
    default:
        for (std::uint64_t left = random() % 600; left > 0; --left)
            observed.push_back(board.in(channel.command + kData, 2));
    }
}

}  // namespace backplane::testing
