// The 82540EM through its registers and rings.
#include "tests/devices/virtio/fakes.h"

#include <backplane/boot.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <numeric>

namespace backplane::testing {
namespace {

using Frame = std::vector<std::uint8_t>;

enum : std::uint32_t {
    CTRL = 0x00,
    STATUS = 0x08,
    EECD = 0x10,
    EERD = 0x14,
    MDIC = 0x20,
    VET = 0x38,
    ICR = 0xc0,
    ICS = 0xc8,
    IMS = 0xd0,
    IMC = 0xd8,
    RCTL = 0x100,
    TCTL = 0x400,
    RDBAL = 0x2800,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    GPRC = 0x4074,
    GPTC = 0x4080,
    RNBC = 0x40a0,
    MTA = 0x5200,
    RAL = 0x5400,
    RAH = 0x5404,
    VFTA = 0x5600
};
constexpr std::uint32_t kTransmitRing = 0x1000, kReceiveRing = 0x2000, kData = 0x4000, kBuffers = 0x10000;
constexpr std::uint32_t kEnd = 1u << 24, kChecksum = 1u << 26, kSegment = 1u << 26, kReport = 1u << 27,
                        kExtended = 1u << 29, kVlan = 1u << 30, kDataType = 1u << 20;

class E1000 : public ::testing::Test {
  protected:
    E1000() : card(make()), pci(*query<PciDevice>(card)) {
        Access access;
        pci.config_write(pci::kCommand, 2, pci::kCommandMemory | pci::kCommandBusMaster, access);
        bench.focus(card);
        set(TDBAL, ram(kTransmitRing));
        set(TDLEN, 8 * 16);
        set(RDBAL, ram(kReceiveRing));
        set(RDLEN, 8 * 16);
        for (unsigned i = 0; i < 8; ++i) put(kReceiveRing + 16 * i, ram(kBuffers + 0x4000 * i), 8);
        set(IMS, 0x1ffff);
    }
    Object& make() {
        bench.add("gpex-pcihost", "pci");
        wire = static_cast<FakeNet*>(bench.add("fake-net", "wire").part("fake-net"));
        return bench.add("e1000", "card", {{"netdev", "wire"}}, "pci");
    }

    static constexpr std::uint32_t ram(std::uint32_t at) {
        return std::uint32_t(DeviceBench::kRamBase.value) + at;
    }
    std::uint32_t get(std::uint32_t offset) { return std::uint32_t(bench.read(offset, 4, "registers")); }
    void set(std::uint32_t offset, std::uint32_t value) { bench.write(offset, value, 4, "registers"); }
    void put(std::uint32_t at, std::uint64_t value, unsigned size) {
        std::memcpy(bench.ram().data + at, &value, size);
    }
    std::uint64_t load(std::uint32_t at, unsigned size) {
        std::uint64_t value = 0;
        std::memcpy(&value, bench.ram().data + at, size);
        return value;
    }
    bool interrupt() { return pci.config(pci::kStatus, 2) & pci::kStatusInterrupt; }

    /// A descriptor at the tail of the transmit ring.
    void describe(std::uint64_t address, std::uint32_t command, std::uint32_t status = 0) {
        put(kTransmitRing + 16 * tail, address, 8);
        put(kTransmitRing + 16 * tail + 8, command, 4);
        put(kTransmitRing + 16 * tail + 12, status, 4);
        tail = (tail + 1) % 8;
    }
    void describe_data(const Frame& bytes, std::uint32_t command, std::uint32_t status = 0) {
        std::copy(bytes.begin(), bytes.end(), bench.ram().data + kData + used);
        describe(ram(kData + used), command | std::uint32_t(bytes.size()), status);
        used += std::uint32_t(bytes.size());
    }
    void send() {
        set(TCTL, 2);
        set(TDT, tail);
    }

    void listen(std::uint32_t control = 0x8002, std::uint32_t descriptors = 7) {
        set(RDT, descriptors);
        set(RCTL, control);
    }
    static Frame frame(std::initializer_list<unsigned> to, std::size_t size = 100) {
        Frame bytes(size);
        std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
        std::copy(to.begin(), to.end(), bytes.begin());
        bytes[12] = 8;
        bytes[13] = 0;
        return bytes;
    }
    static Frame to_card(std::size_t size = 100) { return frame({0x52, 0x54, 0, 0x12, 0x34, 0x56}, size); }
    static Frame to_all() { return frame({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}); }
    bool arrives(const Frame& bytes) {
        const std::uint32_t before = get(RDH);
        wire->front->receive_frame(Bytes(bytes));
        return get(RDH) != before;
    }
    Frame received(unsigned index) {
        const auto size = load(kReceiveRing + 16 * index + 8, 2);
        const std::uint8_t* from = bench.ram().data + kBuffers + 0x4000 * index;
        return {from, from + size};
    }
    unsigned status(unsigned index) { return unsigned(load(kReceiveRing + 16 * index + 12, 1)); }

    DeviceBench bench;
    FakeNet* wire = nullptr;
    Object& card;
    PciDevice& pci;
    unsigned tail = 0;
    std::uint32_t used = 0;
};

TEST_F(E1000, IsAn82540EM) {
    EXPECT_EQ(pci.config(0, 4), 0x100e8086u);
    EXPECT_EQ(pci.config(8, 4), 0x02000003u);
    EXPECT_EQ(pci.config(0x3d, 1), 1u);
    EXPECT_EQ(get(CTRL), 0x00140240u);
    EXPECT_EQ(get(STATUS), 0x80080783u);
    EXPECT_EQ(get(RAL), 0x12005452u);
    EXPECT_EQ(get(RAH), 0x80005634u);
    EXPECT_EQ(get(VET), 0x8100u);
    EXPECT_EQ(get(0x1000), 0x00100030u);
    EXPECT_EQ(get(0x0eee), 0u);
}

TEST(E1000OfThePast, HasNoVlanTypeAfterItsReset) {
    DeviceBench bench;
    bench.add("gpex-pcihost", "pci");
    Object& card = bench.add("e1000", "card", {{"init-vet", "off"}}, "pci");
    Access access;
    query<PciDevice>(card)->config_write(pci::kCommand, 2, pci::kCommandMemory, access);
    bench.focus(card);
    EXPECT_EQ(bench.read(VET, 4, "registers"), 0u);
}

TEST_F(E1000, TheEepromAnswersAtOnce) {
    std::uint16_t sum = 0;
    for (unsigned word = 0; word < 64; ++word) {
        set(EERD, word << 8 | 1);
        EXPECT_EQ(get(EERD) & 0xff1f, word << 8 | 0x10);
        sum = std::uint16_t(sum + (get(EERD) >> 16));
    }
    EXPECT_EQ(sum, 0xbaba);
    set(EERD, 0x0201);
    EXPECT_EQ(get(EERD), 0x56340210u);
}

TEST_F(E1000, TheEepromAnswersBitByBit) {
    const auto clock = [this](unsigned data) {
        set(EECD, 0x42 | data << 2);
        set(EECD, 0x43 | data << 2);
        const unsigned out = get(EECD) >> 3 & 1;
        set(EECD, 0x42 | data << 2);
        return out;
    };
    for (const unsigned word : {0u, 1u, 2u, 13u}) {
        set(EECD, 0x40);
        EXPECT_EQ(get(EECD) & 0xc0, 0xc0u) << "granted";
        set(EECD, 0x42);
        clock(0);
        for (int bit = 8; bit >= 0; --bit) clock((6u << 6 | word) >> bit & 1);
        EXPECT_EQ(get(EECD) & 8, 0u) << "a zero comes first";
        unsigned value = 0;
        for (unsigned bit = 0; bit < 16; ++bit) value = value << 1 | clock(0);
        set(EERD, word << 8 | 1);
        EXPECT_EQ(value, get(EERD) >> 16);
    }
}

TEST_F(E1000, TheTransceiverHasALink) {
    const auto read = [this](unsigned reg, unsigned address = 1) {
        set(MDIC, 2u << 26 | address << 21 | reg << 16);
        return get(MDIC);
    };
    EXPECT_EQ(read(2) & 0x5000ffff, 0x10000141u);
    EXPECT_EQ(read(3) & 0xffff, 0x0c20u);
    EXPECT_EQ(read(1) & 0xffff, 0x796du);
    EXPECT_EQ(read(7) & 0x50000000, 0x50000000u) << "a register that there is not";
    EXPECT_EQ(read(1, 2) & 0x50000000, 0x50000000u) << "another transceiver";
    set(MDIC, 1u << 26 | 1u << 21 | 4u << 16 | 0x1234);
    EXPECT_EQ(read(4) & 0xffff, 0x1234u);
    get(ICR);
    wire->front->link_changed(false);
    EXPECT_EQ(read(1) & 0xffff, 0x7949u);
    EXPECT_EQ(get(STATUS) & 2, 0u);
    EXPECT_EQ(get(ICR), 4u);
    set(MDIC, 1u << 29 | 2u << 26 | 1u << 21);
    EXPECT_EQ(get(ICR), 0x200u);
}

TEST_F(E1000, DescriptorsMakeAFrame) {
    const Frame whole = to_all();
    describe_data({whole.begin(), whole.begin() + 40}, 0);
    describe_data({whole.begin() + 40, whole.end()}, kEnd | kReport);
    send();
    ASSERT_EQ(wire->sent.size(), 1u);
    EXPECT_EQ(wire->sent[0], whole);
    EXPECT_EQ(get(TDH), 2u);
    EXPECT_EQ(load(kTransmitRing + 12, 1), 0u) << "no report was asked for";
    EXPECT_EQ(load(kTransmitRing + 16 + 12, 1), 1u);
    EXPECT_TRUE(interrupt());
    EXPECT_EQ(get(ICR), 3u);
    EXPECT_FALSE(interrupt());
    EXPECT_EQ(get(GPTC), 1u);
    EXPECT_EQ(get(GPTC), 0u) << "reading clears it";
}

TEST_F(E1000, NothingIsSentWhileItIsOff) {
    describe_data(to_all(), kEnd);
    set(TDT, 1);
    EXPECT_TRUE(wire->sent.empty());
    set(TCTL, 2);
    EXPECT_EQ(wire->sent.size(), 1u);
    wire->front->link_changed(false);
    describe_data(to_all(), kEnd);
    send();
    EXPECT_EQ(wire->sent.size(), 1u) << "the cable is out";
}

TEST_F(E1000, AChecksumIsInserted) {
    Frame whole(60, 0);
    whole[20] = 0x12;
    whole[30] = 0xff;
    describe_data(whole, kEnd | kChecksum | 50u << 16, 20u << 8);
    send();
    EXPECT_EQ(wire->sent[0][50] << 8 | wire->sent[0][51], 0xffff - 0x1200 - 0xff00 + 0xffff);
    // Behind the end: left out.
    describe_data(whole, kEnd | kChecksum | 59u << 16, 20u << 8);
    send();
    EXPECT_EQ(wire->sent[1], whole);
}

std::uint32_t folded(const Frame& frame, std::size_t from, std::size_t to, std::uint32_t sum = 0) {
    for (std::size_t at = from; at < to; ++at) sum += std::uint32_t{frame[at]} << ((at - from) % 2 ? 0 : 8);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

TEST_F(E1000, ALongFrameLeavesInSegments) {
    Frame whole(54 + 250, 0);
    std::iota(whole.begin() + 54, whole.end(), std::uint8_t{0});
    whole[12] = 8;
    whole[14] = 0x45;
    whole[18] = 0x12;
    whole[23] = 6;
    for (unsigned i = 26; i < 34; ++i) whole[i] = std::uint8_t(i);
    whole[41] = 100;  // of the sequence number
    whole[46] = 0x50;
    whole[47] = 0x19;  // FIN, PSH, ACK
    const std::uint32_t pseudo = folded(whole, 26, 34, 6);
    whole[50] = std::uint8_t(pseudo >> 8);
    whole[51] = std::uint8_t(pseudo);
    describe(14u | 24u << 8 | 33u << 16 | std::uint64_t{34u | 50u << 8} << 32, kExtended | 3u << 24,
             54u << 8 | 100u << 16);
    describe_data(whole, kEnd | kReport | kExtended | kDataType | kSegment, 3u << 8);
    send();
    ASSERT_EQ(wire->sent.size(), 3u);
    for (unsigned i = 0; i < 3; ++i) {
        SCOPED_TRACE(i);
        const Frame& part = wire->sent[i];
        const std::size_t size = i < 2 ? 100 : 50;
        ASSERT_EQ(part.size(), 54 + size);
        EXPECT_TRUE(std::equal(part.begin() + 54, part.end(), whole.begin() + 54 + 100 * i));
        EXPECT_EQ(part[16] << 8 | part[17], int(40 + size));
        EXPECT_EQ(part[18] << 8 | part[19], int(0x1200 + i));
        EXPECT_EQ(part[40] << 8 | part[41], int(100 + 100 * i));
        EXPECT_EQ(part[47], i < 2 ? 0x10 : 0x19);
        EXPECT_EQ(folded(part, 14, 34), 0xffffu);
        EXPECT_EQ(folded(part, 34, part.size(), folded(part, 26, 34, std::uint32_t(6 + 20 + size))), 0xffffu);
    }
    EXPECT_EQ(get(0x40f8), 1u);
}

TEST_F(E1000, AVlanTagIsInsertedAndTakenOut) {
    set(CTRL, 0x40140240);
    const Frame plain = to_card();
    describe_data(plain, kEnd | kVlan, 0x0123u << 16);
    send();
    ASSERT_EQ(wire->sent[0].size(), 104u);
    EXPECT_EQ(wire->sent[0][12], 0x81u);
    EXPECT_EQ(wire->sent[0][14] << 8 | wire->sent[0][15], 0x123);
    listen(0x8002 | 1u << 26);
    EXPECT_TRUE(arrives(wire->sent[0]));
    EXPECT_EQ(received(0), plain);
    EXPECT_EQ(status(0), 0x0fu);
    EXPECT_EQ(load(kReceiveRing + 14, 2), 0x123u);
    set(RCTL, 0x8002 | 1u << 18);
    EXPECT_FALSE(arrives(wire->sent[0])) << "not among its VLANs";
    set(VFTA + 4 * (0x123 / 32), 1u << (0x123 % 32));
    EXPECT_TRUE(arrives(wire->sent[0]));
}

TEST_F(E1000, AFrameFillsADescriptor) {
    listen();
    const Frame bytes = to_card(40);
    EXPECT_TRUE(arrives(bytes));
    EXPECT_EQ(received(0).size(), 64u) << "filled up, and its check sequence";
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), received(0).begin()));
    EXPECT_EQ(status(0), 7u);
    EXPECT_TRUE(interrupt());
    EXPECT_EQ(get(ICR), 0x80u);
    EXPECT_EQ(get(GPRC), 1u);
}

TEST_F(E1000, ALongFrameFillsSeveral) {
    listen(0x8002 | 3u << 16 | 1u << 26);
    const Frame bytes = to_card(600);
    EXPECT_TRUE(arrives(bytes));
    EXPECT_EQ(get(RDH), 3u);
    EXPECT_EQ(status(0), 5u);
    EXPECT_EQ(status(1), 5u);
    EXPECT_EQ(status(2), 7u);
    EXPECT_EQ(received(0).size() + received(1).size() + received(2).size(), 600u);
    EXPECT_FALSE(arrives(to_card(1600))) << "too long";
    set(RCTL, 0x8002 | 1u << 5);
    EXPECT_TRUE(arrives(to_card(1600)));
}

TEST_F(E1000, FiltersLetInWhatIsWanted) {
    const Frame other = frame({0x52, 0x54, 0, 1, 2, 3}), group = frame({0x01, 0, 0x5e, 0, 0, 0xfb});
    listen(0x0002);
    EXPECT_TRUE(arrives(to_card()));
    EXPECT_FALSE(arrives(other));
    EXPECT_FALSE(arrives(group));
    EXPECT_FALSE(arrives(to_all()));
    set(RCTL, 0x8002);
    EXPECT_TRUE(arrives(to_all()));
    set(RCTL, 0x000a);
    EXPECT_TRUE(arrives(other));
    set(RCTL, 0x0012);
    EXPECT_TRUE(arrives(group));
    set(RCTL, 0x0002);
    const unsigned bit = 0xfb00 >> 4;
    set(MTA + 4 * (bit / 32), 1u << bit % 32);
    EXPECT_TRUE(arrives(group));
    set(RAL + 8, 0x01005452);
    set(RAH + 8, 0x80000302);
    EXPECT_TRUE(arrives(other));
    EXPECT_FALSE(arrives({1, 2, 3}));
    set(RCTL, 0);
    EXPECT_TRUE(wire->front->receive_frame(Bytes(to_card()))) << "dropped, not held back";
    EXPECT_FALSE(arrives(to_card()));
}

TEST_F(E1000, AFrameWaitsForADescriptor) {
    listen(0x8002, 0);
    get(ICR);
    EXPECT_FALSE(wire->front->receive_frame(Bytes(to_card())));
    EXPECT_EQ(get(ICR), 0x40u);
    EXPECT_EQ(get(RNBC), 1u);
    EXPECT_EQ(wire->accepts, 0u);
    set(RDT, 4);
    EXPECT_EQ(wire->accepts, 1u);
    EXPECT_TRUE(wire->front->receive_frame(Bytes(to_card())));
    EXPECT_EQ(get(ICR), 0x90u) << "and few are left";
}

TEST_F(E1000, CausesAreMaskedAndCleared) {
    set(IMC, 0x1ffff);
    set(ICS, 0x14);
    EXPECT_FALSE(interrupt());
    set(IMS, 0x10);
    EXPECT_EQ(get(IMS), 0x10u);
    EXPECT_TRUE(interrupt());
    set(ICR, 0x10);
    EXPECT_FALSE(interrupt());
    EXPECT_EQ(bench.peek(ICR, 4, "registers"), 4u);
    EXPECT_EQ(get(ICR), 4u);
    EXPECT_EQ(get(ICR), 0u);
}

TEST_F(E1000, AResetBeginsAnew) {
    set(RAL, 0);
    set(ICS, 4);
    listen();
    set(CTRL, 1u << 26);
    EXPECT_EQ(get(CTRL), 0x00140240u);
    EXPECT_EQ(get(RAL), 0x12005452u);
    EXPECT_EQ(get(RCTL), 0u);
    EXPECT_EQ(get(IMS), 0u);
    EXPECT_FALSE(interrupt());
}

TEST_F(E1000, PortsReachTheRegisters) {
    bench.write(0, RAL, 4, "ports");
    EXPECT_EQ(bench.read(0, 4, "ports"), RAL);
    EXPECT_EQ(bench.read(4, 4, "ports"), 0x12005452u);
    bench.write(4, 7, 4, "ports");
    EXPECT_EQ(get(RAL), 7u);
    bench.write(0, 0xffffffff, 4, "ports");
    bench.write(4, 7, 4, "ports");
    EXPECT_EQ(bench.read(4, 4, "ports"), 0u);
}

TEST_F(E1000, RingsThatLieAreTakenWithinThemselves) {
    set(TDH, 0xffff);
    set(TDT, 0xfffe);
    set(TCTL, 2);
    EXPECT_LT(get(TDH), 8u);
    set(TDLEN, 0);
    set(TDT, 5);
    set(RDLEN, 0);
    listen();
    EXPECT_FALSE(wire->front->receive_frame(Bytes(to_card())));
    // A frame without an end is dropped at its most.
    set(TDLEN, 8 * 16);
    tail = get(TDH);
    for (unsigned i = 0; i < 6; ++i) describe(ram(0), kExtended | kDataType | 0x8000 | (i == 5 ? kEnd : 0));
    send();
    EXPECT_TRUE(wire->sent.empty());
    tail = get(TDH);
    describe_data(to_all(), kEnd);
    send();
    EXPECT_EQ(wire->sent.size(), 1u);
}

TEST_F(E1000, AFrameGoesOnAfterALoad) {
    const Frame whole = to_all();
    describe_data({whole.begin(), whole.begin() + 40}, 0);
    send();
    const auto state = bench.save_state();
    bench.reset();
    bench.load_state(state);
    describe_data({whole.begin() + 40, whole.end()}, kEnd);
    send();
    ASSERT_EQ(wire->sent.size(), 1u);
    EXPECT_EQ(wire->sent[0], whole);
}

TEST_F(E1000, WhatIsNoAddressIsRefused) {
    EXPECT_NE(bench.try_add("e1000", "other", {{"mac", "52:54"}}, "pci").find("'mac' is not an address"),
              std::string::npos);
    EXPECT_EQ(bench.property(card, "mac"), "52:54:00:12:34:56");
    EXPECT_EQ(bench.property(bench.add("e1000", "second", {}, "pci"), "mac"), "52:54:00:12:34:57");
    auto* bootable = query<Bootable>(bench.add("e1000", "third", {{"bootindex", "1"}}, "pci"));
    ASSERT_NE(bootable, nullptr);
    EXPECT_EQ(bootable->boot_index(), 1);
}

}  // namespace
}  // namespace backplane::testing
