#include "listing.h"

#include "../x86_cpu.h"

#include <backplane/draft/accelerator.h>
#include <backplane/draft/management.h>

namespace backplane::x86 {

namespace {

/// While somebody looks, no processor runs.
class StandingProcessors {
  public:
    explicit StandingProcessors(DebugControl& control)
        : accelerator_(control.running() ? control.accelerator() : nullptr) {
        if (accelerator_) accelerator_->stop();
    }
    StandingProcessors(const StandingProcessors&) = delete;
    StandingProcessors& operator=(const StandingProcessors&) = delete;
    ~StandingProcessors() {
        if (accelerator_) accelerator_->start();
    }

  private:
    Accelerator* accelerator_;
};

}  // namespace

DebugControl& X86Listing::control() const {
    return *static_cast<DebugControl*>(backend_context(object_).host_interface(DebugControl::kId));
}

Cpu* X86Listing::chosen(const Json& given) const {
    if (given.contains("apic-id")) {
        for (Cpu* cpu : control().cpus())
            if (const auto* processor = query<ProcessorControl>(cpu->object());
                processor && processor->apic_id() == given["apic-id"].get<std::uint64_t>())
                return cpu;
        return nullptr;
    }
    auto* monitors = static_cast<Management*>(backend_context(object_).host_interface(Management::kId));
    return monitors ? monitors->current_cpu() : nullptr;
}

X86Cpu* X86Listing::any_processor() const {
    for (Cpu* cpu : control().cpus())
        if (auto* found = static_cast<X86Cpu*>(cpu->object().part(kProcessorType))) return found;
    return nullptr;
}

void X86Listing::execute(Str command, Str arguments, CommandReply& reply) {
    const Json given = parse_json(arguments.view());
    if (!any_processor()) return reply.fail("this machine has no x86 processors");
    if (command == Str("query-cpu-definitions")) return list_models(reply);
    if (command == Str("query-cpu-model-expansion")) return expand(given, reply);
    Cpu* cpu = chosen(given);
    if (!cpu) return reply.fail("No CPU available");
    look(command, *cpu, reply);
}

void X86Listing::look(Str command, Cpu& cpu, CommandReply& reply) const {
    const StandingProcessors standing(control());
    TextBuffer text;
    if (command == Str("info lapic")) {
        const LocalApicView* apic = nullptr;
        for_each_below(root_of(object_), [&](Object& each) {
            const auto* view = query<LocalApicView>(each);
            if (view && view->processor() == &cpu.object()) apic = view;
        });
        if (!apic) return reply.fail("this processor has no local APIC");
        print_local_apic(*apic, cpu.index(), text);
    } else if (!(static_cast<X86State*>(cpu.state())->cr0 & cr0::kPg)) {
        text.append("PG disabled\n");
    } else if (command == Str("info tlb")) {
        print_pages(cpu, text);
    } else {
        print_ranges(cpu, text);
    }
    reply.succeed_text(text.text());
}

}  // namespace backplane::x86
