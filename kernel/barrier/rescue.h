// A way out for exceptions that have none.
#pragma once

#include <functional>
#include <string>

namespace backplane::kernel {

/// Calls `body`. False when that ended in std::terminate on this thread; `reason` then says why ("threw …"). Meant for
/// what runs constructors of code that is loaded: an exception of theirs cannot pass the dynamic linker's frames. The
/// linker is left as if the constructors had not returned yet: the code stays loaded and is never to be used, and its
/// lock stays with this thread, which goes on loading others.
bool outlive_terminate(const std::function<void()>& body, std::string& reason);

}  // namespace backplane::kernel
