#include "system.h"

#include "kernel_calls.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace backplane::kvm {

namespace {

/// A request whose argument ends in an array that may turn out too small (E2BIG).
template <class Head, class Element>
struct Tailed {
    explicit Tailed(std::size_t count)
        : bytes(new (std::align_val_t(alignof(Head)))
                    std::uint8_t[sizeof(Head) + count * sizeof(Element)]{}) {}
    Head* head() { return reinterpret_cast<Head*>(bytes.get()); }
    struct Free {
        void operator()(std::uint8_t* p) const { operator delete[](p, std::align_val_t(alignof(Head))); }
    };
    std::unique_ptr<std::uint8_t[], Free> bytes;
};

std::vector<std::uint32_t> msr_list(const Descriptor& fd, unsigned long code) {
    kvm_msr_list none{};
    if (request(fd, code, &none) != -E2BIG) return {};
    Tailed<kvm_msr_list, std::uint32_t> list(none.nmsrs);
    list.head()->nmsrs = none.nmsrs;
    if (request(fd, code, list.head()) < 0) return {};
    return {list.head()->indices, list.head()->indices + list.head()->nmsrs};
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) kernel_calls::close(fd_);
}

int request(const Descriptor& fd, unsigned long code, const void* argument) {
    int result = 0;
    do result = kernel_calls::control(fd.get(), code, argument);
    while (result == -EINTR);
    return result;
}
int request(const Descriptor& fd, unsigned long code, unsigned long argument) {
    return request(fd, code, reinterpret_cast<const void*>(argument));
}

bool System::open(const std::string& device, Errors& errors) {
    const int opened = kernel_calls::open(device.c_str());
    if (opened < 0) {
        const char* help = opened == -EACCES ? "; your user needs to be in its group (kvm), or use -accel tcg"
                           : opened == -ENOENT
                               ? "; is the kernel's module loaded (kvm_intel, kvm_amd)? -accel tcg "
                                 "needs none"
                               : "";
        errors.fail("could not open " + device + ": " + std::strerror(-opened) + help);
        return false;
    }
    Descriptor fd(opened);
    const int version = request(fd, KVM_GET_API_VERSION);
    if (version != KVM_API_VERSION) {
        errors.fail(version < 0 ? device + " is not the kernel's KVM device: " + std::strerror(-version)
                                : "KVM's interface has version " + std::to_string(version) + ", " +
                                      std::to_string(KVM_API_VERSION) + " is needed");
        return false;
    }
    const int size = request(fd, KVM_GET_VCPU_MMAP_SIZE);
    if (size < int(sizeof(kvm_run))) {
        errors.fail("KVM does not tell the size of a CPU's shared memory: use -accel tcg");
        return false;
    }
    vcpu_mapping_size_ = std::size_t(size);
    fd_ = std::move(fd);
    read_msrs();
    return read_cpuids(errors);
}

/// 0, or -errno; -E2BIG where there is no end to them.
int System::read_cpuid(unsigned long code, std::vector<kvm_cpuid_entry2>& entries) const {
    constexpr std::size_t kLimit = 4096;
    for (std::size_t count = 128; count <= kLimit; count *= 2) {
        Tailed<kvm_cpuid2, kvm_cpuid_entry2> table(count);
        table.head()->nent = std::uint32_t(count);
        const int result = request(fd_, code, table.head());
        if (result == -E2BIG) continue;
        if (result < 0) return result;
        entries.assign(table.head()->entries, table.head()->entries + table.head()->nent);
        return 0;
    }
    return -E2BIG;
}

bool System::read_cpuids(Errors& errors) {
    if (request(fd_, KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_SYS_HYPERV_CPUID)) > 0)
        read_cpuid(KVM_GET_SUPPORTED_HV_CPUID, supported_hyperv_);
    const int result = read_cpuid(KVM_GET_SUPPORTED_CPUID, supported_cpuid_);
    if (result == -E2BIG) errors.fail("KVM's list of processor features has no end: use -accel tcg");
    else if (result < 0)
        errors.fail(std::string("KVM does not tell what processors it can give (KVM_GET_SUPPORTED_CPUID: ") +
                    std::strerror(-result) + "): use -accel tcg");
    return result >= 0;
}

void System::read_msrs() {
    for (const std::uint32_t index : msr_list(fd_, KVM_GET_MSR_INDEX_LIST)) msrs_.insert(index);
    const std::vector<std::uint32_t> features = msr_list(fd_, KVM_GET_MSR_FEATURE_INDEX_LIST);
    for (std::size_t at = 0; at < features.size();) {
        // The kernel stops at the first that it refuses and says how far it came.
        const std::size_t count = features.size() - at;
        Tailed<kvm_msrs, kvm_msr_entry> rest(count);
        rest.head()->nmsrs = std::uint32_t(count);
        for (std::size_t i = 0; i < count; ++i) rest.head()->entries[i].index = features[at + i];
        const auto done = std::size_t(std::max(0, request(fd_, KVM_GET_MSRS, rest.head())));
        for (std::size_t i = 0; i < done; ++i) feature_msrs_[features[at + i]] = rest.head()->entries[i].data;
        at += done == count ? done : done + 1;
    }
}

std::optional<std::uint64_t> System::feature_msr(std::uint32_t index) const {
    const auto found = feature_msrs_.find(index);
    if (found == feature_msrs_.end()) return std::nullopt;
    return found->second;
}

void Refusals::say(const std::string& what, int error) {
    {
        const std::lock_guard guard(mutex_);
        if (!said_.insert(what).second) return;
    }
    if (log_.enabled("kvm"))
        log_.write(LogLevel::Debug, "kvm",
                   "the kernel refuses " + what + (error ? std::string(": ") + std::strerror(error) : ""));
}

}  // namespace backplane::kvm
