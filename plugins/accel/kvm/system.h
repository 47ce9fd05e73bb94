// The kernel's virtual machine monitor as this process reaches it: descriptors, requests, what it can do.
//
// Follows the kernel's Documentation/virt/kvm/api.rst, whose sections are cited as "api 4.n". A capability is asked for
// where it is used and never assumed; what the kernel refuses is named once in the log (-d kvm).
#pragma once

#include "kernel_interface.h"

#include <backplane/abi.h>
#include <backplane/log.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace backplane::kvm {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

/// ioctl(2), again when a signal interrupted it. What it returned, or -errno.
int request(const Descriptor& fd, unsigned long code, const void* argument = nullptr);
int request(const Descriptor& fd, unsigned long code, unsigned long argument);

/// What the kernel offers to every virtual machine. Thread: any, once it is open.
class System {
  public:
    /// False and the reason: no device, no permission, an old version.
    bool open(const std::string& device, Errors& errors);
    const Descriptor& fd() const { return fd_; }
    std::size_t vcpu_mapping_size() const { return vcpu_mapping_size_; }
    const std::vector<kvm_cpuid_entry2>& supported_cpuid() const { return supported_cpuid_; }
    /// Of Microsoft's hypervisor interface (KVM_GET_SUPPORTED_HV_CPUID); empty where the kernel has none of it.
    const std::vector<kvm_cpuid_entry2>& supported_hyperv() const { return supported_hyperv_; }
    /// A feature MSR's bits (KVM_GET_MSRS, api 4.18); nothing where the kernel has none or refuses it.
    std::optional<std::uint64_t> feature_msr(std::uint32_t index) const;
    /// The MSRs that guests have (api 4.3).
    const std::set<std::uint32_t>& msrs() const { return msrs_; }

  private:
    int read_cpuid(unsigned long code, std::vector<kvm_cpuid_entry2>& entries) const;
    bool read_cpuids(Errors& errors);
    void read_msrs();

    Descriptor fd_;
    std::size_t vcpu_mapping_size_ = 0;
    std::vector<kvm_cpuid_entry2> supported_cpuid_, supported_hyperv_;
    std::map<std::uint32_t, std::uint64_t> feature_msrs_;
    std::set<std::uint32_t> msrs_;
};

/// Names what is refused, each thing once.
class Refusals {
  public:
    explicit Refusals(Log& log) : log_(log) {}
    void say(const std::string& what, int error);

  private:
    Log& log_;
    std::mutex mutex_;
    std::set<std::string> said_;
};

}  // namespace backplane::kvm
