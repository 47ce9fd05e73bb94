#include "server.h"

#include <backplane/entropy.h>
#include <backplane/input_lights.h>
#include <backplane/secret.h>
#include <backplane/text.h>

#include <algorithm>
#include <charconv>

#include <unistd.h>

namespace backplane::vnc {
namespace {

constexpr unsigned kFirstPort = 5900;
constexpr unsigned kMostDisplay = 65535 - kFirstPort;

bool refuse(Errors& errors, const std::string& reason) {
    errors.fail(reason);
    return false;
}

}  // namespace

Server::Server(Object& object)
    : object_(object), context_(backend_context(object)), listener_(*this, context_.loop()) {}

bool Server::complete(Errors& errors) {
    if (!given()) return true;
    auto& clock = context_.loop().host_clock();
    keys_.begin(static_cast<InputHub*>(context_.host_interface(InputHub::kId)), clock, key_delay_ms_);
    echo_.create(clock);
    if (!find_password(errors) || !find_screen(errors)) return false;
    if (address_ == "none") return true;
    sockets::Endpoint endpoint;
    auto& lifetime = *static_cast<Lifetime*>(context_.host_interface(Lifetime::kId));
    return find_endpoint(endpoint, errors) && listener_.open(endpoint, lifetime, errors);
}

void Server::shut_down() {
    listener_.close();
    drop_clients();
    unwatch();
    keys_.end();
    worker_.stop();
    context_.loop().cancel(taking_);
    context_.loop().cancel(sweeping_);
    encoded_.clear();
    clients_.clear();
}

/// HOST:N, [HOST]:N or unix:PATH.
bool Server::find_endpoint(sockets::Endpoint& endpoint, Errors& errors) const {
    constexpr std::string_view kUnix = "unix:";
    if (address_.starts_with(kUnix)) {
        endpoint.path = address_.substr(kUnix.size());
        return !endpoint.path.empty() || refuse(errors, "'unix:' lacks the path of a socket");
    }
    const std::size_t colon = address_.rfind(':');
    unsigned display = 0;
    const char* end = address_.data() + address_.size();
    if (colon != std::string::npos) {
        const auto [stop, error] = std::from_chars(address_.data() + colon + 1, end, display);
        if (error == std::errc() && stop == end && display <= kMostDisplay) {
            endpoint.host = address_.substr(0, colon);
            if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']'))
                endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
            endpoint.port = std::to_string(kFirstPort + display);
            if (last_display_ && last_display_ < display)
                return refuse(errors, "to=" + std::to_string(last_display_) + " is less than the display " +
                                          std::to_string(display));
            if (last_display_) endpoint.last_port = std::to_string(kFirstPort + last_display_);
            endpoint.ipv4 = ipv4_.value_or(!ipv6_.value_or(false));
            endpoint.ipv6 = ipv6_.value_or(!ipv4_.value_or(false));
            return true;
        }
    }
    return refuse(errors, "'" + address_ +
                              "' is no place to listen at; give HOST:DISPLAY with a display from 0 to " +
                              std::to_string(kMostDisplay) + ", unix:PATH, or none");
}

bool Server::find_password(Errors& errors) {
    if (password_secret_.empty()) return true;
    Object* object = context_.find(password_secret_);
    auto* secret = object ? query<Secret>(*object) : nullptr;
    if (!secret)
        return refuse(errors, "password-secret=" + password_secret_ +
                                  ": there is no such secret; make it with -object secret,id=" +
                                  password_secret_ + ",file=FILE");
    const Bytes bytes = secret->secret();
    password_.emplace(bytes.begin(), bytes.end());
    password_wanted_ = true;
    return true;
}

/// A screen that is named is to be there; else there may be one later.
bool Server::find_screen(Errors& errors) {
    if (display_.empty() && !head_) return true;
    ScreenHub* hub = this->hub();
    return hub && hub->find(display_, head_, errors).screen;
}

ScreenHub* Server::hub() const { return static_cast<ScreenHub*>(context_.host_interface(ScreenHub::kId)); }

// --- who may enter

bool Server::admits(const Challenge& challenge, const Challenge& answer) const {
    if (!password_) return false;
    if (password_ends_ && context_.loop().host_date_ns() / 1'000'000'000 >= *password_ends_) return false;
    return same(expected_answer(
                    challenge, {reinterpret_cast<const std::uint8_t*>(password_->data()), password_->size()}),
                answer);
}

/// Those of the keyboard that keys are for: of several the last one that the guest has switched on.
std::uint32_t Server::lights() const {
    std::uint32_t lights = 0;
    bool listening = false;
    for_each_below(root_of(object_), [&](Object& object) {
        const auto* of = query<InputLights>(object);
        const auto* keyboard = of ? query<InputDevice>(object) : nullptr;
        if (!keyboard || (listening && !keyboard->listening())) return;
        lights = of->lights();
        listening = keyboard->listening();
    });
    return lights;
}

Challenge Server::new_challenge() {
    Challenge challenge{};
    auto& entropy = *static_cast<Entropy*>(context_.host_interface(Entropy::kId));
    entropy.fill({challenge.data(), challenge.size()});
    return challenge;
}

bool Server::set_password(std::string password) {
    if (!password_wanted_) return false;
    password_ = std::move(password);
    return true;
}

bool Server::expire_password(const std::string& time) {
    const std::int64_t now = context_.loop().host_date_ns() / 1'000'000'000;
    if (time == "now") password_ends_ = now;
    else if (time == "never") password_ends_.reset();
    else {
        const bool later = time.starts_with('+');
        std::int64_t seconds = 0;
        const char* end = time.data() + time.size();
        const auto [stop, error] = std::from_chars(time.data() + later, end, seconds);
        if (error != std::errc() || stop != end || seconds < 0 || seconds > (1ll << 40)) return false;
        password_ends_ = later ? now + seconds : seconds;
    }
    return true;
}

// --- clients

void Server::connected(int fd) {
    if (!make_room()) {
        ::close(fd);
        return;
    }
    const auto client = std::make_shared<Client>(*this, context_.loop(), fd);
    clients_.push_back(client);
    tell("VNC_CONNECTED", *client);
    if (!client->begin()) client->close();
}

/// Who has not said who it is makes room for who comes, the one that had the most time first.
bool Server::make_room() {
    const auto open = [](const auto& client) { return !client->closed(); };
    if (std::size_t(std::ranges::count_if(clients_, open)) < connections_) return true;
    for (const auto& client : clients_)
        if (!client->closed() && !client->entered()) {
            client->close();
            return true;
        }
    return false;
}

void Server::ended(Client& client) {
    tell("VNC_DISCONNECTED", client);
    context_.loop().cancel(sweeping_);
    context_.loop().post(sweeping_);
}

void Server::sweep() {
    std::erase_if(clients_, [](const auto& client) { return client->closed(); });
    if (std::ranges::none_of(clients_, [](const auto& client) { return client->entered(); })) unwatch();
}

void Server::drop_clients() {
    for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i]->close();
}

bool Server::enter(Client& client, bool shared) {
    const auto exclusive = [](const auto& other) { return !other->closed() && other->exclusive(); };
    if (share_ == Share::ForceShared && !shared) return false;
    if (share_ == Share::AllowExclusive) {
        if (shared && std::ranges::any_of(clients_, exclusive)) return false;
        for (std::size_t i = 0; i < clients_.size() && !shared; ++i)
            if (clients_[i].get() != &client && clients_[i]->entered()) clients_[i]->close();
    }
    watch();
    return true;
}

void Server::entered(Client& client) { tell("VNC_INITIALIZED", client); }

void Server::encode(std::shared_ptr<UpdateJob> job) {
    worker_.run([this, job = std::move(job)] {
        job->encode();
        const std::lock_guard guard(encoded_mutex_);
        encoded_.push_back(job);
        if (encoded_.size() == 1) context_.loop().post(taking_);
    });
}

void Server::take_encoded() {
    std::vector<std::shared_ptr<UpdateJob>> jobs;
    {
        const std::lock_guard guard(encoded_mutex_);
        jobs.swap(encoded_);
    }
    for (const auto& job : jobs)
        if (const auto client = job->client.lock()) client->encoded(*job);
}

}  // namespace backplane::vnc
