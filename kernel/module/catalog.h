// The catalogue of plugins: search path, gate, lookup by name, lazy loading.
#pragma once

#include "kernel/module/manifest.h"
#include "kernel/object/type_store.h"

#include <set>

namespace backplane::kernel {

/// One file that the search found.
struct PluginFile {
    std::filesystem::path path;
    Manifest manifest;
    std::string refusal;  ///< why it will not be loaded; empty: it fits
    bool loaded = false;
};

/// What is on the search path, read once per process. No plugin's code runs before it is asked for by name.
/// Thread: main.
class Catalog {
  public:
    /// `extra`: --plugin-dir options. Then BACKPLANE_PLUGIN_PATH (':' between), then the build's or the
    /// installation's own directory.
    explicit Catalog(std::vector<std::filesystem::path> extra = {});

    TypeStore& types() { return types_; }
    const std::vector<std::filesystem::path>& search_path() const { return search_path_; }
    const std::vector<PluginFile>& plugins() const { return plugins_; }

    struct Listed {
        const ManifestType* type;
        const PluginFile* plugin;
    };
    /// From manifests alone: the concrete (or all) types below `ancestor`.
    std::vector<Listed> list(std::string_view ancestor, bool include_abstract = false) const;
    const ManifestType* find_type(std::string_view name) const;
    /// Own, inherited and forwarded properties, from manifests alone.
    std::vector<const ManifestProperty*> properties(const ManifestType& type) const;
    /// Nearest non-empty bus or category up the ancestry.
    std::string bus_of(const ManifestType& type) const;
    std::string category_of(const ManifestType& type) const;
    bool is_a(const ManifestType& type, std::string_view ancestor) const;
    /// The type below `ancestor` whose option name, alias or versioned name is `option`: the type's name (for a
    /// machine, of its version), or empty with a reason that suggests the nearest and says where it looked.
    /// `what` names it in the message ("machine type", "CPU model").
    std::string resolve_option(std::string_view option, std::string_view ancestor, std::string_view what,
                               Errors& errors) const;

    /// Loads the plugin that provides type `name`. True when it is (already) registered.
    bool load_provider(std::string_view name, Errors& errors);
    /// Why `name` is not to be had: nearest name, the paths searched, what was skipped and why.
    std::string explain_unknown(std::string_view name, std::string_view what) const;

  private:
    void scan(const std::filesystem::path& directory);
    bool load(PluginFile& file, Errors& errors);
    std::string skipped_text() const;

    std::vector<std::filesystem::path> search_path_;
    std::vector<PluginFile> plugins_;
    std::vector<ManifestType> core_;  ///< the core's own abstract types, as a manifest would have them
    std::map<std::string, Listed, std::less<>> by_name_;
    std::vector<std::filesystem::path> loading_;
    TypeStore types_;
};

/// `found` fits what this host offers; else the refusal's text, which begins with the file's name.
std::string check_fit(const std::filesystem::path& file, const Manifest& found);

}  // namespace backplane::kernel
