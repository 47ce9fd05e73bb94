// Entropy from the host: "rng-random" reads a device such as /dev/urandom, "rng-builtin" asks getrandom(2).
#include <backplane/backend.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/rng.h>

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

namespace backplane::rng {

namespace {

class BuiltinRng final : public RngBackend {
  public:
    explicit BuiltinRng(Object&) {}
    std::size_t fill(MutableBytes to) override {
        const ssize_t count = getrandom(to.data, to.size, GRND_NONBLOCK);
        return count > 0 ? std::size_t(count) : 0;
    }
};

class RandomRng final : public RngBackend, public Completable {
  public:
    explicit RandomRng(Object& object) : object_(object) {}

    std::string filename_;

    bool complete(Errors& errors) override {
        fd_ = open(filename_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd_ >= 0) return true;
        errors.fail("rng-random '" + std::string(object_.id().view()) + "': Could not open '" + filename_ +
                    "': " + std::strerror(errno));
        return false;
    }
    void shut_down() override {
        if (fd_ >= 0) close(fd_);
        fd_ = -1;
    }
    std::size_t fill(MutableBytes to) override {
        const ssize_t count = read(fd_, to.data, to.size);
        return count > 0 ? std::size_t(count) : 0;
    }

  private:
    Object& object_;
    int fd_ = -1;
};

constexpr PropertyInfo kRandomProperties[] = {
    property<&RandomRng::filename_>(
        {.name = "filename", .summary = "of the device that is read", .default_text = "/dev/urandom"}),
};
constexpr InterfaceInfo kBuiltinInterfaces[] = {offers<BuiltinRng, RngBackend>()};
constexpr InterfaceInfo kRandomInterfaces[] = {offers<RandomRng, RngBackend>(),
                                               offers<RandomRng, Completable>()};
constexpr TypeInfo kTypes[] = {
    backend_type<BuiltinRng>({.name = "rng-builtin",
                              .parent = "rng-backend",
                              .summary = "the kernel's random numbers",
                              .interfaces = kBuiltinInterfaces}),
    backend_type<RandomRng>({.name = "rng-random",
                             .parent = "rng-backend",
                             .summary = "a device of random bytes",
                             .interfaces = kRandomInterfaces,
                             .properties = kRandomProperties}),
};

}  // namespace
}  // namespace backplane::rng

BACKPLANE_PLUGIN("rng", "1.0", "Backplane", backplane::rng::kTypes)
