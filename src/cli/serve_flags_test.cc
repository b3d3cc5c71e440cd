#include "cli/serve_flags.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "base/scratch_file.h"
#include "shared_data.h"

namespace spanqa::cli {
namespace {

using spanqa::testing::ScratchFile;
using spanqa::testing::source_path;

/// Variables of the environment for as long as the object lives.
class Variables {
 public:
  using List = std::initializer_list<std::pair<const char*, std::string>>;
  explicit Variables(List variables) {
    for (const auto& [name, value] : variables) {
      ::setenv(name, value.c_str(), 1);
      names_.push_back(name);
    }
  }
  ~Variables() {
    for (const char* const name : names_) ::unsetenv(name);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  std::vector<const char*> names_;
};

Result<serve::ServiceOptions> resolved(const std::string& command_line) {
  CLI::App app;
  ServeFlags flags;
  flags.add_to(app);
  app.parse(command_line);
  return flags.resolve(app);
}

/// The error's message.
std::string fault(const std::string& command_line) {
  const auto options = resolved(command_line);
  return options ? "" : options.error().message;
}

TEST(ServeFlags, WithoutFlagsTheDefaultModelAnswersOnLoopback) {
  const Variables models({{"SPANQA_MODELS", source_path("models").string()}});
  const serve::ServiceOptions options = resolved("").value();
  EXPECT_EQ(options.server.address, "127.0.0.1");
  EXPECT_EQ(options.server.port, 5000);
  ASSERT_EQ(options.models.size(), 1U);
  EXPECT_EQ(options.models[0].folder.filename(), options.models[0].name);
  EXPECT_FALSE(options.keys.is_on());
  EXPECT_FALSE(options.server.tls);
  EXPECT_TRUE(options.feedback.empty());
  EXPECT_TRUE(options.log.is_on);
  EXPECT_FALSE(options.api.log_text);
}

TEST(ServeFlags, DefaultsAreThoseOfTheServer) {
  const serve::ServiceOptions options = resolved("--model a").value();
  const serve::ServiceOptions defaults;
  EXPECT_EQ(options.api.deadline, defaults.api.deadline);
  EXPECT_EQ(options.api.limits.contexts_bytes, defaults.api.limits.contexts_bytes);
  EXPECT_EQ(options.server.grace, defaults.server.grace);
  EXPECT_EQ(options.server.session.times.header, defaults.server.session.times.header);
  EXPECT_EQ(options.server.session.times.body, defaults.server.session.times.body);
  EXPECT_EQ(options.server.session.times.idle, defaults.server.session.times.idle);
  EXPECT_EQ(options.server.session.times.write, defaults.server.session.times.write);
  EXPECT_EQ(options.answer_cache_bytes, defaults.answer_cache_bytes);
  EXPECT_EQ(options.context_cache_bytes, defaults.context_cache_bytes);
}

TEST(ServeFlags, ModelsHaveTheNamesTheyAreGivenOrTheirFolders) {
  const auto models = resolved("--model a=x/y --model org/b=z --model models/c/").value().models;
  ASSERT_EQ(models.size(), 3U);
  EXPECT_EQ(models[0].name, "a");
  EXPECT_EQ(models[0].folder, "x/y");
  EXPECT_EQ(models[1].name, "org/b");
  EXPECT_EQ(models[2].name, "c");
  EXPECT_EQ(models[2].folder, "models/c/");
  for (const char* unfit : {"--model =x", "--model a/b/c=x", "--model /a=x", "--model a/=x"}) {
    EXPECT_NE(fault(unfit).find("is no name for a model"), std::string::npos) << unfit;
  }
  EXPECT_NE(fault("--model a=x --model y/a").find("stands twice"), std::string::npos);
}

TEST(ServeFlags, TheEnvironmentGivesThemToo) {
  const Variables variables({{"SPANQA_PORT", "8080"},
                             {"SPANQA_MODEL", "a=x,b=y"},
                             {"SPANQA_LOG_TEXT", "true"},
                             {"SPANQA_CORS_ORIGIN", "https://a.example,https://b.example"},
                             {"SPANQA_CACHE_MB", "7"}});
  const serve::ServiceOptions options = resolved("--cache-mb 9").value();
  EXPECT_EQ(options.server.port, 8080);
  EXPECT_EQ(options.models.size(), 2U);
  EXPECT_TRUE(options.api.log_text);
  EXPECT_EQ(options.cors_origins.size(), 2U);
  EXPECT_EQ(options.answer_cache_bytes, std::size_t{9} << 20) << "the command line overrules it";
}

TEST(ServeFlags, TheVariableThatKubernetesSetsIsNoPort) {
  const Variables variables({{"SPANQA_PORT", "tcp://10.0.0.7:80"}});
  EXPECT_EQ(resolved("--model a").value().server.port, 5000);
}

TEST(ServeFlags, AFileGivesThemToo) {
  const ScratchFile file(
      "serve.toml",
      "port = 1\naddress = \"::\"\nmodel = [\"a=x\", \"b=y\"]\nno-access-log = true\ndeadline-ms = 500\n");
  const Variables variables({{"SPANQA_PORT", "2"}});
  const serve::ServiceOptions options = resolved("--deadline-ms 600 --config " + file.path().string()).value();
  EXPECT_EQ(options.server.port, 2) << "the environment overrules it";
  EXPECT_EQ(options.api.deadline, std::chrono::milliseconds(600)) << "and the command line";
  EXPECT_EQ(options.server.address, "::");
  EXPECT_EQ(options.models.size(), 2U);
  EXPECT_FALSE(options.log.is_on);
  const ScratchFile wrong("serve.toml", "prot = 1\n");
  EXPECT_NE(fault("--config " + wrong.path().string()).find("did you mean 'port'"), std::string::npos);
}

TEST(ServeFlags, KeysComeFromTheEnvironmentAndFromAFile) {
  const ScratchFile file("keys", "third\n");
  const Variables variables({{"SPANQA_API_KEYS", "first,second"}});
  const serve::ApiKeys keys = resolved("--model a --api-keys-file " + file.path().string()).value().keys;
  for (const char* key : {"first", "second", "third"}) {
    EXPECT_TRUE(keys.allows({.method = "GET", .target = "/", .headers = {{"X-API-Key", key}}})) << key;
  }
  EXPECT_FALSE(keys.allows({.method = "GET", .target = "/", .headers = {{"X-API-Key", "fourth"}}}));
  const Variables empty({{"SPANQA_API_KEYS", ""}});
  EXPECT_NE(fault("--model a").find("SPANQA_API_KEYS"), std::string::npos) << "set to nothing is not left out";
}

TEST(ServeFlags, SaysWhichFileOfKeysIsMissing) {
  EXPECT_EQ(resolved("--model a --api-keys-file /nowhere/keys").error().code, ErrorCode::kNotFound);
}

TEST(ServeFlags, ACertificateNeedsItsKey) {
  EXPECT_NE(fault("--model a --tls-certificate c.pem").find("--tls-key"), std::string::npos);
  const auto tls = resolved("--model a --tls-certificate c.pem --tls-key k.pem").value().server.tls;
  ASSERT_TRUE(tls);
  EXPECT_EQ(tls->key, "k.pem");
}

TEST(ServeFlags, ValuesOutOfRangeAreRefused) {
  for (const char* line : {"--port 65536", "--port -1", "--deadline-ms 0", "--grace x", "--max-connections 0"}) {
    CLI::App app;
    ServeFlags flags;
    flags.add_to(app);
    EXPECT_THROW(app.parse(std::string(line)), CLI::ParseError) << line;
  }
}

}  // namespace
}  // namespace spanqa::cli
