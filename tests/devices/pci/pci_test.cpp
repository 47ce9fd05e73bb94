// Configuration space, BARs, interrupts and places, through a host bridge's windows and a device with all of them.
#include <backplane/device.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <fstream>
#include <unistd.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kEcam = 0x30000000;
constexpr std::uint64_t kWindow = 0x40000000;
constexpr std::uint64_t kPorts = 0x03000000;

class Pci : public ::testing::Test {
  protected:
    explicit Pci(const char* messages = "on") {
        host = &bench.add("gpex-pcihost", "pci", {{"msi", messages}});
        bench.map(*host, "ecam", GuestAddress(kEcam));
        bench.map(*host, "mmio32", GuestAddress(kWindow));
        bench.map(*host, "pio", GuestAddress(kPorts));
    }
    void plug(const char* address = "02.0") {
        device = &bench.add("virtio-serial-pci", "serial", {{"addr", address}}, "pci");
        pci = query<PciDevice>(*device);
    }
    static GuestAddress config(unsigned slot, unsigned offset) {
        return GuestAddress(kEcam + (slot << 15) + offset);
    }
    std::uint64_t get(unsigned slot, unsigned offset, unsigned size = 4) {
        return bench.load(config(slot, offset), size);
    }
    void put(unsigned slot, unsigned offset, std::uint64_t value, unsigned size = 4) {
        bench.store(config(slot, offset), value, size);
    }
    unsigned capability(unsigned slot, unsigned id) {
        for (std::uint64_t at = get(slot, pci::kCapabilities, 1); at != 0;
             at = get(slot, unsigned(at) + 1, 1))
            if (get(slot, unsigned(at), 1) == id) return unsigned(at);
        return 0;
    }
    DeviceBench bench;
    Object* host = nullptr;
    Object* device = nullptr;
    PciDevice* pci = nullptr;
};

TEST_F(Pci, TheRootIsAtZero) {
    EXPECT_EQ(get(0, 0), 0x00081b36u);
    EXPECT_EQ(get(0, pci::kRevisionId), 0x06000000u);
    EXPECT_EQ(get(0, pci::kSubsystemVendorId), 0x11001af4u);
    EXPECT_EQ(get(0, pci::kCommand), 0u);
}

TEST_F(Pci, WhatIsNotThereReadsAsOnes) {
    EXPECT_EQ(get(1, 0), 0xffffffffu);
    EXPECT_EQ(get(0, 0x100), 0xffffffffu) << "the root has no extended space";
    EXPECT_EQ(get(1, 0, 2), 0xffffu);
    EXPECT_EQ(bench.load(GuestAddress(kEcam + (5u << 20)), 4), 0xffffffffu) << "no other bus";
}

TEST_F(Pci, ReadOnlyBitsStay) {
    put(0, pci::kVendorId, 0);
    put(0, pci::kClassCode, 0, 1);
    put(0, pci::kCapabilities, 0xffffffff);
    EXPECT_EQ(get(0, 0), 0x00081b36u);
    EXPECT_EQ(get(0, pci::kCapabilities), 0u);
    put(0, pci::kBar0, 0xffffffff);
    EXPECT_EQ(get(0, pci::kBar0), 0u);
}

TEST_F(Pci, TheCommandRegisterKeepsTheBitsThatWork) {
    put(0, pci::kCommand, 0xffff, 2);
    EXPECT_EQ(get(0, pci::kCommand, 2), 0x0507u);
}

class PciRom : public Pci {
  protected:
    ~PciRom() override { std::remove(path.c_str()); }
    void write_file(std::size_t size) {
        std::vector<char> bytes(size);
        for (std::size_t i = 0; i < size; ++i) bytes[i] = char(i % 251);
        std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(size));
    }
    std::string plug_with_rom() {
        return bench.try_add("virtio-serial-pci", "serial", {{"addr", "02.0"}, {"romfile", path}}, "pci");
    }
    std::string path = ::testing::TempDir() + "pci_rom_" + std::to_string(::getpid());
};

TEST_F(PciRom, AnExpansionRomIsSizedAndMapped) {
    write_file(5000);
    ASSERT_EQ(plug_with_rom(), "");
    EXPECT_EQ(get(2, pci::kExpansionRom), 0u);
    put(2, pci::kExpansionRom, 0xffffffff);
    EXPECT_EQ(get(2, pci::kExpansionRom), 0xffffe001u) << "8 KiB";
    put(2, pci::kExpansionRom, kWindow + 0x10000);
    put(2, pci::kCommand, pci::kCommandMemory, 2);
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x10000 + 300), 1), 0xffu) << "it is off";
    put(2, pci::kExpansionRom, kWindow + 0x10001);
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x10000 + 300), 1), 49u);
    bench.store(GuestAddress(kWindow + 0x10000 + 300), 7, 1);
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x10000 + 300), 1), 49u) << "read-only";
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x10000 + 6000), 1), 0u) << "behind the file";
    put(2, pci::kCommand, 0, 2);
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x10000 + 300), 1), 0xffu);
}

TEST_F(PciRom, AFileThatCannotBeOneIsNamed) {
    EXPECT_NE(plug_with_rom().find("romfile: could not open '" + path), std::string::npos);
    write_file(0);
    EXPECT_NE(plug_with_rom().find("is empty"), std::string::npos);
    path = "/dev/null";
    EXPECT_NE(plug_with_rom().find("not a regular file"), std::string::npos);
    path.clear();
}

TEST_F(Pci, WithoutARomThereIsNoRegister) {
    plug();
    put(2, pci::kExpansionRom, 0xffffffff);
    EXPECT_EQ(get(2, pci::kExpansionRom), 0u);
}

TEST_F(Pci, ABarIsSizedAndMapped) {
    plug();
    unsigned index = 0;
    for (; index < 6; ++index) {
        put(2, pci::kBar0 + 4 * index, 0xffffffff);
        if (get(2, pci::kBar0 + 4 * index) != 0 && !(get(2, pci::kBar0 + 4 * index) & 1)) break;
    }
    ASSERT_LT(index, 6u) << "there is a memory BAR";
    const unsigned bar = pci::kBar0 + 4 * index;
    const std::uint32_t size = ~(std::uint32_t(get(2, bar)) & ~15u) + 1;
    EXPECT_GE(size, 16u);
    if (get(2, bar) & 4) put(2, bar + 4, 0);
    put(2, bar, kWindow + 0x100000);
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x100000), 4), 0xffffffffu) << "decoding is off";
    put(2, pci::kCommand, pci::kCommandMemory, 2);
    EXPECT_NE(bench.load(GuestAddress(kWindow + 0x100000), 4), 0xffffffffu);
    put(2, bar, kWindow + 0x200000);
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x100000), 4), 0xffffffffu) << "it has moved";
    EXPECT_NE(bench.load(GuestAddress(kWindow + 0x200000), 4), 0xffffffffu);
    bench.focus(*device);
    bench.reset();
    EXPECT_EQ(bench.load(GuestAddress(kWindow + 0x200000), 4), 0xffffffffu);
}

TEST_F(Pci, ABarOfAKindThatTheBusDoesNotKnowIsRefused) {
    plug();
    struct : Errors {
        void fail(Str message) override { text = message.view(); }
        std::string text;
    } errors;
    MemoryRegion& region = query<DeviceContext>(*device)->memory().container("later", 4096);
    EXPECT_FALSE(pci->add_bar(5, region, PciBarKind(3), PciPrefetch::No, errors));
    EXPECT_EQ(errors.text, "BAR 5 is of a kind that this PCI bus does not know");
}

TEST_F(Pci, APortBarMayLieAtZero) {
    plug();
    EXPECT_EQ(get(2, pci::kBar0), 1u) << "a port BAR";
    EXPECT_EQ(bench.load(GuestAddress(kPorts + 18), 1), 0xffu) << "decoding is off";
    put(2, pci::kCommand, pci::kCommandIo, 2);
    EXPECT_EQ(bench.load(GuestAddress(kPorts + 18), 1), 0u) << "the virtio device's status";
    put(2, pci::kBar0, 0xffffffff);
    EXPECT_EQ(bench.load(GuestAddress(kPorts + 18), 1), 0xffu) << "it is being sized";
    put(2, pci::kBar0, 0);
    EXPECT_EQ(bench.load(GuestAddress(kPorts + 18), 1), 0u);
}

TEST_F(Pci, PinsAreRotatedByTheDeviceNumber) {
    plug();
    bench.focus(*host);
    pci->set_interrupt(1);
    EXPECT_EQ(bench.output("intx", 2), 1);
    EXPECT_EQ(get(2, pci::kStatus, 2) & pci::kStatusInterrupt, pci::kStatusInterrupt);
    put(2, pci::kCommand, pci::kCommandInterruptDisable, 2);
    EXPECT_EQ(bench.output("intx", 2), 0);
    put(2, pci::kCommand, 0, 2);
    EXPECT_EQ(bench.output("intx", 2), 1);
    pci->set_interrupt(0);
    EXPECT_EQ(bench.output("intx", 2), 0);
}

TEST_F(Pci, ASharedLineIsHighWhileAnyPinIs) {
    plug("02.0");
    Object& other = bench.add("virtio-serial-pci", "other", {{"addr", "06.0"}}, "pci");
    bench.focus(*host);
    pci->set_interrupt(1);
    query<PciDevice>(other)->set_interrupt(1);
    pci->set_interrupt(0);
    EXPECT_EQ(bench.output("intx", 2), 1);
    query<PciDevice>(other)->set_interrupt(0);
    EXPECT_EQ(bench.output("intx", 2), 0);
}

TEST_F(Pci, WithoutBusMasterEnableThereIsNoDma) {
    plug();
    DmaPort& dma = device_context(*device).dma();
    std::uint8_t byte = 1;
    EXPECT_FALSE(dma.write(DeviceBench::kRamBase, Bytes(&byte, 1)));
    EXPECT_FALSE(dma.read(DeviceBench::kRamBase, {&byte, 1}));
    EXPECT_EQ(dma.map(DeviceBench::kRamBase, 1, true).data, nullptr);
    put(2, pci::kCommand, pci::kCommandBusMaster, 2);
    byte = 0x5a;
    EXPECT_TRUE(dma.write(DeviceBench::kRamBase, Bytes(&byte, 1)));
    EXPECT_EQ(bench.ram()[0], 0x5au);
}

class PciMsix : public Pci {
  protected:
    void SetUp() override {
        plug();
        at = capability(2, pci::kCapabilityMsiX);
        ASSERT_NE(at, 0u);
        const unsigned bar = pci::kBar0 + 4 * unsigned(get(2, at + 4) & 7);
        put(2, bar, kWindow);
        put(2, pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster, 2);
        table = GuestAddress(kWindow + (get(2, at + 4) & ~7u));
        pending = GuestAddress(kWindow + (get(2, at + 8) & ~7u));
    }
    void aim(unsigned vector, std::uint32_t data, unsigned control) {
        bench.store(table + 16 * vector, DeviceBench::kRamBase.value, 8);
        bench.store(table + 16 * vector + 8, data, 4);
        bench.store(table + 16 * vector + 12, control, 4);
    }
    std::uint32_t message() { return std::uint32_t(bench.load(DeviceBench::kRamBase, 4)); }
    unsigned at = 0;
    GuestAddress table, pending;
};

TEST_F(PciMsix, AVectorsMessageIsAMemoryWrite) {
    aim(0, 0x1234, 0);
    put(2, at + 2, 0x8000, 2);
    pci->msix_notify(0);
    EXPECT_EQ(message(), 0x1234u);
}

TEST_F(PciMsix, NothingIsSentWhileItIsOff) {
    aim(0, 0x1234, 0);
    pci->msix_notify(0);
    EXPECT_EQ(message(), 0u);
    EXPECT_EQ(bench.load(pending, 4), 0u);
}

TEST_F(PciMsix, AMaskedVectorIsPendingUntilItIsUnmasked) {
    aim(0, 0x1234, 1);
    put(2, at + 2, 0x8000, 2);
    pci->msix_notify(0);
    EXPECT_EQ(message(), 0u);
    EXPECT_EQ(bench.load(pending, 4), 1u);
    bench.store(table + 12, 0, 4);
    EXPECT_EQ(message(), 0x1234u);
    EXPECT_EQ(bench.load(pending, 4), 0u);
}

TEST_F(PciMsix, TheFunctionsMaskHoldsAllVectors) {
    aim(0, 0x1234, 0);
    put(2, at + 2, 0xc000, 2);
    pci->msix_notify(0);
    EXPECT_EQ(message(), 0u);
    put(2, at + 2, 0x8000, 2);
    EXPECT_EQ(message(), 0x1234u);
}

TEST_F(PciMsix, VectorsAreMaskedAfterReset) {
    aim(0, 0x1234, 0);
    put(2, at + 2, 0x8000, 2);
    EXPECT_FALSE(pci->msix_message(0).masked);
    bench.focus(*device);
    bench.reset();
    EXPECT_FALSE(pci->msix_enabled());
    put(2, at + 2, 0x8000, 2);
    EXPECT_TRUE(pci->msix_message(0).masked);
}

TEST_F(PciMsix, AVectorThatDoesNotExistSendsNothing) {
    put(2, at + 2, 0x8000, 2);
    pci->msix_notify(4000);
    EXPECT_EQ(message(), 0u);
}

class PciWithoutMessages : public Pci {
  protected:
    PciWithoutMessages() : Pci("off") {}
};

TEST_F(PciWithoutMessages, DevicesShowNoSuchCapability) {
    plug();
    EXPECT_EQ(capability(2, pci::kCapabilityMsiX), 0u);
    EXPECT_EQ(pci->msix_vectors(), 0u);
}

TEST_F(Pci, AnOccupiedPlaceIsRefusedAndNamed) {
    plug("02.0");
    const std::string reason = bench.try_add("virtio-serial-pci", "second", {{"addr", "02.0"}}, "pci");
    EXPECT_NE(reason.find("02.0"), std::string::npos) << reason;
    EXPECT_NE(reason.find("serial"), std::string::npos) << reason;
}

TEST_F(Pci, FunctionsNeedAMultifunctionDevice) {
    plug("02.0");
    EXPECT_NE(bench.try_add("virtio-serial-pci", "second", {{"addr", "02.1"}}, "pci").find("multifunction"),
              std::string::npos);
    bench.add("virtio-serial-pci", "first", {{"addr", "03.0"}, {"multifunction", "on"}}, "pci");
    EXPECT_EQ(bench.try_add("virtio-serial-pci", "third", {{"addr", "3.1"}}, "pci"), "");
    EXPECT_EQ(get(3, pci::kHeaderType, 1), 0x80u);
}

TEST_F(Pci, PlacesThatDoNotExistAreRefused) {
    for (const char* place : {"20", "1.8", "x", "1.", ".1"})
        EXPECT_NE(bench.try_add("virtio-serial-pci", std::string("d") + place, {{"addr", place}}, "pci")
                      .find("addr"),
                  std::string::npos)
            << place;
}

TEST_F(Pci, ADeviceWithoutAPlaceGetsTheFirstFreeOne) {
    Object& first = bench.add("virtio-serial-pci", "first", {}, "pci");
    EXPECT_EQ(query<PciDevice>(first)->address(), (PciAddress{0, 1, 0}));
}

}  // namespace
}  // namespace backplane::testing
