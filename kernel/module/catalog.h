// The catalogue of plugins: search path, gate, lookup by name, lazy loading.
#pragma once

#include "kernel/module/manifest.h"
#include "kernel/module/search_path.h"
#include "kernel/module/type_check.h"
#include "kernel/object/type_store.h"

#include <map>

namespace backplane::kernel {

class Callee;

/// A type of a plugin that is used, which is not.
struct RefusedType {
    std::string name;
    std::string reason;  ///< begins with the file's name
};

/// One file that the search found.
struct PluginFile {
    std::filesystem::path path;
    FolderOrigin origin = FolderOrigin::Install;
    Manifest manifest;
    std::string refusal;  ///< why it will not be loaded; empty: it fits
    std::vector<RefusedType> refused;
    std::vector<std::string> notes;  ///< found while it was compared with others; warnings() has them all
    bool loaded = false;

    const RefusedType* refused_type(std::string_view name) const;
};

/// What is on the search path, read once per process. No plugin's code runs before it is asked for by name.
/// Thread: main.
class Catalog {
  public:
    /// `options`: what --plugin-dir named. Of two plugins or types of one name the first on the search path is used, and
    /// the installation comes first.
    /// `core`: the names that are the core's.
    explicit Catalog(const std::vector<std::filesystem::path>& options = {}, const Trust& trust = Trust(),
                     const CoreNames& core = {});

    /// From here on types of other architectures are neither listed nor found by option names. Empty: all are. False
    /// with a reason when there is no machine of it.
    bool select_architecture(std::string_view architecture, Errors& errors);
    const std::string& architecture() const { return architecture_; }

    TypeStore& types() { return types_; }
    const std::vector<SearchFolder>& search_path() const { return search_path_; }
    const std::vector<PluginFile>& plugins() const { return plugins_; }

    struct Listed {
        const ManifestType* type;
        const PluginFile* plugin;
    };
    struct ListedVersion {
        const ManifestType* board;
        const ManifestVersion* version;
    };
    /// From manifests alone: the concrete (or all) types below `ancestor`.
    std::vector<Listed> list(std::string_view ancestor, bool include_abstract = false) const;
    /// The one service without an option of its own that lists the interface; null when there is none, or several.
    const ManifestType* service_that_offers(std::string_view interface_id) const;
    const ManifestType* find_type(std::string_view name) const;
    /// The machine version that the type `name` stands for; null members when it is none.
    ListedVersion find_version(std::string_view name) const;
    /// What a machine version changes: its board's deltas and the histories of all types, the last change of each.
    std::vector<ManifestDelta> defaults_of(const ListedVersion& version) const;
    /// Own, inherited and forwarded properties, from manifests alone.
    std::vector<const ManifestProperty*> properties(const ManifestType& type) const;
    /// Its own and its ancestors', the ancestors' first.
    std::vector<const ManifestRegion*> regions(const ManifestType& type) const;
    std::vector<const ManifestWire*> wires(const ManifestType& type) const;
    /// Nearest non-empty bus, category or architecture up the ancestry.
    std::string bus_of(const ManifestType& type) const { return nearest_text(type, &ManifestType::bus); }
    std::string category_of(const ManifestType& type) const {
        return nearest_text(type, &ManifestType::category);
    }
    std::string architecture_of(const ManifestType& type) const {
        return nearest_text(type, &ManifestType::architecture);
    }
    /// Of the machines that say that they are: of the first folder on the search path, and there of the architecture
    /// whose name comes first. Null: none does.
    const ManifestType* default_machine() const;
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
    /// What is hardly meant in a plugin that is used.
    std::vector<std::string> warnings(const PluginFile& file) const;
    /// Folders that were named and are not used: why, and who named them.
    std::vector<std::string> folder_warnings() const;

  private:
    std::string nearest_text(const ManifestType& type, TextPart ManifestType::*text) const;
    bool fits_architecture(const ManifestType& type) const;
    std::string other_architecture_text(std::string_view option, std::string_view ancestor) const;
    template <class Row>
    std::vector<const Row*> inherited(const ManifestType& type, std::vector<Row> ManifestType::*rows) const;
    void scan(const SearchFolder& folder, const Trust& trust);
    void claim_plugin_names();
    void claim_type_names();
    void check_types(const CoreNames& core);
    void refuse(PluginFile& file, const ManifestType& type, const std::string& reason);
    PluginFile* provider(std::string_view name);
    bool load(PluginFile& file, Errors& errors);
    bool register_types(PluginFile& file, const Callee& callee, const void* base, Errors& errors);
    std::string refused_text(std::string_view name) const;
    std::string refused_option_text(std::string_view option, std::string_view ancestor) const;
    std::string searched_text() const;

    std::string architecture_;
    std::vector<SearchFolder> search_path_;
    std::vector<PluginFile> plugins_;
    std::vector<ManifestType> core_;  ///< the core's own abstract types, as a manifest would have them
    std::map<std::string_view, Listed> by_name_;
    std::map<std::string, ListedVersion, std::less<>> versions_;
    std::unique_ptr<TypeCheck> checks_;
    TypeStore types_;
};

/// `found` fits what this host offers; else the refusal's text, which begins with the file's name.
std::string check_fit(const std::filesystem::path& file, const Manifest& found);

}  // namespace backplane::kernel
