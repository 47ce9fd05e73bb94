// What monitors ask of x86 processors: their local APICs, their page tables, and the models that there are.
#pragma once

#include "../model.h"

#include <backplane/backend.h>
#include <backplane/draft/debug.h>
#include <backplane/draft/x86/processor.h>
#include <backplane/interrupt_text.h>
#include <backplane/management.h>
#include <backplane/text.h>
#include <backplane/type.h>

#include <lib/json.h>

#include <string>

namespace backplane::x86 {

class X86Cpu;

/// A model as a type: models.cpp has them.
struct ModelType {
    const char* name;      ///< as -cpu takes it
    const char* type;      ///< "Haswell-x86_64-cpu"
    const char* alias_of;  ///< the version that it stands for; null: it is one
    const Model* model;
};
/// Null: there is no more.
const ModelType* model_type_at(std::size_t index);
/// The properties that all models have.
Slice<const PropertyInfo> processor_properties();

/// Every bit that guests of an accelerator may be shown.
Features supported_features(const ProcessorSupport& support);

/// "info lapic"
void print_local_apic(const LocalApicView& apic, std::uint32_t cpu, TextSink& out);
/// "info tlb": a line for each page, and "info mem": one for each range of the same rights. The processor stands still.
void print_pages(Cpu& cpu, TextSink& out);
void print_ranges(Cpu& cpu, TextSink& out);

/// Thread: as CommandHandler.
class X86Listing final : public CommandHandler {
  public:
    explicit X86Listing(Object& object) : object_(object) {}
    void execute(Str command, Str arguments, CommandReply& reply) override;

  private:
    DebugControl& control() const;
    /// One whose APIC has this id, or without one that which the monitor looks at; null: there is none.
    Cpu* chosen(const Json& given) const;
    /// Null where the machine's processors are of another kind.
    X86Cpu* any_processor() const;
    void look(Str command, Cpu& cpu, CommandReply& reply) const;
    void list_models(CommandReply& reply) const;
    void expand(const Json& given, CommandReply& reply);

    Object& object_;
};

inline constexpr ArgumentInfo kApicId[] = {
    {.name = "apic-id", .kind = ArgumentKind::Number, .required = false}};
inline constexpr ArgumentInfo kExpansion[] = {
    {.name = "type",
     .summary = "static: as changes to the model 'base'; full: all properties",
     .choices = "static|full"},
    {.name = "model", .kind = ArgumentKind::Object, .summary = "name, and props: what differs from it"},
};
inline constexpr ArgumentInfo kExpanded[] = {{.name = "model", .kind = ArgumentKind::Object}};
inline constexpr ArgumentInfo kDefinition[] = {
    {.name = "name"},
    {.name = "typename"},
    {.name = "unavailable-features", .kind = ArgumentKind::Array},
    {.name = "alias-of", .required = false},
    {.name = "static", .kind = ArgumentKind::Flag},
    {.name = "migration-safe", .kind = ArgumentKind::Flag},
    {.name = "deprecated", .kind = ArgumentKind::Flag},
};
inline constexpr CommandInfo kListingCommands[] = {
    {.human = "info lapic", .summary = "a processor's local APIC", .arguments = kApicId},
    {.human = "info tlb", .summary = "each page that a processor sees, with its rights"},
    {.human = "info mem", .summary = "ranges of pages that a processor sees, with their rights"},
    {.name = "query-cpu-definitions",
     .summary = "processor models, and what of them the accelerator cannot give",
     .returns = "[CpuDefinitionInfo]",
     .when = command_when::kBuilt | command_when::kIncoming,
     .results = kDefinition},
    {.name = "query-cpu-model-expansion",
     .summary = "what a processor model consists of",
     .arguments = kExpansion,
     .returns = "CpuModelExpansionInfo",
     .when = command_when::kBuilt | command_when::kIncoming,
     .results = kExpanded},
};

}  // namespace backplane::x86
