// SiFive test finisher: one register through which a guest ends its machine or starts it anew.
//
// Follows the device-tree bindings "sifive,test0", "sifive,test1" and "syscon" (Linux,
// Documentation/devicetree/bindings/power/reset/syscon-poweroff.yaml). Everything that they name is modelled.
#include <backplane/device.h>
#include <backplane/plugin.h>
#include <backplane/register_table.h>

namespace backplane {
namespace {

constexpr std::uint32_t kFail = 0x3333;
constexpr std::uint32_t kPass = 0x5555;
constexpr std::uint32_t kReset = 0x7777;

class SifiveTest final : public DeviceBase, public RegisterDevice<SifiveTest> {
  public:
    static constexpr RegisterField kFinisherFields[] = {
        {.name = "STATUS", .low_bit = 0, .width = 16},
        {.name = "CODE", .low_bit = 16, .width = 16},
    };
    static const Register<SifiveTest> kRegisters[];

    explicit SifiveTest(Object& object) : context_(device_context(object)) {
        set_register_log(context_.log());
        MemoryRegion& region =
            context_.memory().io("riscv.sifive.test", 0x1000, *this,
                                 {.minimum = 2, .maximum = 4, .implemented_min = 2, .implemented_max = 4});
        context_.export_region("control", region);
    }

    void finish(std::uint64_t value) {
        const std::uint32_t code = std::uint32_t(value >> 16);
        switch (value & 0xffff) {
        case kPass: context_.request_shutdown("guest-shutdown"); break;
        case kReset: context_.request_reset("guest-reset"); break;
        case kFail: context_.request_failure(int(code)); break;
        default: context_.log().guest_error("status", "value that is neither pass, fail nor reset"); break;
        }
    }

  private:
    DeviceContext& context_;
};

constexpr Register<SifiveTest> SifiveTest::kRegisters[] = {
    {.name = "FINISHER",
     .offset = 0x00,
     .access = RegisterAccess::ReadWrite,
     .write = &SifiveTest::finish,
     .fields = kFinisherFields},
};

constexpr RegionInfo kRegions[] = {{.name = "control", .summary = "the finisher's register", .size = 0x1000}};

constexpr TypeInfo kTypes[] = {
    device_type<SifiveTest>({
        .name = "riscv.sifive.test",
        .summary = "SiFive test finisher (power off, reset, failure code)",
        .category = "Misc",
        .interfaces = kDeviceInterfaces<SifiveTest>,
        .regions = kRegions,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("sifive-test", "1.0", "Backplane", backplane::kTypes)
