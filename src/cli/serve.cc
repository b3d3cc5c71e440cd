// spanqa serve: answers over HTTP until it is told to stop.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/command.h"
#include "cli/serve_flags.h"
#include "serve/service.h"

namespace spanqa::cli {
namespace {

constexpr const char* kWaitPolicy = "OMP_WAIT_POLICY";

/// libgomp reads its settings when it is loaded, before main(): threads that wait by spinning would take the cores from
/// those that answer. Returns where the system does not start the program anew.
void restart_with_passive_waiting() {
  if (std::getenv(kWaitPolicy) != nullptr) return;
  auto line = read_file("/proc/self/cmdline");
  if (!line || !line->ends_with('\0') || ::setenv(kWaitPolicy, "passive", 1) != 0) return;
  std::vector<char*> arguments;
  for (std::size_t at = 0; at < line->size(); at = line->find('\0', at) + 1) arguments.push_back(line->data() + at);
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
}

volatile std::sig_atomic_t is_reload_due = 0;

void end_at_once(int /*number*/) { ::_exit(kOk); }
void reload_later(int /*number*/) { is_reload_due = 1; }

/// Until the server runs, which has handlers of its own, no request is under way that would have to end: to stop is to
/// end at once, however long models still take to load. What is to be loaded anew may have been read already.
void catch_early_signals() {
  std::signal(SIGTERM, end_at_once);
  std::signal(SIGINT, end_at_once);
  std::signal(SIGHUP, reload_later);
}

int run_serve(CLI::App& command, ServeFlags& flags) {
  restart_with_passive_waiting();
  catch_early_signals();
  auto options = flags.resolve(command);
  if (!options) return report(options.error(), kDataError);
  auto service = serve::Service::open(*std::move(options));
  if (!service) return report(service.error(), kDataError);
  if (const Status loaded = (*service)->load(); !loaded) return report(loaded.error(), kModelError);
  const Status ended = (*service)->run([&] {
    fmt::print("listening on {}\n", (*service)->url());
    std::fflush(stdout);  // scripts wait for this line, and may send a signal at once
    if (is_reload_due != 0) (*service)->reload();
  });
  if (ended) return kOk;
  // Not an interruption of ours: requests that were still under way have been cut.
  fmt::print(stderr, "spanqa: {}\n", ended.error().message);
  return ended.error().code == ErrorCode::kCancelled ? kFindings : kDataError;
}

}  // namespace

void add_serve(CLI::App& app, Run& run) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "Answer over HTTP: an API, and a page for people");
  flags->add_to(*command);
  command->footer(
      "Examples:\n"
      "  spanqa serve\n"
      "  spanqa serve --port 8080 --model small=models/small --model models/large\n"
      "SIGTERM and SIGINT end it once what is under way is answered, a second one at\n"
      "once; SIGHUP loads models and certificate anew. Flags have variables:\n"
      "SPANQA_PORT is --port.");
  command->callback([flags, command, &run] { run = [flags, command] { return run_serve(*command, *flags); }; });
}

}  // namespace spanqa::cli
