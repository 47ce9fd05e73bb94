#include "rom_file.h"

#include <backplane/firmware_files.h>
#include <lib/read_file.h>

#include <backplane/host_files.h>
#include <backplane/text.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace backplane::pci {
namespace {

/// The largest that firmware has room for, and more than any card has.
constexpr std::size_t kMost = 16 << 20;

int open_file(DeviceContext& context, const std::string& path, Errors& errors) {
    if (auto* files = static_cast<HostFiles*>(context.host_interface(HostFiles::kId)))
        return files->open_file(path, O_RDONLY, 0, errors);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) errors.fail("could not open '" + path + "': " + std::strerror(errno));
    return file;
}

/// Names the property in front of what somebody else has to say.
class RomFileErrors final : public Errors {
  public:
    explicit RomFileErrors(Errors& errors) : errors_(errors) {}
    void fail(Str reason) override { errors_.fail("romfile: " + std::string(reason.view())); }

  private:
    Errors& errors_;
};

}  // namespace

std::string find_rom_file(DeviceContext& context, const std::string& name) {
    const auto* files = static_cast<const FirmwareFiles*>(context.host_interface(FirmwareFiles::kId));
    if (!files) return name;
    TextBuffer path;
    return files->find_firmware(name, path) ? path.text() : std::string();
}

bool read_rom_file(DeviceContext& context, const std::string& path, std::vector<std::uint8_t>& bytes,
                   Errors& to) {
    RomFileErrors errors(to);
    const int file = open_file(context, path, errors);
    if (file < 0) return false;
    bool done = read_file(file, path, kMost, bytes, errors);
    if (done && bytes.empty()) {
        errors.fail("'" + path + "' is empty");
        done = false;
    }
    ::close(file);
    return done;
}

}  // namespace backplane::pci
