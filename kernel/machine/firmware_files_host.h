// Where firmware's files are (<backplane/firmware_files.h>).
#pragma once

#include <backplane/firmware_files.h>

#include <string>
#include <vector>

namespace backplane::kernel {

class FirmwareFilesHost final : public FirmwareFiles {
  public:
    explicit FirmwareFilesHost(const std::vector<std::string>& directories) : directories_(directories) {}
    bool find_firmware(Str name, TextSink& path) const override;

  private:
    const std::vector<std::string>& directories_;
};

}  // namespace backplane::kernel
