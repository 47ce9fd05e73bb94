// The service "vnc": where clients connect to see a machine's screen and to use its keyboard and pointer (RFC 6143).
// Not here: TLS, SASL, websockets, sound, connections that go out from here, colour maps.
#pragma once

#include "client.h"
#include "listener.h"
#include "worker.h"

#include <backplane/backend.h>
#include <backplane/management.h>
#include <backplane/screen.h>

#include <lib/json.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace backplane::vnc {

/// Something to be run by the loop that calls a member function.
template <auto Method>
class LoopWork;
template <class Owner, void (Owner::*Method)()>
class LoopWork<Method> final : public Work {
  public:
    explicit LoopWork(Owner& owner) : owner_(owner) {}
    void run() override { (owner_.*Method)(); }

  private:
    Owner& owner_;
};

class Server final : public Completable,
                     public CommandHandler,
                     public Display,
                     public ClientHost,
                     Listener::Owner,
                     Doorkeeper,
                     ScreenViewer {
  public:
    static constexpr const char* kId = "backplane.vnc-server/1";
    enum class Share : std::uint8_t { AllowExclusive, ForceShared, Ignore };

    explicit Server(Object& object);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    bool complete(Errors& errors) override;
    void shut_down() override;
    void execute(Str command, Str arguments, CommandReply& reply) override;

    // Properties
    std::string address_, name_ = "default", password_secret_, display_;
    std::uint32_t head_ = 0, last_display_ = 0, key_delay_ms_ = 10, connections_ = 32;
    Share share_ = Share::AllowExclusive;
    bool password_wanted_ = false, lossy_ = false, non_adaptive_ = false;
    std::optional<bool> ipv4_, ipv6_;

    // For management
    bool given() const { return !address_.empty(); }
    bool listening() const { return listener_.is_open(); }
    /// False when nobody is asked for a password.
    bool set_password(std::string password);
    /// "now", "never", "+SECONDS" or seconds since 1970.
    bool expire_password(const std::string& time);
    /// Those that are in.
    Json clients() const;
    Json address() const;
    bool asks_for_password() const { return password_wanted_; }
    const char* authentication() const { return password_wanted_ ? "vnc" : "none"; }
    void drop_clients();

  private:
    bool find_endpoint(sockets::Endpoint& endpoint, Errors& errors) const;
    bool find_password(Errors& errors);
    bool find_screen(Errors& errors);
    ScreenHub* hub() const;

    // Listener::Owner
    void connected(int fd) override;
    bool make_room();
    void sweep();
    void tell(const char* event, const Client& client) const;

    // Doorkeeper
    bool asks_password() const override { return password_wanted_; }
    bool admits(const Challenge& challenge, const Challenge& answer) const override;

    // ClientHost
    const Doorkeeper& doorkeeper() const override { return *this; }
    const ScreenCopy& picture() const override { return copy_; }
    ScreenPointer pointer() const override;
    KeyQueue& keys() override { return keys_; }
    std::uint32_t lights() const override;
    bool lossy() const override { return lossy_; }
    bool adaptive() const override { return !non_adaptive_; }
    Challenge new_challenge() override;
    bool enter(Client& client, bool shared) override;
    void entered(Client& client) override;
    void encode(std::shared_ptr<UpdateJob> job) override;
    void waits() override;
    void used() override;
    void size_wanted(std::uint16_t width, std::uint16_t height) override;
    void ended(Client& client) override;
    void take_encoded();

    // ScreenViewer
    void drawn(const ScreenArea& area) override;
    void copied(std::uint32_t from_x, std::uint32_t from_y, const ScreenArea& to) override;
    void replaced() override { all_drawn_ = true; }
    void pointer_changed() override;
    void pointer_moved() override {}
    void looked() override;
    void screen_gone() override;
    void watch();
    void unwatch();
    void look_again();
    void take_picture();
    void show_nothing();
    void damage(const ScreenArea& area);
    void move(const ScreenMove& move);
    bool much_drawn() const;

    Object& object_;
    BackendContext& context_;
    Listener listener_;
    std::optional<std::string> password_;
    std::optional<std::int64_t> password_ends_;  ///< seconds since 1970

    std::vector<std::shared_ptr<Client>> clients_;
    LoopWork<&Server::sweep> sweeping_{*this};
    KeyQueue keys_;

    ScreenPlace place_;  ///< while it is watched
    ScreenCopy copy_;
    std::vector<ScreenArea> drawn_;  ///< since the copy was made
    bool all_drawn_ = false;
    bool paused_ = false;  ///< nobody waits for pictures
    unsigned unused_looks_ = 0;
    OwnedTimer<&Server::look_again> echo_{*this};
    unsigned echoes_ = 0;  ///< looks that are still due to what somebody did

    std::mutex encoded_mutex_;
    std::vector<std::shared_ptr<UpdateJob>> encoded_;
    LoopWork<&Server::take_encoded> taking_{*this};
    Worker worker_;
};

}  // namespace backplane::vnc
