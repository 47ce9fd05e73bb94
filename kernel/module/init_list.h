// The list that plugins' constructors feed: the one piece of global state.
#pragma once

#include <backplane/module.h>

#include <vector>

namespace backplane::kernel {

/// The initialisers that came from the shared object which is mapped at `base`, in the order of their phases and,
/// within one, of queueing.
std::vector<const ModuleInitNode*> initialisers_of(const void* base);

}  // namespace backplane::kernel
