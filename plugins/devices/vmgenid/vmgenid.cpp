// The device "vmgenid": a number that changes when a saved machine goes on, so that a guest knows that others may have gone
// on from there as well (and makes its random numbers and its keys anew).
//
// Follows Microsoft, "Virtual Machine Generation ID" (2012), and QEMU's docs/specs/vmgenid.rst for where the number lies:
// a file of the configuration device, which firmware puts into memory and whose address it tells. The guest finds it
// through ACPI and is notified by general-purpose event 5.
#include "vmgenid.h"

#include <backplane/entropy.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

#include <lib/aml.h>

#include <algorithm>
#include <array>

namespace backplane::vmgenid {
namespace {

constexpr const char* kNumberFile = "etc/vmgenid_guid";
constexpr const char* kAddressFile = "etc/vmgenid_addr";
constexpr std::size_t kFileSize = 4096;
constexpr std::uint32_t kNumberAt = 40;  // in the file, whose start firmware may take for a table's header
constexpr std::uint32_t kAlignment = 4096;
constexpr unsigned kEvent = 5;

/// Of the objects that `visit` is called with, below the root of the tree and in its order, the first that it takes.
template <class Visit>
Object* find_below(Object& object, const Visit& visit) {
    if (visit(object)) return &object;
    for (std::size_t i = 0; i < object.child_count(); ++i)
        if (Object* found = find_below(*object.child_at(i), visit)) return found;
    return nullptr;
}
template <class Visit>
Object* find(Object& object, const Visit& visit) {
    return find_below(root_of(object), visit);
}
template <class Interface>
Object* find_offered(Object& object) {
    return find(object, [](Object& each) { return query<Interface>(each) != nullptr; });
}
Generation* find_generation(Object& object) {
    Object* found = find(object, [](Object& each) {
        auto* generation = query<Generation>(each);
        return generation && generation->there();
    });
    return found ? query<Generation>(*found) : nullptr;
}

/// It has DMA, or does not say that it has not.
bool guests_can_write(Object& configuration) {
    TextBuffer dma;
    IgnoredErrors unknown;
    return !configuration.get_property("dma_enabled", dma, unknown) || dma.text() != "off";
}

/// Windows has the first three groups of digits as little-endian numbers.
std::array<std::uint8_t, 16> in_memory(Uuid uuid) {
    std::reverse(uuid.begin(), uuid.begin() + 4);
    std::reverse(uuid.begin() + 4, uuid.begin() + 6);
    std::reverse(uuid.begin() + 6, uuid.begin() + 8);
    return uuid;
}

}  // namespace

Device::Device(Object& object) : context_(device_context(object)) {
    describe(context_.state(), "address", address_);
}

bool Device::check_number(std::string_view text, Errors& errors) const {
    if (text == kAutomatic || parse_uuid(text)) return true;
    errors.fail("doesn't take value '" + std::string(text) + "'; it takes a UUID, or auto");
    return false;
}

bool Device::realize(Errors& errors) {
    if (find_generation(context_.object())) {
        errors.fail("at most one vmgenid device is permitted");
        return false;
    }
    choose_number();
    return put_files(errors);
}

/// RFC 4122, 4.4: a random one says so.
void Device::choose_number() {
    if (text_ != kAutomatic) {
        number_ = *parse_uuid(text_);
    } else {
        static_cast<Entropy*>(context_.host_interface(Entropy::kId))->fill({number_.data(), number_.size()});
        number_[6] = std::uint8_t((number_[6] & 0x0f) | 0x40);
        number_[8] = std::uint8_t((number_[8] & 0x3f) | 0x80);
    }
}

bool Device::put_files(Errors& errors) {
    Object* configuration = find_offered<FwCfg>(context_.object());
    Object* power = find_offered<AcpiEvents>(context_.object());
    if (!configuration || !power || !guests_can_write(*configuration)) {
        errors.fail(
            "a vmgenid device needs ACPI, and a configuration device that guests can write to (with DMA), "
            "which this machine has not");
        return false;
    }
    files_ = query<FwCfg>(*configuration);
    events_ = query<AcpiEvents>(*power);
    std::vector<std::uint8_t> file(kFileSize);
    std::ranges::copy(in_memory(number_), file.begin() + kNumberAt);
    const std::uint8_t nowhere[sizeof address_] = {};
    if (!files_->set_file(kNumberFile, Bytes(file), errors) ||
        !files_->set_file(kAddressFile, Bytes(nowhere), errors))
        return false;
    files_->set_writable(kAddressFile, true);
    files_->set_observer(kAddressFile, this);
    there_ = true;
    return true;
}

void Device::unrealize() {
    if (there_) files_->set_observer(kAddressFile, nullptr);
    there_ = false;
}

/// Firmware tells the address anew.
void Device::reset(ResetPhase phase) {
    if (phase != ResetPhase::Enter) return;
    const std::uint8_t nowhere[sizeof address_] = {};
    IgnoredErrors none;
    files_->set_file(kAddressFile, Bytes(nowhere), none);
}

void Device::fw_cfg_written(Str, std::uint64_t, std::uint64_t) {
    const Bytes bytes = files_->file(kAddressFile);
    address_ = 0;
    for (std::size_t i = 0; i < bytes.size; ++i) address_ |= std::uint64_t{bytes[i]} << 8 * i;
}

/// The number is the process's, the memory the saved machine's. A number that is the same says that nobody else went on.
void Device::resume() {
    const std::array<std::uint8_t, 16> wanted = in_memory(number_);
    std::array<std::uint8_t, 16> found{};
    DmaPort& memory = context_.dma();
    if (address_ == 0 || !memory.read(GuestAddress(address_), {found.data(), found.size()}) ||
        found == wanted)
        return;
    if (memory.write(GuestAddress(address_), {wanted.data(), wanted.size()})) events_->raise(kEvent);
}

/// The table that firmware patches with the address of the file.
void Device::add_acpi_tables(AcpiTableWriter& writer) {
    using namespace aml;
    // Name(VGIA, 0) with a number of four bytes.
    const Term file_address{0x08, 'V', 'G', 'I', 'A', 0x0c, 0, 0, 0, 0};
    constexpr std::uint32_t kPatched = 6;
    constexpr std::uint64_t kPresent = 0x0f, kStatusChange = 0x80;
    const Term terms = list(
        {file_address,
         scope("\\_SB",
               {device("VGEN", {name("_HID", string("QEMUVGID")), name("_CID", string("VM_Gen_Counter")),
                                name("_DDN", string("VM_Gen_Counter")),
                                method("_STA", 0,
                                       {if_(equal(path("VGIA"), zero()), {return_(zero())}),
                                        return_(integer(kPresent))}),
                                method("ADDR", 0,
                                       {store(package({zero(), zero()}), local(0)),
                                        store(add(path("VGIA"), integer(kNumberAt)), index(local(0), zero())),
                                        return_(local(0))})})}),
         method("\\_GPE._E05", 0, {notify(path("\\_SB.VGEN"), integer(kStatusChange))})});
    const AcpiTablePointer pointers[] = {{.offset = kPatched, .file = kNumberFile}};
    writer.load_file(kNumberFile, kAlignment);
    writer.report_address(kAddressFile, kNumberFile, kNumberAt);
    writer.add_table(
        {.signature = "SSDT", .revision = 1, .maker = "VMGENID", .body = Bytes(terms), .pointers = pointers});
}

namespace {

constexpr const char* kShow = "info vm-generation-id";

/// What monitors ask of it.
class Commands final : public CommandHandler {
  public:
    explicit Commands(Object& object) : object_(object) {}
    void execute(Str command, Str, CommandReply& reply) override {
        const Generation* generation = find_generation(object_);
        if (!generation) return reply.fail("VM Generation ID device not found");
        const std::string number = uuid_text(generation->number());
        if (command == Str(kShow)) reply.succeed_text(number + "\n");
        else reply.succeed("{\"guid\":\"" + number + "\"}");
    }

  private:
    Object& object_;
};

constexpr PropertyInfo kProperties[] = {property<&Device::text_, &Device::check_number>(
    {.name = "guid", .summary = "the number: a UUID, or auto for a random one", .default_text = kAutomatic})};
constexpr InterfaceInfo kInterfaces[] = {offers<Device, backplane::Device>(), offers<Device, AcpiTables>(),
                                         offers<Device, Generation>()};
constexpr InterfaceInfo kCommandInterfaces[] = {offers<Commands, CommandHandler>()};
constexpr CommandInfo kCommands[] = {
    {.name = "query-vm-generation-id",
     .summary = "which generation of its machine this is",
     .returns = "GuidInfo"},
    {.human = kShow, .summary = "which generation of its machine this is"},
};

constexpr TypeInfo kTypes[] = {
    device_type<Device>({.name = "vmgenid",
                         .summary = "a number that changes when a saved machine goes on",
                         .user_creatable = true,
                         .category = "Misc",
                         .interfaces = kInterfaces,
                         .properties = kProperties,
                         .architecture = "x86_64"}),
    {.name = "vmgenid-commands",
     .parent = "service",
     .summary = "what monitors ask of a vmgenid device",
     .interfaces = kCommandInterfaces,
     .commands = kCommands,
     .instance_init = make_part<Commands>,
     .instance_finalize = free_part<Commands>},
};

}  // namespace
}  // namespace backplane::vmgenid

BACKPLANE_PLUGIN("vmgenid", "1.0", "Backplane", backplane::vmgenid::kTypes)
