// Last words: what ends the process in a plugin's code names the plugin first.
#pragma once

namespace backplane::kernel {

/// From now on, for the process's life: SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, and std::terminate, say on stderr
/// whose code it was, or which file a page is missing of, before the signal does what it does by default. A signal that
/// somebody handles already is left alone. Thread: main.
void report_crashes();

/// Names on stderr the threads that still run beside the calling one, when there are any, with the plugin whose code
/// they are in: how many that were. For the end of the process, when nothing should run any more.
unsigned report_left_threads();

}  // namespace backplane::kernel
