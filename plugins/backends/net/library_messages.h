// What libslirp says through GLib's log goes to a log of ours while one of these lives.
#pragma once

#include <backplane/log.h>

namespace backplane::net {

/// Thread: the messages of the thread that made it, which alone calls the library.
class LibraryMessages {
  public:
    explicit LibraryMessages(Log& log);
    LibraryMessages(const LibraryMessages&) = delete;
    LibraryMessages& operator=(const LibraryMessages&) = delete;
    ~LibraryMessages();

  private:
    Log* before_;
};

}  // namespace backplane::net
