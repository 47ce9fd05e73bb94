// The filter is classic BPF on struct seccomp_data (Linux, Documentation/userspace-api/seccomp_filter.rst): a list of
// comparisons of the call's number, each followed by its verdict.
#include "kernel/program/sandbox.h"

#include "kernel/vocabulary/user_error.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace backplane::kernel {
namespace {

constexpr std::uint32_t kDenied = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kX32Calls = 0x4000'0000;  ///< the first number of the x32 ABI

/// What changes the host as a whole, or reaches into other processes.
constexpr int kNobodysBusiness[] = {SYS_mount,
                                    SYS_umount2,
                                    SYS_pivot_root,
                                    SYS_swapon,
                                    SYS_swapoff,
                                    SYS_reboot,
                                    SYS_init_module,
                                    SYS_finit_module,
                                    SYS_delete_module,
                                    SYS_kexec_load,
                                    SYS_kexec_file_load,
                                    SYS_syslog,
                                    SYS_acct,
                                    SYS_quotactl,
                                    SYS_settimeofday,
                                    SYS_clock_settime,
                                    SYS_adjtimex,
                                    SYS_clock_adjtime,
                                    SYS_sethostname,
                                    SYS_setdomainname,
                                    SYS_iopl,
                                    SYS_ioperm,
                                    SYS_ptrace,
                                    SYS_process_vm_readv,
                                    SYS_process_vm_writev,
                                    SYS_bpf,
                                    SYS_perf_event_open,
                                    SYS_setns,
                                    SYS_unshare,
                                    SYS_name_to_handle_at,
                                    SYS_open_by_handle_at,
                                    SYS_lookup_dcookie,
                                    SYS_vhangup,
                                    SYS_keyctl,
                                    SYS_add_key,
                                    SYS_request_key};
constexpr int kObsolete[] = {SYS_uselib,           SYS_ustat,           SYS_sysfs,        SYS__sysctl,
                             SYS_create_module,    SYS_get_kernel_syms, SYS_query_module, SYS_modify_ldt,
                             SYS_remap_file_pages, SYS_tuxcall,         SYS_vserver,      SYS_security,
                             SYS_afs_syscall,      SYS_getpmsg,         SYS_putpmsg,      SYS_epoll_ctl_old,
                             SYS_epoll_wait_old,   SYS_nfsservctl};
constexpr int kElevation[] = {SYS_setuid,    SYS_setgid,   SYS_setreuid, SYS_setregid,  SYS_setresuid,
                              SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_capset};
constexpr int kSpawn[] = {SYS_fork, SYS_vfork, SYS_execve, SYS_execveat};
constexpr int kResources[] = {SYS_setpriority,       SYS_sched_setparam, SYS_sched_setscheduler,
                              SYS_sched_setaffinity, SYS_sched_setattr,  SYS_ioprio_set,
                              SYS_setrlimit};

class Filter {
  public:
    Filter() {
        load(offsetof(seccomp_data, arch));
        unless_equal(AUDIT_ARCH_X86_64, SECCOMP_RET_KILL_PROCESS);
        load(offsetof(seccomp_data, nr));
        // Another numbering of the same calls.
        add(BPF_JMP | BPF_JGE | BPF_K, kX32Calls, 0, 1);
        verdict(SECCOMP_RET_KILL_PROCESS);
    }

    template <std::size_t N>
    void judge(const int (&calls)[N], std::uint32_t what) {
        for (const int call : calls) {
            add(BPF_JMP | BPF_JEQ | BPF_K, std::uint32_t(call), 0, 1);
            verdict(what);
        }
    }
    /// New threads only. The newer call hides its flags in memory, and the C library does without it.
    void only_threads() {
        add(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
        verdict(SECCOMP_RET_ERRNO | ENOSYS);
        add(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
        load(offsetof(seccomp_data, args[0]));
        add(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
        verdict(SECCOMP_RET_ALLOW);
        verdict(kDenied);
    }
    bool install() {
        verdict(SECCOMP_RET_ALLOW);
        sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
    }

  private:
    void add(unsigned code, std::uint32_t value, unsigned if_true = 0, unsigned if_false = 0) {
        code_.push_back({static_cast<unsigned short>(code), static_cast<unsigned char>(if_true),
                         static_cast<unsigned char>(if_false), value});
    }
    void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, std::uint32_t(offset)); }
    void verdict(std::uint32_t what) { add(BPF_RET | BPF_K, what); }
    void unless_equal(std::uint32_t value, std::uint32_t what) {
        add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
        verdict(what);
    }

    std::vector<sock_filter> code_;
};

}  // namespace

void enter_sandbox(const SandboxPlan& plan) {
    if (!plan.on) return;
    const auto fail = [](int error) {
        throw UserError(std::string("-sandbox on: this host's kernel does not filter system calls: ") +
                        std::strerror(error));
    };
    // Without it only the superuser may filter; with it, no program that is started gains anything.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(errno);
    Filter filter;
    filter.judge(kNobodysBusiness, SECCOMP_RET_KILL_PROCESS);
    if (plan.deny_obsolete) filter.judge(kObsolete, kDenied);
    if (plan.deny_elevation) filter.judge(kElevation, kDenied);
    if (plan.deny_spawn) {
        filter.judge(kSpawn, kDenied);
        filter.only_threads();
    }
    if (plan.deny_resources) filter.judge(kResources, kDenied);
    if (!filter.install()) fail(errno);
}

}  // namespace backplane::kernel
