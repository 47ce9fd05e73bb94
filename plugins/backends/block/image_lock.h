// Says to other processes what an image is used for, and hears from them: byte-range locks of the open file
// description (fcntl(2), F_OFD_SETLK) at the places that the field's emulators and image tools use, so that they
// and we keep off each other's images.
#pragma once

#include <string>

namespace backplane::block {

/// Locks the image that `fd` is open on, until `fd` is closed. Empty, or the reason. A file system without such
/// locks is no reason.
std::string lock_image(int fd, bool writable);
/// Before `fd` is closed.
void unlock_image(int fd);

}  // namespace backplane::block
