// Objects that options make: each puts into the configuration device what it was given.
#pragma once

#include <backplane/backend.h>
#include <backplane/boot.h>
#include <backplane/fw_cfg.h>
#include <backplane/management.h>
#include <backplane/property.h>
#include <lib/uuid.h>

#include <string>
#include <vector>

namespace backplane::fw_cfg {

/// -fw_cfg: a file of the user's.
class FileOption final : public Completable {
  public:
    explicit FileOption(Object& object) : object_(object) {}
    bool complete(Errors& errors) override;
    void shut_down() override {}

    void set_text(Str text) {
        text_ = text.view();
        text_given_ = true;
    }
    std::string name_, file_;

  private:
    Object& object_;
    std::string text_;
    bool text_given_ = false;
};

/// -boot: what firmware is to do before it starts something.
class BootOption final : public Completable {
  public:
    explicit BootOption(Object& object) : object_(object) {}
    bool complete(Errors& errors) override;
    void shut_down() override {}

    /// Letters of drives, each once.
    static bool set_letters(std::string& letters, Str text, Errors& errors);
    void set_reboot_timeout(std::int64_t ms) {
        reboot_timeout_ = ms;
        reboot_timeout_given_ = true;
    }
    std::string order_, once_, splash_;
    bool menu_ = false;
    bool strict_ = false;            ///< nothing but what has a bootindex
    std::int64_t splash_time_ = -1;  ///< ms; -1: not said

  private:
    bool choose(Errors& errors);
    bool set_splash(FwCfg& device, Errors& errors);

    Object& object_;
    std::int64_t reboot_timeout_ = -1;  ///< ms; -1: for ever
    bool reboot_timeout_given_ = false;
};

/// boot_set: another order of drives from now on.
class BootCommand final : public CommandHandler {
  public:
    explicit BootCommand(Object& object) : object_(object) {}
    void execute(Str command, Str arguments, CommandReply& reply) override;

  private:
    Object& object_;
};

/// -option-rom: one for firmware to run, which may be a place to start from.
class OptionRom final : public Completable, public Bootable {
  public:
    explicit OptionRom(Object& object) : object_(object) {}
    bool complete(Errors& errors) override;
    void shut_down() override {}

    std::int32_t boot_index() const override { return bootindex_; }
    void boot_path(TextSink& out) const override { out.append("/rom@" + name_); }

    std::string romfile_;
    std::int32_t bootindex_ = -1;

  private:
    Object& object_;
    std::string name_;  ///< in the device
};

/// -uuid: the machine's.
class UuidOption final : public Completable, public CommandHandler {
  public:
    explicit UuidOption(Object& object) : object_(object) {}
    bool complete(Errors& errors) override;
    void shut_down() override {}
    void execute(Str command, Str arguments, CommandReply& reply) override;

    bool set_text(Str text, Errors& errors);

  private:
    Object& object_;
    Uuid uuid_{};
    bool given_ = false;
};

}  // namespace backplane::fw_cfg
