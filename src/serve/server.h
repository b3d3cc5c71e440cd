// A listener and its connections: from a port being taken to the last response after a signal to stop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "serve/request_handler.h"
#include "serve/session.h"

namespace spanqa::serve {

/// PEM files: the certificate with its chain behind it, and its key, which asks for no password.
struct TlsFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

/// docs/server.md says why each has its value.
struct ServerOptions {
  std::string address = "127.0.0.1";  // in figures; "::" takes IPv4 too
  std::uint16_t port = 5000;          // 0: one that is free
  std::optional<TlsFiles> tls = {};
  SessionOptions session = {};
  std::size_t max_connections = 4096;           // those above it wait in the kernel's queue
  std::chrono::milliseconds accept_pause{100};  // where descriptors are used up
  std::chrono::milliseconds drain_delay{0};     // from the signal to stop until the listener closes
  std::chrono::milliseconds grace{25'000};      // and from then for what is under way
  bool catch_signals = true;                    // SIGTERM and SIGINT stop, SIGHUP reloads, while run() runs
};

/// What happens in a server beside requests. Called on its io thread: none may block. Each may be left empty.
struct ServerHooks {
  std::function<void()> started = {};              // once: signals are caught, clients are taken
  std::function<void()> reload = {};               // SIGHUP; the certificate has been read anew
  std::function<void()> accept_paused = {};        // descriptors or max_connections are used up
  std::function<void(std::string_view)> log = {};  // one line about a trouble of the server's own
};

/// Threads: run() on one, which becomes the io thread; all else from any, while the server lives.
class Server {
 public:
  /// Listens: clients that come before run() wait. Process-wide: raises the soft limit of descriptors to the hard one
  /// and ignores SIGPIPE. Errors: kInvalidArgument for an address that is none; kIo where it cannot be had; those of
  /// the certificate's files.
  static Result<std::unique_ptr<Server>> open(const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  /// "http://127.0.0.1:5000"; https with TLS.
  std::string url() const;

  /// Serves until stop() or a signal. Then, in this order: phase kDraining, and each response closes its connection;
  /// after the drain delay the listener closes, idle connections close, what is under way is answered, requests that
  /// are half read among it; phase kStopping when no connection is left, or when the grace is over and the rest is cut.
  /// A second SIGTERM or SIGINT has its default action and ends the process. Once only. Phase kReady is the caller's.
  /// Errors: kCancelled where connections were cut.
  Status run(RequestHandler& handler, ServerHooks hooks = {});

  /// What SIGTERM does.
  void stop();
  /// What SIGHUP does. A certificate that cannot be read leaves the old one in place.
  void reload();

  std::size_t n_connections() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace spanqa::serve
