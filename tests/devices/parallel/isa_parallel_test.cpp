// The printer port: registers as firmware probes them, and what is printed.
#include "tests/devices/pc_bridges.h"

#include <fstream>
#include <iterator>
#include <unistd.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kData = 0x378, kStatus = 0x379, kControl = 0x37a;

class IsaParallel : public ::testing::Test, protected PcBridges {
  protected:
    IsaParallel() {
        path = ::testing::TempDir() + "printed-" + std::to_string(::getpid());
        south = &bench.add("PIIX3", "south", {{"addr", "01.0"}}, "host");
        bench.add("chardev-file", "paper", {{"path", path}});
        port = &bench.add("isa-parallel", "lpt1", {{"chardev", "paper"}}, "south");
    }
    ~IsaParallel() override { std::remove(path.c_str()); }
    void strobe(unsigned control) {
        out(kControl, control | 1);
        out(kControl, control);
    }
    std::string printed() {
        bench.run_ready();
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    int irq() {
        bench.focus(*south);
        return bench.output("irq", 7);
    }
    std::string path;
    Object* south = nullptr;
    Object* port = nullptr;
};

TEST_F(IsaParallel, RegistersAfterAReset) {
    EXPECT_EQ(in(kData), 0xffu);
    EXPECT_EQ(in(kStatus), 0xd9u);
    EXPECT_EQ(in(kControl), 0xccu);
    EXPECT_EQ(in(0x37f), 0xffu);
    out(kData, 0xaa);
    EXPECT_EQ(in(kData), 0xaau);
}

TEST_F(IsaParallel, AStrobePrintsTheData) {
    for (const char character : {'H', 'i'}) {
        out(kData, std::uint8_t(character));
        strobe(0x0c);
    }
    out(kData, '!');
    strobe(0x08);
    EXPECT_EQ(printed(), "Hi") << "a printer that is held in INIT prints nothing";
}

TEST_F(IsaParallel, AnAcknowledgementInterruptsOnRequest) {
    strobe(0x0c);
    EXPECT_EQ(irq(), 0);
    strobe(0x1c);
    EXPECT_EQ(irq(), 1);
    in(kStatus);
    EXPECT_EQ(irq(), 0);
}

TEST_F(IsaParallel, ASavedPortKeepsItsRegisters) {
    out(kData, 0x12);
    out(kControl, 0x1c);
    bench.focus(*port);
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(in(kData), 0x12u);
    EXPECT_EQ(in(kControl), 0xdcu);
}

}  // namespace
}  // namespace backplane::testing
