// The flags of `spanqa serve`, which the environment and a file may give too.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "serve/service.h"

namespace spanqa::cli {

/// Values as given; resolve() makes options of them. Each flag but those of keys has the environment variable
/// SPANQA_ and its name ("--cache-mb": SPANQA_CACHE_MB), which the command line overrules and which overrules a file.
struct ServeFlags {
  std::vector<std::string> models;
  std::string config;
  std::string address = "127.0.0.1";
  std::uint16_t port = 5000;
  int threads = 0;

  std::string api_keys_file;
  std::vector<std::string> cors_origins;
  std::string tls_certificate;
  std::string tls_key;

  std::string access_log;
  bool no_access_log = false;
  bool log_text = false;
  std::string feedback;

  std::size_t max_body_bytes = serve::HttpLimits{}.body_bytes;
  std::size_t max_context_bytes = serve::BodyLimits{}.context_bytes;
  std::size_t max_connections = serve::ServerOptions{}.max_connections;
  std::size_t queue_tokens = serve::ServiceOptions{}.queue_tokens;
  std::size_t cache_mb = 32;
  std::size_t context_cache_mb = 32;

  std::int64_t deadline_ms = 55'000;
  std::int64_t header_timeout = 10;  // these are in seconds
  std::int64_t body_timeout = 30;
  std::int64_t idle_timeout = 75;
  std::int64_t write_timeout = 30;
  std::int64_t drain_delay = 0;
  std::int64_t grace = 25;

  // The options keep a pointer to this object: it stays where it is until the command line is parsed.
  void add_to(CLI::App& command);

  /// Once the command line is parsed: reads the file of settings and the keys, and names each model.
  /// Errors: kInvalidArgument for what cannot be together, for names that stand twice and for unfit keys; those of the
  /// files.
  Result<serve::ServiceOptions> resolve(CLI::App& command);

 private:
  void add_network_to(CLI::App& command);
  void add_access_to(CLI::App& command);
  void add_records_to(CLI::App& command);
  void add_limits_to(CLI::App& command);
  void add_times_to(CLI::App& command);
};

}  // namespace spanqa::cli
