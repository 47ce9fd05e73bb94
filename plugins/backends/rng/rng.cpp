// Entropy: "rng-builtin" takes the machine's own source, which -seed makes reproducible; "rng-random" reads a device of
// the host such as /dev/urandom, as its user asked, whatever the seed.
#include <backplane/backend.h>
#include <backplane/entropy.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/rng.h>

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::rng {

namespace {

class BuiltinRng final : public RngBackend {
  public:
    explicit BuiltinRng(Object& object)
        : entropy_(*static_cast<Entropy*>(backend_context(object).host_interface(Entropy::kId))) {}
    std::size_t fill(MutableBytes to) override {
        entropy_.fill(to);
        return to.size;
    }

  private:
    Entropy& entropy_;
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
                              .summary = "the machine's own random numbers (-seed)",
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
