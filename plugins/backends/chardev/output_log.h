// A copy of what went out through a character device, in a file ("logfile=").
#pragma once

#include <backplane/abi.h>

#include <string>

namespace backplane::chardev {

class OutputLog {
  public:
    OutputLog() = default;
    OutputLog(const OutputLog&) = delete;
    OutputLog& operator=(const OutputLog&) = delete;
    ~OutputLog() { close(); }

    /// 0, or the errno with which the file could not be opened.
    int open(const std::string& path, bool append);
    void close();
    /// What the file does not take (a full disk) is missing in it.
    void add(Bytes bytes);

  private:
    int fd_ = -1;
};

/// Opens what output goes to, without waiting for a reader when it is a named pipe. -1 and errno on failure.
int open_output(const std::string& path, bool append);

}  // namespace backplane::chardev
