#include "cli/serve_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>

#include "cli/config_file.h"
#include "cli/version.h"
#include "qa/default_model.h"

namespace spanqa::cli {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
constexpr std::size_t kGigabyte = std::size_t{1} << 30;
constexpr const char* kKeys = "SPANQA_API_KEYS";

/// "--cache-mb" to "SPANQA_CACHE_MB".
std::string variable_of(const CLI::Option& option) {
  std::string name = "SPANQA_" + option.get_lnames().front();
  for (char& c : name) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

/// Kubernetes sets SPANQA_PORT to "tcp://10.0.0.7:80" for every pod beside a service named spanqa.
bool is_of_kubernetes(const std::string& variable) {
  const char* const value = std::getenv(variable.c_str());
  return value != nullptr && std::string_view(value).starts_with("tcp://");
}

CLI::Option* in_group(const char* group, CLI::Option* option) {
  const std::string variable = variable_of(*option);
  return option->group(group)->envname(is_of_kubernetes(variable) ? "" : variable);
}

template <typename Value>
CLI::Option* add_number(CLI::App& command, const char* group, const char* name, Value& value, Value least, Value most,
                        const char* description) {
  return in_group(group,
                  command.add_option(name, value, description)->check(CLI::Range(least, most))->capture_default_str());
}

std::chrono::milliseconds seconds(std::int64_t n) { return std::chrono::seconds(n); }

/// A folder by its own name.
serve::ModelFolder model_in(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.lexically_normal();
  return {.name = (folder.has_filename() ? folder : folder.parent_path()).filename().string(), .folder = path};
}

/// "NAME=FOLDER", or a folder.
serve::ModelFolder model_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return model_in(text);
  return {.name = text.substr(0, equals), .folder = text.substr(equals + 1)};
}

/// What a path of the API can name: up to one slash, no part of it empty.
bool is_model_name(const std::string& name) {
  const auto n_slashes = std::count(name.begin(), name.end(), '/');
  return !name.empty() && name.front() != '/' && name.back() != '/' && n_slashes <= 1;
}

Result<std::vector<serve::ModelFolder>> models_of(const std::vector<std::string>& given) {
  std::vector<serve::ModelFolder> models;
  models.reserve(given.size());
  for (const std::string& text : given) models.push_back(model_of(text));
  if (models.empty()) {
    SPANQA_ASSIGN(const std::filesystem::path folder, find_default_model());
    models.push_back(model_in(folder));
  }
  std::set<std::string> names;
  for (const serve::ModelFolder& model : models) {
    if (!is_model_name(model.name)) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--model: '{}' is no name for a model; NAME=FOLDER with a name of one or two parts, as in "
                      "minilm=models/minilm or org/minilm=models/minilm",
                      model.name));
    }
    if (!names.insert(model.name).second) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("--model: the name '{}' stands twice", model.name));
    }
  }
  return models;
}

Result<serve::ApiKeys> keys_of(const std::string& file) {
  serve::ApiKeys keys;
  if (const char* text = std::getenv(kKeys)) {
    Result<serve::ApiKeys> named = serve::ApiKeys::parse(text);
    if (!named) return fail(named.error().code, fmt::format("{}: {}", kKeys, named.error().message));
    keys.add(*named);
  }
  if (!file.empty()) {
    SPANQA_ASSIGN(const serve::ApiKeys read, serve::ApiKeys::read(file));
    keys.add(read);
  }
  return keys;
}

}  // namespace

void ServeFlags::add_network_to(CLI::App& command) {
  constexpr const char* kGroup = "Network";
  in_group(kGroup, command.add_option("--address", address, "Address to listen on, in figures; 0.0.0.0 or :: for all")
                       ->capture_default_str());
  add_number<std::uint16_t>(command, kGroup, "--port", port, 0, UINT16_MAX,
                            "Port; 0: one that is free, which is printed");
  in_group(kGroup, command.add_option("--tls-certificate", tls_certificate, "PEM file, the chain behind it: speak TLS")
                       ->type_name("FILE"));
  in_group(kGroup, command.add_option("--tls-key", tls_key, "PEM file with the certificate's key")->type_name("FILE"));
}

void ServeFlags::add_access_to(CLI::App& command) {
  constexpr const char* kGroup = "Access";
  in_group(kGroup, command
                       .add_option("--api-keys-file", api_keys_file,
                                   "File with an API key a line, which requests must bring; or keys with commas in "
                                   "SPANQA_API_KEYS")
                       ->type_name("FILE"));
  in_group(kGroup, command
                       .add_option("--cors-origin", cors_origins,
                                   "Origin whose pages may ask, as https://example.org; * for all; repeatable")
                       ->delimiter(',')
                       ->type_name("ORIGIN"));
}

void ServeFlags::add_records_to(CLI::App& command) {
  constexpr const char* kGroup = "Records";
  in_group(kGroup, command
                       .add_option("--access-log", access_log,
                                   "File that gets a JSON line for each response; without it standard error")
                       ->type_name("FILE"));
  in_group(kGroup, command.add_flag("--no-access-log", no_access_log, "Log only what happens to the server itself"));
  in_group(kGroup, command.add_flag("--log-text", log_text, "Log questions and answers too"));
  in_group(kGroup, command
                       .add_option("--feedback", feedback,
                                   "File that gets what people say of answers (POST /v1/feedback); without it off")
                       ->type_name("FILE"));
}

void ServeFlags::add_limits_to(CLI::App& command) {
  constexpr const char* kGroup = "Limits";
  add_number<std::size_t>(command, kGroup, "--max-body-bytes", max_body_bytes, 1, kGigabyte, "Of a request, unpacked");
  add_number<std::size_t>(command, kGroup, "--max-context-bytes", max_context_bytes, 1, kGigabyte,
                          "Of each context; all of a request: twice that");
  add_number<std::size_t>(command, kGroup, "--max-connections", max_connections, 1, 1'000'000,
                          "Open at once; more wait");
  add_number<std::size_t>(command, kGroup, "--queue-tokens", queue_tokens, 1, 1'000'000'000,
                          "Tokens that wait to be read; more are refused");
  add_number<std::size_t>(command, kGroup, "--cache-mb", cache_mb, 0, 1 << 20, "Of answers that are kept; 0: none are");
  add_number<std::size_t>(command, kGroup, "--context-cache-mb", context_cache_mb, 0, 1 << 20,
                          "Of tokenised contexts that are kept; 0: none are");
}

void ServeFlags::add_times_to(CLI::App& command) {
  constexpr const char* kGroup = "Times (seconds, but the first)";
  constexpr std::int64_t kDay = 86'400;
  const auto add = [&](const char* name, std::int64_t& value, std::int64_t least, const char* description) {
    add_number<std::int64_t>(command, kGroup, name, value, least, kDay, description);
  };
  add_number<std::int64_t>(command, kGroup, "--deadline-ms", deadline_ms, 1, kDay * 1000,
                           "Milliseconds that an answer may take; what cannot be done in time is refused at once");
  add("--header-timeout", header_timeout, 1, "For the header of a request");
  add("--body-timeout", body_timeout, 1, "For the body");
  add("--idle-timeout", idle_timeout, 1, "Between two requests of a connection");
  add("--write-timeout", write_timeout, 1, "Without progress of a response");
  add("--drain-delay", drain_delay, 0, "From the signal to stop until no connection is taken");
  add("--grace", grace, 0, "From then for requests under way");
}

void ServeFlags::add_to(CLI::App& command) {
  command
      .add_option("-m,--model", models,
                  "NAME=FOLDER of a model, or a folder whose name it takes; repeatable, the first is the default one; "
                  "without it the default model")
      ->delimiter(',')
      ->envname("SPANQA_MODEL")
      ->type_name("[NAME=]FOLDER");
  command
      .add_option("--config", config, "File (TOML) with the names of flags as keys; flags and environment overrule it")
      ->envname("SPANQA_CONFIG")
      ->configurable(false)
      ->type_name("FILE");
  command.add_option("--threads", threads, "Cores that read; default: all that this process may use")
      ->envname("SPANQA_THREADS")
      ->check(CLI::Range(0, 1024));
  add_network_to(command);
  add_access_to(command);
  add_records_to(command);
  add_limits_to(command);
  add_times_to(command);
}

Result<serve::ServiceOptions> ServeFlags::resolve(CLI::App& command) {
  if (!config.empty()) SPANQA_TRY(apply_config_file(command, config));
  if (tls_certificate.empty() != tls_key.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--tls-certificate and --tls-key are given together or not at all");
  }
  serve::ServiceOptions options;
  SPANQA_ASSIGN(options.models, models_of(models));
  SPANQA_ASSIGN(options.keys, keys_of(api_keys_file));
  options.n_threads = threads;
  options.cors_origins = cors_origins;
  options.queue_tokens = queue_tokens;
  options.answer_cache_bytes = cache_mb * kMegabyte;
  options.context_cache_bytes = context_cache_mb * kMegabyte;
  options.feedback = feedback;
  options.log.file = access_log;
  options.log.is_on = !no_access_log;

  options.api.version = SPANQA_VERSION;
  options.api.deadline = std::chrono::milliseconds(deadline_ms);
  options.api.log_text = log_text;
  options.api.limits.context_bytes = max_context_bytes;
  options.api.limits.contexts_bytes = 2 * max_context_bytes;

  serve::ServerOptions& server = options.server;
  server.address = address;
  server.port = port;
  if (!tls_key.empty()) server.tls = serve::TlsFiles{.certificate = tls_certificate, .key = tls_key};
  server.max_connections = max_connections;
  server.drain_delay = seconds(drain_delay);
  server.grace = seconds(grace);
  server.session.limits.body_bytes = max_body_bytes;
  server.session.times.header = seconds(header_timeout);
  server.session.times.body = seconds(body_timeout);
  server.session.times.idle = seconds(idle_timeout);
  server.session.times.write = seconds(write_timeout);
  return options;
}

}  // namespace spanqa::cli
