// The object "secret": a password or a key, from the command line or from a file. Its properties can be set, and not be
// read. Not here: secrets that are encrypted with another one, which is what management tools do for old releases.
#include <backplane/backend.h>
#include <backplane/host_files.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/secret.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace backplane::secret {
namespace {

constexpr std::size_t kLongest = 1 << 20;

using Buffer = std::vector<std::uint8_t>;

int sextet(std::uint8_t c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/// RFC 4648, 4; what breaks lines is passed over.
std::optional<Buffer> from_base64(const Buffer& text) {
    Buffer bytes;
    std::uint32_t bits = 0;
    std::size_t digits = 0, padding = 0;
    for (const std::uint8_t c : text) {
        if (c == '\n' || c == '\r' || c == ' ') continue;
        if (c == '=') {
            ++padding;
            continue;
        }
        const int value = sextet(c);
        if (value < 0 || padding > 0) return std::nullopt;
        bits = bits << 6 | std::uint32_t(value);
        ++digits;
        if (digits % 4 != 1) bytes.push_back(std::uint8_t(bits >> (6 - 2 * ((digits - 1) % 4))));
    }
    const bool whole = (digits + padding) % 4 == 0 && padding < 3 && digits % 4 != 1;
    return whole ? std::optional(std::move(bytes)) : std::nullopt;
}

class SecretObject final : public Completable, public Secret {
  public:
    enum class Format : std::uint8_t { Raw, Base64 };

    explicit SecretObject(Object& object) : object_(object) {}

    bool complete(Errors& errors) override {
        if (data_given_ == !file_.empty()) return refuse(errors, "give either data= or file=");
        if (!file_.empty() && !read(errors)) return false;
        if (format_ == Format::Raw) return true;
        auto decoded = from_base64(bytes_);
        if (!decoded)
            return refuse(errors, "what was given is no base64 text; give format=raw for it as it is");
        bytes_ = std::move(*decoded);
        return true;
    }
    void shut_down() override { explicit_bzero(bytes_.data(), bytes_.size()); }
    Bytes secret() const override { return {bytes_.data(), bytes_.size()}; }

    void set_data(Str text) {
        bytes_.assign(text.view().begin(), text.view().end());
        data_given_ = true;
    }

    std::string file_;
    Format format_ = Format::Raw;

  private:
    static bool refuse(Errors& errors, const std::string& reason) {
        errors.fail(reason);
        return false;
    }

    bool read(Errors& errors) {
        auto* files = static_cast<HostFiles*>(backend_context(object_).host_interface(HostFiles::kId));
        const int fd =
            files ? files->open_file(file_, O_RDONLY, 0, errors) : open(file_.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return files ? false : refuse(errors, "Could not open '" + file_ + "': " + std::strerror(errno));
        bytes_.resize(kLongest + 1);
        std::size_t size = 0;
        ssize_t got = 0;
        while (size < bytes_.size() && (got = ::read(fd, bytes_.data() + size, bytes_.size() - size)) > 0)
            size += std::size_t(got);
        const int error = got < 0 ? errno : 0;
        close(fd);
        bytes_.resize(size);
        if (error) return refuse(errors, "Could not read '" + file_ + "': " + std::strerror(error));
        return size <= kLongest || refuse(errors, "'" + file_ + "' is larger than 1 MiB");
    }

    Object& object_;
    Buffer bytes_;
    bool data_given_ = false;
};

constexpr PropertyInfo refused(const char* name) {
    return {.name = name,
            .kind = PropertyKind::String,
            .summary = "of what the secret is encrypted with; none is",
            .set = [](void*, const PropertyValue&, Errors& errors) {
                errors.fail("encrypted secrets are not opened; give it plain, in a file that nobody else can "
                            "read (file=)");
                return false;
            }};
}

constexpr PropertyInfo kProperties[] = {
    {.name = "data",
     .kind = PropertyKind::String,
     .summary = "the secret itself, which other users of the host see in the command line",
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             static_cast<SecretObject*>(part)->set_data(value.text);
             return true;
         }},
    {.name = "file",
     .kind = PropertyKind::String,
     .summary = "a file that holds it",
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             static_cast<SecretObject*>(part)->file_ = value.text.view();
             return true;
         }},
    enum_property<&SecretObject::format_>(
        {.name = "format", .summary = "how it is written", .default_text = "raw", .choices = "raw|base64"}),
    refused("keyid"),
    refused("iv"),
};
constexpr InterfaceInfo kInterfaces[] = {offers<SecretObject, Completable>(), offers<SecretObject, Secret>()};
constexpr TypeInfo kTypes[] = {
    backend_type<SecretObject>({.name = "secret",
                                .summary = "a password or a key",
                                .interfaces = kInterfaces,
                                .properties = kProperties}),
};

}  // namespace
}  // namespace backplane::secret

BACKPLANE_PLUGIN("secret", "1.0", "Backplane", backplane::secret::kTypes)
