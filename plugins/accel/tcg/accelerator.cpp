// The accelerator "tcg": a dynamic translator. This file is its face to the machine; docs/translator.md says how it
// works. Not modelled: counted instructions (icount), several vCPUs on one thread.
#include "vcpu.h"

#include <backplane/backend.h>
#include <backplane/draft/debug.h>
#include <backplane/management.h>
#include <backplane/plugin.h>
#include <backplane/property.h>
#include <backplane/text.h>

#include <map>

namespace backplane::tcg {
namespace {

class Tcg final : public Accelerator, public AcceleratorDebug, public CodeListener {
  public:
    explicit Tcg(Object&) {}
    ~Tcg() {
        vcpus_.clear();
        if (context_) context_->system_memory().remove_code_listener(*this);
    }

    bool open(AcceleratorContext& context, Errors& errors) override {
        if (code_mib_ > kMaxCodeMib) {
            errors.fail("tb-size is at most 1024 (MiB per CPU)");
            return false;
        }
        // What a vCPU needs of the host, asked before the board is built.
        if (!HotMemory(1).get() || !MappedCode(1u << 20).get().data) {
            errors.fail("the host refuses memory for translated code (executable, or below 2 GiB)");
            return false;
        }
        context_ = &context;
        // Made ahead of the board, which may ask what it offers.
        const std::string architecture(context.cpu_architecture().view());
        if (!architecture.empty() && !front_end_for(architecture, errors)) return false;
        context.system_memory().add_code_listener(*this);
        return true;
    }

    bool attach(Cpu& cpu, Errors& errors) override {
        if (thread_ == kSingle && !vcpus_.empty()) {
            errors.fail("tcg runs each CPU on a thread of its own: use thread=multi, or -smp 1");
            return false;
        }
        const FrontEnd* front_end = front_end_for(std::string(cpu.architecture().view()), errors);
        if (!front_end || !front_end->accepts(cpu, errors)) return false;
        VcpuOptions options;
        if (code_mib_ != 0) options.code_size = std::size_t(code_mib_) << 20;
        options.one_instruction = one_instruction_;
        auto vcpu = TcgVcpu::create(*context_, cpu, *front_end, pages_, options, errors);
        if (!vcpu) return false;
        vcpu->set_debug(debug_points_, debug_listener_);
        vcpus_.add(cpu, std::move(vcpu));
        return true;
    }

    void detach(Cpu& cpu) override { vcpus_.remove(cpu, context_->lock()); }
    void start() override { vcpus_.start(); }
    void stop() override { vcpus_.stop(context_->lock()); }
    void request_stop() override { vcpus_.request_stop(); }
    void states_changed() override {
        vcpus_.for_each([](TcgVcpu& vcpu) { vcpu.state_changed(); });
    }

    void set_debug_listener(DebugListener* listener) override {
        debug_listener_ = listener;
        tell_debug();
    }
    bool set_debug_points(Slice<const DebugPoint> points) override {
        if (points.size > DebugPoints::kMaximum) return false;
        debug_points_ = points.empty() ? nullptr : std::make_shared<const DebugPoints>(points);
        tell_debug();
        return true;
    }
    void set_debug_resume(Cpu& cpu, DebugResume how) override {
        if (TcgVcpu* vcpu = vcpus_.find(cpu)) vcpu->set_resume(how);
    }

    void code_overwritten(RamBlock& block, std::uint64_t offset, std::uint64_t size) override {
        pages_.written(block, offset, size, nullptr);
    }

    /// `info jit`. No vCPU runs.
    void describe_code(TextSink& out) {
        std::size_t used = 0, size = 0, units = 0, flushes = 0, dropped = 0;
        vcpus_.for_each([&](TcgVcpu& vcpu) {
            const CodeCache& cache = vcpu.cache();
            used += cache.used();
            size += vcpu.code_size();
            units += cache.size();
            flushes += cache.flushes();
            dropped += cache.dropped();
        });
        const auto row = [&](const char* name, const std::string& value) { out.append(name + value + "\n"); };
        row("Accelerator settings:\none-insn-per-tb: ", one_instruction_ ? "on" : "off");
        row("\nTranslation buffer state:\ngen code size       ",
            std::to_string(used) + "/" + std::to_string(size));
        row("TB count            ", std::to_string(units));
        row("\nStatistics:\nTB flush count      ", std::to_string(flushes));
        row("TB invalidate count ", std::to_string(dropped));
    }

    static const PropertyInfo kProperties[3];

  private:
    static constexpr std::uint32_t kMaxCodeMib = 1024;
    static constexpr std::uint32_t kSingle = 0;

    const FrontEnd* front_end_for(const std::string& architecture, Errors& errors) {
        const FrontEnd*& known = front_ends_[architecture];
        if (known) return known;
        ErrorText reason;
        Object* object = context_->create("tcg-" + architecture, "tcg-" + architecture, reason);
        if (!object) {
            errors.fail("tcg has no front end for " + architecture + " processors (" + reason.text() +
                        "); -accel help lists what else may run them");
            return nullptr;
        }
        known = query<FrontEnd>(*object);
        if (!known) errors.fail("type 'tcg-" + architecture + "' is no translator's front end");
        return known;
    }

    void tell_debug() {
        vcpus_.for_each([this](TcgVcpu& vcpu) { vcpu.set_debug(debug_points_, debug_listener_); });
    }

    AcceleratorContext* context_ = nullptr;
    CodePages pages_;
    std::map<std::string, const FrontEnd*> front_ends_;
    Vcpus<TcgVcpu> vcpus_;
    std::shared_ptr<const DebugPoints> debug_points_;
    DebugListener* debug_listener_ = nullptr;
    std::uint32_t code_mib_ = 0;
    std::uint32_t thread_ = 1;
    bool one_instruction_ = false;
};

constexpr PropertyInfo Tcg::kProperties[3] = {
    property<&Tcg::code_mib_>({.name = "tb-size",
                               .summary = "MiB of translated code per CPU; 0: 64",
                               .default_text = "0",
                               .maximum = kMaxCodeMib}),
    enum_property<&Tcg::thread_>(
        {.name = "thread",
         .summary = "single: one thread for all CPUs (one CPU only); multi: one each",
         .default_text = "multi",
         .choices = "single|multi"}),
    property<&Tcg::one_instruction_>(
        {.name = "one-insn-per-tb",
         .summary = "translate one guest instruction at a time (slow; for debugging)",
         .default_text = "off"}),
};

constexpr InterfaceInfo kInterfaces[] = {offers<Tcg, Accelerator>(), offers<Tcg, AcceleratorDebug>()};

class JitListing final : public CommandHandler {
  public:
    explicit JitListing(Object& object) : object_(object) {}
    void execute(Str, Str, CommandReply& reply) override {
        auto& control =
            *static_cast<DebugControl*>(backend_context(object_).host_interface(DebugControl::kId));
        Object* accelerator = control.accelerator_object();
        auto* tcg = accelerator ? static_cast<Tcg*>(accelerator->part("tcg-accel")) : nullptr;
        if (!tcg) return reply.fail("JIT information is only available with accel=tcg");
        const bool running = control.running();
        TextBuffer text;
        if (running) tcg->stop();
        tcg->describe_code(text);
        if (running) tcg->start();
        reply.succeed_text(text.text());
    }

  private:
    Object& object_;
};

constexpr InterfaceInfo kListingInterfaces[] = {offers<JitListing, CommandHandler>()};
constexpr CommandInfo kListingCommands[] = {
    {.human = "info jit", .summary = "how much code was translated"},
};

constexpr TypeInfo kTypes[] = {{
                                   .name = "tcg-accel",
                                   .parent = "accelerator",
                                   .summary = "dynamic translation of guest code",
                                   .option_name = "tcg",
                                   .is_default = true,
                                   .interfaces = kInterfaces,
                                   .properties = Tcg::kProperties,
                                   .instance_init = make_part<Tcg>,
                                   .instance_finalize = free_part<Tcg>,
                               },
                               {
                                   .name = "jit-listing",
                                   .parent = "service",
                                   .summary = "tells monitors of translated code",
                                   .interfaces = kListingInterfaces,
                                   .commands = kListingCommands,
                                   .instance_init = make_part<JitListing>,
                                   .instance_finalize = free_part<JitListing>,
                               }};

}  // namespace
}  // namespace backplane::tcg

BACKPLANE_PLUGIN("tcg", "1.0", "Backplane", backplane::tcg::kTypes)
