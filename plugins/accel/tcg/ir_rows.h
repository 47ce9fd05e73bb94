// The table of IR ops as data: what stands in a row of <backplane/draft/tcg/ir_table.inc>.
#pragma once

#include <backplane/draft/tcg/front_end.h>

namespace backplane::tcg {

struct IrRow {
    const char* name;
    bool result;
    unsigned inputs;
    const char* shape;
};
inline constexpr IrRow kIrRows[] = {
#define X(name, klass, result, inputs, shape) {#name, result != 0, inputs, #shape},
#include <backplane/draft/tcg/ir_table.inc>
};

}  // namespace backplane::tcg
