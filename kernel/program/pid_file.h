// -pidfile: a file with the process's id, for as long as the process lives.
#pragma once

#include <string>

namespace backplane::kernel {

class PidFile {
  public:
    PidFile() = default;
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;
    ~PidFile();
    /// Writes and locks it. Throws UserError, also when another process that lives has it.
    void create(const std::string& path);

  private:
    std::string path_;
    int fd_ = -1;
};

}  // namespace backplane::kernel
