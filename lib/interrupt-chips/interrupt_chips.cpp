#include <lib/interrupt_chips.h>

namespace backplane::chips {

void I8259Registers::describe_registers(StateTable& state) {
    describe(state, "IRR", requests_);
    describe(state, "IMR", mask_);
    describe(state, "ISR", in_service_);
    describe(state, "lines", lines_, 0, false);  // those of the wires
    describe(state, "ELCR", level_triggered_);
    describe(state, "LTIM", all_level_triggered_);
    describe(state, "lowest_priority", lowest_, {.reset_value = 7, .maximum = 7});
    describe(state, "vector_base", vector_base_);
    describe(state, "expected_icw", expected_, {.maximum = 4});
    describe(state, "single", single_);
    describe(state, "icw4_follows", icw4_follows_);
    describe(state, "read_in_service", read_in_service_);
    describe(state, "poll", poll_);
    describe(state, "special_mask", special_mask_);
    describe(state, "automatic_end", automatic_end_);
    describe(state, "rotate_automatically", rotate_automatically_);
    describe(state, "special_fully_nested", fully_nested_);
}

void IoApicRegisters::describe_registers(StateTable& state) {
    describe(state, "IOREGSEL", select_);
    describe(state, "IOAPICID", id_);
    describe(state, "IOREDTBL", entries_, kMasked);
    describe(state, "levels", levels_, {.reset = false, .maximum = (1u << kPins) - 1});
}

void LocalApicRegisters::describe_registers(StateTable& state) {
    constexpr std::uint32_t kMasked = 1u << 16;
    describe(state, "IA32_APIC_BASE", base_);
    describe(state, "TPR", task_priority_);
    describe(state, "LDR", logical_destination_);
    describe(state, "DFR", destination_format_, kFormatReset);
    describe(state, "SVR", spurious_, kSpuriousReset);
    describe(state, "ESR", error_status_);
    describe(state, "new_errors", new_errors_);
    describe(state, "ICR_low", command_low_);
    describe(state, "ICR_high", command_high_);
    describe(state, "LVT", lvt_, kMasked);
    describe(state, "IRR", requested_.words);
    describe(state, "ISR", in_service_.words);
    describe(state, "TMR", level_triggered_.words);
    describe(state, "lint_levels", lint_levels_, {.reset = false, .maximum = 1});
    describe(state, "ExtINT_message", external_message_);
}

void ApicTimerRegisters::describe_registers(StateTable& state) {
    StateTable& timer = state.group({.name = "timer"});
    describe(timer, "initial_count", initial_count_);
    describe(timer, "divide", divide_);
    describe(timer, "started", started_);
    describe(timer, "IA32_TSC_DEADLINE", deadline_);
}

/// Figure 11-10: bits 3, 1 and 0 are the power of two, less one; all ones divide by 1.
std::uint64_t ApicTimerRegisters::divisor() const {
    const unsigned power = (divide_ & 3) | (divide_ >> 1 & 4);
    return std::uint64_t{1} << ((power + 1) & 7);
}

}  // namespace backplane::chips
