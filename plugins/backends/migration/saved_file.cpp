#include "saved_file.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backplane::migration {

bool SavedFile::create(const std::string& path, Errors& errors) {
    const auto fail = [&] {
        errors.fail("could not create '" + path + "': " + std::strerror(errno));
        return false;
    };
    path_ = path;
    // A link's target is what gets new contents.
    if (char* real = realpath(path.c_str(), nullptr)) {
        path_ = real;
        std::free(real);
    }
    struct stat status {};
    regular_ = stat(path_.c_str(), &status) != 0 || S_ISREG(status.st_mode);
    if (!regular_) {
        descriptor_ = Descriptor(open(path_.c_str(), O_WRONLY | O_CLOEXEC));
        return descriptor_ || fail();
    }
    temporary_ = path_ + ".XXXXXX";
    descriptor_ = Descriptor(
        mkostemp(temporary_.data(), O_CLOEXEC));  // for its owner alone: it holds the guest's memory
    if (descriptor_) return true;
    temporary_.clear();
    return fail();
}

SavedFile::~SavedFile() {
    if (!temporary_.empty()) unlink(temporary_.c_str());
}

bool SavedFile::finish(Errors& errors) {
    if (!regular_) return true;
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    if (fsync(descriptor_.get()) == 0 && std::rename(temporary_.c_str(), path_.c_str()) == 0) {
        temporary_.clear();
        const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory && fsync(directory.get()) == 0) return true;
    }
    errors.fail("writing '" + path_ + "': " + std::strerror(errno));
    return false;
}

}  // namespace backplane::migration
