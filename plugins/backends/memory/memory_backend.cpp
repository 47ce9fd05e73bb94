// Where RAM comes from, as -object names it: "memory-backend-ram" and "memory-backend-memfd" (memory of this host, in a
// memfd(2)), "memory-backend-file" (a file, or a folder on a hugetlbfs in which one is made).
//
// Not modelled: binding to host nodes (host-nodes, policy), persistent memory (pmem), discarding of contents at exit.
#include <backplane/backend.h>
#include <backplane/memory_backend.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace backplane::memory_backend {
namespace {

constexpr long kHugetlbfsMagic = 0x958458f6;  // statfs(2)

std::string size_text(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

/// What the three have in common. A derived class opens the descriptor.
class Base : public Completable, public MemoryBackend {
  public:
    static const PropertyInfo kProperties[];

    explicit Base(Object& object) : object_(object) {}
    virtual ~Base() = default;

    bool complete(Errors& errors) final {
        if (size_ == 0) return refuse(errors, "size: a memory backend needs a size, such as size=512M");
        if (!host_nodes_.empty())
            return refuse(
                errors,
                "host-nodes: memory is not bound to nodes of the host; run the program under numactl");
        memory_.size = size_;
        memory_.shared = share_;
        memory_.prealloc = prealloc_;
        memory_.merge = merge_;
        memory_.dump = dump_;
        memory_.reserve = reserve_;
        memory_.threads = threads_;
        if (!open_descriptor(errors)) return false;
        return whole_pages(errors);
    }
    void shut_down() final {
        if (memory_.fd >= 0) close(memory_.fd);
        memory_.fd = -1;
    }
    const MemoryDescription& memory() const final { return memory_; }
    bool claim(Str user, Errors& errors) final {
        if (!user_.empty())
            return refuse(errors, "memory backend '" + std::string(object_.id().view()) + "' is in use by " +
                                      user_ + "; give each its own");
        user_ = user.view();
        return true;
    }
    void release() final { user_.clear(); }

    std::uint64_t size_ = 0;
    bool share_ = false;
    bool prealloc_ = false;
    bool merge_ = true;
    bool dump_ = true;
    bool reserve_ = true;
    std::uint32_t threads_ = 1;
    std::uint32_t policy_ = 0;
    std::string host_nodes_;

  protected:
    /// Sets memory_.fd, page_size and what else differs. False and a reason.
    virtual bool open_descriptor(Errors& errors) = 0;
    static bool refuse(Errors& errors, const std::string& message) {
        errors.fail(message);
        return false;
    }
    bool whole_pages(Errors& errors) const {
        if (memory_.size % memory_.page_size == 0) return true;
        return refuse(errors, "size: " + size_text(memory_.size) + " is no multiple of its pages of " +
                                  size_text(memory_.page_size));
    }
    /// A memfd of this size, with the flags and seals.
    bool make_memfd(unsigned flags, bool seal, Errors& errors) {
        memory_.fd =
            memfd_create(std::string(object_.id().view()).c_str(), flags | MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (memory_.fd < 0 || ftruncate(memory_.fd, off_t(size_)) != 0 ||
            (seal && fcntl(memory_.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
            const int error = errno;
            shut_down();
            return refuse(errors, "cannot make a memfd of " + size_text(size_) + ": " + std::strerror(error));
        }
        return true;
    }

    Object& object_;
    MemoryDescription memory_;

  private:
    std::string user_;
};

constexpr PropertyInfo Base::kProperties[] = {
    size_property<&Base::size_>({.name = "size", .summary = "bytes", .required = true}),
    property<&Base::prealloc_>(
        {.name = "prealloc", .summary = "take all pages at the start", .default_text = "off"}),
    property<&Base::threads_>({.name = "prealloc-threads",
                               .summary = "threads that take pages",
                               .default_text = "1",
                               .maximum = 256,
                               .minimum = 1}),
    property<&Base::merge_>(
        {.name = "merge", .summary = "equal pages may be merged (KSM)", .default_text = "on"}),
    property<&Base::dump_>({.name = "dump", .summary = "is part of a core dump", .default_text = "on"}),
    property<&Base::reserve_>({.name = "reserve", .summary = "reserve swap space", .default_text = "on"}),
    property<&Base::host_nodes_>({.name = "host-nodes", .summary = "nodes of the host to bind to (refused)"}),
    enum_property<&Base::policy_>({.name = "policy",
                                   .summary = "how it is bound to nodes",
                                   .default_text = "default",
                                   .choices = "default"}),
};

class Ram final : public Base {
  public:
    static const PropertyInfo kProperties[];
    using Base::Base;

  private:
    bool open_descriptor(Errors& errors) override { return make_memfd(0, false, errors); }
};
constexpr PropertyInfo Ram::kProperties[] = {
    property<&Base::share_>(
        {.name = "share", .summary = "other processes may map it", .default_text = "off"}),
};

class Memfd final : public Base {
  public:
    static const PropertyInfo kProperties[];
    using Base::Base;

    bool hugetlb_ = false;
    std::uint64_t hugetlb_size_ = 0;
    bool seal_ = true;

  private:
    bool open_descriptor(Errors& errors) override {
        if (!hugetlb_) {
            if (hugetlb_size_ != 0) return refuse(errors, "hugetlbsize: is for hugetlb=on");
            return make_memfd(0, seal_, errors);
        }
        const std::uint64_t page = hugetlb_size_ ? hugetlb_size_ : 2u << 20;
        if ((page & (page - 1)) != 0)
            return refuse(errors, "hugetlbsize: " + size_text(page) + " is no power of two");
        memory_.page_size = page;
        return whole_pages(errors) &&
               make_memfd(MFD_HUGETLB | unsigned(__builtin_ctzll(page)) << MFD_HUGE_SHIFT, seal_, errors);
    }
};
constexpr PropertyInfo Memfd::kProperties[] = {
    property<&Base::share_>({.name = "share", .summary = "other processes may map it", .default_text = "on"}),
    property<&Memfd::hugetlb_>({.name = "hugetlb", .summary = "of huge pages", .default_text = "off"}),
    size_property<&Memfd::hugetlb_size_>(
        {.name = "hugetlbsize", .summary = "bytes of a huge page; 0: 2M", .default_text = "0"}),
    property<&Memfd::seal_>({.name = "seal", .summary = "its size cannot be changed", .default_text = "on"}),
};

class File final : public Base {
  public:
    static const PropertyInfo kProperties[];
    using Base::Base;

    std::string path_;
    std::uint64_t offset_ = 0;
    std::uint64_t align_ = 0;
    bool read_only_ = false;
    bool pmem_ = false;
    bool discard_ = false;

  private:
    bool open_descriptor(Errors& errors) override;
    int open_path(bool& made);
    bool fit(bool made, Errors& errors);
    bool fail_path(Errors& errors, const std::string& why) {
        return refuse(errors, "mem-path '" + path_ + "': " + why);
    }
};

/// The file itself; in a folder, one without a name.
int File::open_path(bool& made) {
    const int access = read_only_ ? O_RDONLY : O_RDWR;
    int fd = open(path_.c_str(), access | O_CLOEXEC);
    made = fd < 0 && (errno == EISDIR || errno == ENOENT);
    if (!made || read_only_) return fd;
    if (errno == ENOENT) return open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    std::string name = path_ + "/backplane.XXXXXX";
    fd = mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) unlink(name.c_str());
    return fd;
}

/// A new file gets the size; one that is there must have it, and keeps what it holds.
bool File::fit(bool made, Errors& errors) {
    struct stat status {};
    struct statfs system {};
    if (fstat(memory_.fd, &status) != 0 || fstatfs(memory_.fd, &system) != 0)
        return fail_path(errors, std::strerror(errno));
    if (system.f_type == kHugetlbfsMagic) memory_.page_size = std::uint64_t(system.f_bsize);
    if (align_ > memory_.page_size) memory_.page_size = align_;
    const std::uint64_t wanted = offset_ + size_;
    if (offset_ % memory_.page_size != 0)
        return refuse(errors, "offset: is no multiple of the pages of " + size_text(memory_.page_size));
    const bool sized = S_ISREG(status.st_mode);
    if (!sized && !S_ISCHR(status.st_mode)) return fail_path(errors, "is neither a file nor a device");
    if (!sized || std::uint64_t(status.st_size) >= wanted) return true;
    if (status.st_size != 0 && !made)
        return fail_path(errors, "has " + size_text(std::uint64_t(status.st_size)) + ", and size= asks for " +
                                     size_text(wanted) + "; give its own size, or another file");
    if (read_only_ || ftruncate(memory_.fd, off_t(wanted)) != 0)
        return fail_path(errors, read_only_ ? "is empty and readonly=on" : std::strerror(errno));
    return true;
}

bool File::open_descriptor(Errors& errors) {
    if (pmem_) return refuse(errors, "pmem: persistent memory is not supported; leave it off");
    if (discard_) return refuse(errors, "discard-data: the file's contents are kept; leave it off");
    if ((align_ & (align_ - 1)) != 0)
        return refuse(errors, "align: " + size_text(align_) + " is no power of two");
    if (offset_ > ~std::uint64_t{0} - size_ || offset_ + size_ > std::uint64_t(1) << 62)
        return refuse(errors, "offset: passes the end of any file");
    bool made = false;
    memory_.fd = open_path(made);
    if (memory_.fd < 0) return fail_path(errors, std::strerror(errno));
    memory_.offset = offset_;
    // Guest RAM is written to: a file that is not to change is mapped privately.
    if (read_only_ && share_) {
        shut_down();
        return refuse(errors, "readonly: a file that is shared is written to; say share=off as well");
    }
    if (fit(made, errors)) return true;
    shut_down();
    return false;
}

constexpr PropertyInfo File::kProperties[] = {
    property<&File::path_>({.name = "mem-path", .summary = "a file, or a folder for one", .required = true}),
    property<&Base::share_>({.name = "share", .summary = "stores go to the file", .default_text = "off"}),
    size_property<&File::offset_>(
        {.name = "offset", .summary = "bytes of the file to skip", .default_text = "0"}),
    size_property<&File::align_>({.name = "align", .summary = "alignment, bytes", .default_text = "0"}),
    property<&File::read_only_>(
        {.name = "readonly", .summary = "open the file for reading only", .default_text = "off"}),
    property<&File::pmem_>({.name = "pmem", .summary = "persistent memory (refused)", .default_text = "off"}),
    property<&File::discard_>(
        {.name = "discard-data", .summary = "contents may be lost at exit (refused)", .default_text = "off"}),
};

template <class T>
constexpr InterfaceInfo kInterfaces[] = {offers<T, Completable>(), offers<T, MemoryBackend>()};

/// A type with the common properties behind its own.
template <class T, std::size_t N>
constexpr auto with_common(const PropertyInfo (&own)[N]) {
    constexpr std::size_t kCommon = std::size(Base::kProperties);
    std::array<PropertyInfo, N + kCommon> all;
    for (std::size_t i = 0; i < N; ++i) all[i] = own[i];
    for (std::size_t i = 0; i < kCommon; ++i) all[N + i] = Base::kProperties[i];
    return all;
}
constexpr auto kRamProperties = with_common<Ram>(Ram::kProperties);
constexpr auto kMemfdProperties = with_common<Memfd>(Memfd::kProperties);
constexpr auto kFileProperties = with_common<File>(File::kProperties);

template <class T>
constexpr TypeInfo memory_type(const char* name, const char* summary, Slice<const PropertyInfo> properties) {
    return backend_type<T>({.name = name,
                            .parent = "memory-backend",
                            .summary = summary,
                            .interfaces = kInterfaces<T>,
                            .properties = properties});
}

constexpr TypeInfo kTypes[] = {
    memory_type<Ram>("memory-backend-ram", "memory of this host", kRamProperties),
    memory_type<Memfd>("memory-backend-memfd", "memory in a descriptor that others can be given",
                       kMemfdProperties),
    memory_type<File>("memory-backend-file", "memory in a file", kFileProperties),
};

}  // namespace
}  // namespace backplane::memory_backend

BACKPLANE_PLUGIN("memory-backends", "1.0", "Backplane", backplane::memory_backend::kTypes)
