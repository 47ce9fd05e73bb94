// The CSRs as a debugger reaches them: what the hart has, by machine mode's rules, whatever mode it is in.
#include "csr_table.h"

namespace backplane::riscv {

namespace {

/// Lets an access through that only the hart's mode or a switched-off unit forbids.
class DebugView {
  public:
    DebugView(HartState& state, unsigned number)
        : state_(state),
          privilege_(state.privilege),
          float_(state.mstatus & mstatus::kFs),
          is_float_(is_float(number)) {
        state.privilege = Privilege::Machine;
        if (is_float_) state.mstatus |= mstatus::kFs;
    }
    ~DebugView() {
        state_.privilege = privilege_;
        if (is_float_) state_.mstatus = (state_.mstatus & ~mstatus::kFs) | float_;
    }
    DebugView(const DebugView&) = delete;
    DebugView& operator=(const DebugView&) = delete;

  private:
    static bool is_float(unsigned number) { return number >= kFflags && number <= kFcsr; }

    HartState& state_;
    const Privilege privilege_;
    const std::uint64_t float_;
    const bool is_float_;
};

class TableRules final : public CsrRules {
  public:
    std::string name(HartState& hart, unsigned number) const override {
        const CsrRow* row = find_csr(number);
        const DebugView view(hart, number);
        return row && (!row->legal || row->legal(hart, number)) ? csr_name(number) : std::string();
    }
    bool read(HartState& hart, unsigned number, std::uint64_t& value) const override {
        return access(hart, number, CsrOperation::Read, value);
    }
    bool write(HartState& hart, unsigned number, std::uint64_t value) const override {
        return access(hart, number, CsrOperation::Write, value);
    }

  private:
    static bool access(HartState& hart, unsigned number, CsrOperation operation, std::uint64_t& value) {
        const DebugView view(hart, number);
        const CsrResult result = access_csr(hart, number, operation, value);
        value = result.value;
        return result.legal;
    }
};

}  // namespace

const CsrRules& csr_rules() {
    static const TableRules rules;
    return rules;
}

}  // namespace backplane::riscv
