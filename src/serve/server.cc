#include "serve/server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "base/check.h"

namespace spanqa::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using TlsContext = asio::ssl::context;
using std::chrono::steady_clock;

constexpr int kAcceptsAtOnce = 64;                    // then connections have their turn
constexpr std::chrono::minutes kPauseLogInterval{1};  // used-up descriptors last, and come back ten times a second

// ---- TLS

// Mozilla's intermediate list (version 5.7) for TLS 1.2; those of 1.3 are all good.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";

/// ALPN: a client that speaks other protocols only is told so (RFC 7301, 3.2).
int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* n_chosen, const unsigned char* offered,
                    unsigned n_offered, void* /*unused*/) {
  static constexpr std::array<unsigned char, 18> kOurs = {8, 'h', 't', 't', 'p', '/', '1', '.', '1',
                                                          8, 'h', 't', 't', 'p', '/', '1', '.', '0'};
  unsigned char* common = nullptr;
  const int outcome = SSL_select_next_proto(&common, n_chosen, kOurs.data(), kOurs.size(), offered, n_offered);
  *chosen = common;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Status load_files(TlsContext& context, const TlsFiles& files) {
  const auto fault = [](const std::filesystem::path& file, const std::string& what) {
    return fail(ErrorCode::kIo, fmt::format("{}: {}", file.string(), what));
  };
  error_code code;
  context.use_certificate_chain_file(files.certificate.string(), code);
  if (code) return fault(files.certificate, "not a certificate in PEM that can be read: " + code.message());
  context.use_private_key_file(files.key.string(), TlsContext::pem, code);
  if (code)
    return fault(files.key, "not a private key in PEM, without a password, of the certificate: " + code.message());
  return {};
}

Result<std::unique_ptr<TlsContext>> open_tls(const TlsFiles& files) {
  auto context = std::make_unique<TlsContext>(TlsContext::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SPANQA_CHECK(SSL_CTX_set_cipher_list(native, kCiphers) == 1);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);  // tickets resume sessions, and need no memory here
  SSL_CTX_set_dh_auto(native, 1);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  // OpenSSL's own would ask on the terminal.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return 0; });
  SPANQA_TRY(load_files(*context, files));
  return context;
}

// ---- The process

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // where it is refused, accepting pauses earlier
}

enum class Accepted : std::uint8_t {
  kOne,  // or one that is gone already
  kNobody,
  kUsedUp,  // descriptors, or memory
};

/// Linux hands on what happened to a connection before it was accepted; that is no reason to wait.
Accepted outcome_of(int number) {
  switch (number) {
    case EAGAIN:
      return Accepted::kNobody;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
      return Accepted::kOne;
    default:  // EMFILE, ENFILE, ENOBUFS, ENOMEM
      return Accepted::kUsedUp;
  }
}

std::string text_of(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

struct Server::Impl {
  explicit Impl(const ServerOptions& server_options)
      : options(server_options), group{.io = io, .options = server_options.session} {
    group.on_closed = [this] { connection_closed(); };
  }
  ~Impl() {
    error_code ignored;
    acceptor.close(ignored);
    cut_all();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status listen();
  Status catch_signals();
  void wait_for_signal();
  void serve();

  void wait_for_clients();
  void accept_clients();
  Accepted accept_one();
  void pause_accepting(int number);
  void note_pause(std::string_view why);
  void connection_closed();

  void drain();
  void stop_listening();
  void finish();
  std::size_t cut_all();
  void reload();
  void log(const std::string& line) const {
    if (hooks.log) hooks.log(line);
  }

  const ServerOptions options;
  ServerHooks hooks;
  SessionGroup group;  // outlives the io context, whose handlers hold sessions
  std::unique_ptr<TlsContext> tls;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  asio::steady_timer end{io};  // of the drain delay, then of the grace
  asio::signal_set signals{io};
  tcp::endpoint endpoint;
  bool is_draining = false;
  bool is_accepting = false;  // a wait for clients, or a pause, is under way
  std::optional<steady_clock::time_point> logged_pause;
  std::size_t n_cut = 0;
  std::atomic<std::size_t> n_connections = 0;
};

// ---- Listening

Status Server::Impl::listen() {
  error_code code;
  const asio::ip::address address = asio::ip::make_address(options.address, code);
  if (code) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" is no address in figures; 127.0.0.1 is this machine alone, 0.0.0.0 whoever can reach it",
                    options.address));
  }
  endpoint = tcp::endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), code);
  if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) acceptor.bind(endpoint, code);
  if (!code) acceptor.listen(tcp::acceptor::max_listen_connections, code);
  if (!code) acceptor.non_blocking(true, code);
  if (!code) endpoint = acceptor.local_endpoint(code);
  if (!code) return {};
  return fail(ErrorCode::kIo,
              fmt::format("cannot listen at {} port {}: {}", options.address, options.port, code.message()));
}

/// A wait for readiness and accept4 instead of async_accept: one wake-up takes many clients, and what went wrong is the
/// kernel's own number.
void Server::Impl::wait_for_clients() {
  if (is_accepting || !acceptor.is_open()) return;
  is_accepting = true;
  acceptor.async_wait(tcp::acceptor::wait_read, [this](const error_code& code) {
    is_accepting = false;
    if (code == asio::error::operation_aborted) return;
    accept_clients();
  });
}

void Server::Impl::accept_clients() {
  for (int i = 0; i < kAcceptsAtOnce && acceptor.is_open(); ++i) {
    if (group.connections.size() >= options.max_connections) {
      return note_pause("that is the most; others wait until one closes");
    }
    const Accepted accepted = accept_one();
    if (accepted == Accepted::kUsedUp) return pause_accepting(errno);
    if (accepted == Accepted::kNobody) break;
  }
  wait_for_clients();
}

Accepted Server::Impl::accept_one() {
  tcp::endpoint peer;
  auto size = static_cast<socklen_t>(peer.capacity());
  const int descriptor = ::accept4(acceptor.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return outcome_of(errno);
  peer.resize(size);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  open_session(group, {.descriptor = descriptor, .is_ip_v6 = peer.address().is_v6(), .remote = text_of(peer.address())},
               tls.get());
  n_connections = group.connections.size();
  return Accepted::kOne;
}

void Server::Impl::note_pause(std::string_view why) {
  if (hooks.accept_paused) hooks.accept_paused();
  const auto now = steady_clock::now();
  if (logged_pause && now - *logged_pause < kPauseLogInterval) return;
  logged_pause = now;
  log(fmt::format("no connection can be accepted, with {} open: {}", group.connections.size(), why));
}

void Server::Impl::pause_accepting(int number) {
  note_pause(fmt::format("{}; trying again every {} ms", std::strerror(number), options.accept_pause.count()));
  is_accepting = true;
  pause.expires_after(options.accept_pause);
  pause.async_wait([this](const error_code& code) {
    is_accepting = false;
    if (!code) accept_clients();
  });
}

void Server::Impl::connection_closed() {
  n_connections = group.connections.size();
  wait_for_clients();
  if (group.closes_idle && group.connections.empty()) finish();
}

// ---- Signals and the end

Status Server::Impl::catch_signals() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    error_code code;
    signals.add(number, code);
    if (code) return fail(ErrorCode::kIo, "cannot catch signals: " + code.message());
  }
  wait_for_signal();
  return {};
}

void Server::Impl::wait_for_signal() {
  signals.async_wait([this](const error_code& code, int number) {
    if (code) return;
    wait_for_signal();
    if (number == SIGHUP) {
      reload();
    } else {
      // Default actions again: a second one ends the process whatever this thread is doing.
      error_code ignored;
      signals.remove(SIGTERM, ignored);
      signals.remove(SIGINT, ignored);
      drain();
    }
  });
}

/// The io thread's life. A handler that throws, for want of memory say, costs its connection, not the server.
void Server::Impl::serve() {
  while (true) {
    try {
      io.run();
      return;
    } catch (const std::exception& fault) {
      log(fmt::format("a connection's work failed: {}", fault.what()));
    }
  }
}

void Server::Impl::drain() {
  if (is_draining) return;
  is_draining = true;
  group.handler->set_phase(ServerPhase::kDraining);
  group.closes_after_response = true;
  if (options.drain_delay <= std::chrono::milliseconds::zero()) return stop_listening();
  end.expires_after(options.drain_delay);
  end.async_wait([this](const error_code& code) {
    if (!code) stop_listening();
  });
}

void Server::Impl::stop_listening() {
  // Closing the listener resets whoever waits in its queue.
  while (group.connections.size() < options.max_connections && accept_one() == Accepted::kOne) continue;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  group.closes_idle = true;
  const std::vector<std::shared_ptr<Connection>> open(group.connections.begin(), group.connections.end());
  for (const auto& connection : open) connection->close_if_idle();
  if (group.connections.empty()) return finish();
  end.expires_after(options.grace);
  end.async_wait([this](const error_code& code) {
    if (!code) n_cut = cut_all();
  });
}

/// io.run() returns: nothing is waited for any more.
void Server::Impl::finish() {
  end.cancel();
  error_code ignored;
  signals.cancel(ignored);
  signals.clear(ignored);
}

std::size_t Server::Impl::cut_all() {
  const std::vector<std::shared_ptr<Connection>> open(group.connections.begin(), group.connections.end());
  for (const auto& connection : open) connection->cut();
  return open.size();
}

void Server::Impl::reload() {
  if (options.tls) {
    Result<std::unique_ptr<TlsContext>> fresh = open_tls(*options.tls);
    if (fresh) {
      tls = *std::move(fresh);
    } else {
      log(fresh.error().message + "; the certificate stays what it was");
    }
  }
  if (hooks.reload) hooks.reload();
}

// ---- Server

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(const ServerOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  try {
    auto impl = std::make_unique<Impl>(options);
    if (options.tls) {
      SPANQA_ASSIGN(impl->tls, open_tls(*options.tls));
    }
    SPANQA_TRY(impl->listen());
    return std::unique_ptr<Server>(new Server(std::move(impl)));
  } catch (const boost::system::system_error& fault) {
    return fail(ErrorCode::kIo, fmt::format("cannot serve: {}", fault.what()));
  }
}

std::uint16_t Server::port() const { return impl_->endpoint.port(); }

std::string Server::url() const {
  const asio::ip::address address = impl_->endpoint.address();
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return fmt::format("{}://{}:{}", impl_->options.tls ? "https" : "http", host, port());
}

Status Server::run(RequestHandler& handler, ServerHooks hooks) {
  SPANQA_CHECK(impl_->group.handler == nullptr);
  impl_->group.handler = &handler;
  impl_->hooks = std::move(hooks);
  if (impl_->options.catch_signals) SPANQA_TRY(impl_->catch_signals());
  impl_->wait_for_clients();
  if (impl_->hooks.started) impl_->hooks.started();
  impl_->serve();
  handler.set_phase(ServerPhase::kStopping);
  if (impl_->n_cut == 0) return {};
  return fail(ErrorCode::kCancelled, fmt::format("{} connections were cut off: the grace of {} ms was over",
                                                 impl_->n_cut, impl_->options.grace.count()));
}

void Server::stop() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->drain(); });
}

void Server::reload() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->reload(); });
}

std::size_t Server::n_connections() const { return impl_->n_connections; }

}  // namespace spanqa::serve
