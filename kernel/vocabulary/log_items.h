// What -d, -trace and the monitor's `log` switch on.
#pragma once

#include "kernel/module/catalog.h"

namespace backplane::kernel {

struct LogItem {
    const char* name;
    const char* summary;
};
Slice<const LogItem> log_items();
/// Is `name` a log item: one of log_items(), or the name of a plugin or type for what that says of itself?
bool known_log_item(const Catalog& catalog, const std::string& name, Errors& errors);

}  // namespace backplane::kernel
