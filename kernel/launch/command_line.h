// argv → launch plan. What an option is called, what it takes and what -help says of it stand in one table, to which
// plugins add rows.
#pragma once

#include "kernel/launch/plan.h"
#include "kernel/vocabulary/listings.h"

#include <filesystem>

namespace backplane::kernel {

class OptionTable;

struct CommandLine {
    LaunchPlan plan;
    std::optional<HelpTopic> topic;
    bool print_plan = false;
};

/// Throws UserError: "-device foo,x: …". `arguments` without the program's name. `catalog`: whose plugins' options
/// there are besides the core's own; null for those alone.
CommandLine read_command_line(const std::vector<std::string>& arguments, const Catalog* catalog = nullptr);
/// The -plugin-dir options alone: what plugins there are decides what other options there are.
std::vector<std::filesystem::path> plugin_directories(const std::vector<std::string>& arguments);
/// The text of -help.
std::string usage(const Catalog* catalog = nullptr);

/// What option handlers write into.
class PlanBuilder {
  public:
    explicit PlanBuilder(const OptionTable& table) : table_(table) {}

    CommandLine result;
    LaunchPlan& plan() { return result.plan; }

    /// "-device foo,x": the option that is being read.
    std::string option;

    void ask(HelpTopic topic) {
        if (!result.topic) result.topic = std::move(topic);
    }
    void ask(HelpTopic::Kind kind) { ask({kind, {}, {}}); }
    /// The parameters that the row of option `name` documents.
    void ask_parameters(const std::string& name);
    /// Claims an id among the objects of one kind.
    void claim_id(std::string_view kind, const std::string& id);
    std::string unused_id(std::string_view stem);
    /// Adds a chardev, with a multiplexer of this id before it when `shared`. Refuses a second use of the terminal.
    void add_chardev(ObjectPlan chardev, bool shared);
    /// The chardev that "stdio", "unix:…", "chardev:ID" stand for, made when it needs to be; empty for "none".
    std::string chardev_for(std::string text, const std::string& id, bool shared);

    /// What options said and -nodefaults and the defaults have to know.
    std::string memory_path;  ///< -mem-path
    std::string memory_path_option;
    bool memory_prealloc = false;
    bool snapshot = false;                 ///< -snapshot: every drive that does not say otherwise
    std::vector<std::string> kept_drives;  ///< nodes of drives with snapshot=on
    std::vector<std::string>
        unspecific_drives;  ///< nodes of drives that may be written, and say nothing of it
    bool nographic = false;
    bool display_none = false;
    bool machine_accelerator = false;
    bool serial_given = false;
    bool parallel_given = false;
    bool monitor_given = false;
    std::optional<std::uint8_t> escape;  ///< -echr
    std::vector<NicPlan> legacy_nics;    ///< -net nic, until it is known what they are on
    std::vector<ObjectPlan> legacy_networks;
    std::string qtest;  ///< the chardev that -qtest made
    std::string qtest_log;

    /// Puts a temporary overlay on the drives that are to stay as they are.
    void add_overlays();

    /// Applies option `name` (without dashes) as if it stood on the command line.
    void apply(const std::string& name, const std::string& value);
    /// The same for a word that stands for an option; messages name it as `shown`.
    void apply_as(const std::string& shown, const std::string& name, const std::string& value);

  private:
    const OptionTable& table_;
    std::vector<std::string> ids_;
};

/// One of the core's own options.
struct CoreOption {
    const char* name;
    const char* argument;  ///< null: it takes none
    const char* help;      ///< lines after the first are indented by the printer
    void (*apply)(PlanBuilder& builder, const std::string& value);
};
struct OptionGroup {
    const char* title;
    std::vector<CoreOption> rows;
};

OptionGroup machine_options();
OptionGroup numa_options();
OptionGroup boot_options();
OptionGroup block_options();
OptionGroup device_options();
OptionGroup network_options();
OptionGroup character_options();
OptionGroup run_options();
OptionGroup process_options();

/// -net nic and -net user stand apart on the line: puts the one on the other.
void connect_legacy_networks(PlanBuilder& builder);
/// Reads "[section "id"] key = "value"" lines and applies them as options.
void read_config_file(PlanBuilder& builder, const std::string& path);

}  // namespace backplane::kernel
