// The models that requests may name: opened, asked a question, swapped while others answer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "serve/engine.h"

namespace spanqa::serve {

struct ModelFolder {
  std::string name;
  std::filesystem::path folder;
};

struct ModelSetOptions {
  std::vector<ModelFolder> folders;  // at least one, each with a name of its own; the first is the default
  ReaderOptions reader = {};         // of each model
  /// Called with a model that another has replaced; requests under way may still hold it. From the thread of load().
  std::function<void(const LoadedModel&)> replaced = {};
};

/// A folder that gave no model. The message may name its path: for the log, not for clients.
struct LoadFailure {
  std::string name;
  Error error;
};

/// Threads: every call may run concurrently; loads run one after another.
/// Memory:  while a model is loaded anew, of both; the old one goes with the last request that holds it.
class ModelSet {
 public:
  /// Nothing is opened yet. `engine` reads the warm-up question and must outlive the last load().
  ModelSet(ModelSetOptions options, Engine& engine);

  /// Opens every folder anew, in turn, and has each new model answer a question before it takes its name. Where that
  /// fails the model that was there stays. Returns what failed. Not to be called from the engine's threads: it waits.
  std::vector<LoadFailure> load();

  /// There is a model of every name.
  bool is_ready() const;
  /// "": the default. Null where there is no such name, or it is not loaded yet.
  std::shared_ptr<const LoadedModel> find(std::string_view name) const;
  /// Those that are loaded, in the order of the folders.
  std::vector<std::shared_ptr<const LoadedModel>> models() const;
  const std::string& default_name() const { return slots_.front().name; }
  /// Names a model of the set, loaded or not; "" the default.
  bool knows(std::string_view name) const;

 private:
  struct Slot {
    std::string name;
    std::filesystem::path folder;
    std::shared_ptr<const LoadedModel> model = nullptr;
  };
  Status load_one(Slot& slot);
  Status warm_up(const std::shared_ptr<const LoadedModel>& model);
  const Slot* slot_of(std::string_view name) const;

  const ModelSetOptions options_;
  Engine& engine_;
  std::mutex load_mutex_;         // one load at a time
  std::uint64_t generation_ = 0;  // of the last model; under load_mutex_
  mutable std::mutex mutex_;      // of the pointers to models, held to copy one
  std::vector<Slot> slots_;
};

}  // namespace spanqa::serve
