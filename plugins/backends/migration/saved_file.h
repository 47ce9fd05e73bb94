// A file in the making, which takes its name's place when it is whole.
#pragma once

#include "channel.h"

#include <string>

namespace backplane::migration {

class SavedFile {
  public:
    /// Beside `path`. What is there already and no regular file (a terminal, /dev/null) is written to as it is.
    bool create(const std::string& path, Errors& errors);
    SavedFile() = default;
    SavedFile(const SavedFile&) = delete;
    SavedFile& operator=(const SavedFile&) = delete;
    /// Removes what was not finished.
    ~SavedFile();
    int descriptor() const { return descriptor_.get(); }
    bool regular() const { return regular_; }
    /// Its bytes and its name are on the disk when this says true.
    bool finish(Errors& errors);

  private:
    std::string path_;
    std::string temporary_;  ///< empty: none is there (any more)
    Descriptor descriptor_;
    bool regular_ = true;
};

}  // namespace backplane::migration
