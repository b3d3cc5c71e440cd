#include "serve/model_set.h"

#include <fmt/format.h>
#include <malloc.h>

#include <array>
#include <memory>
#include <set>
#include <utility>

#include "base/check.h"
#include "serve/engine_future.h"

namespace spanqa::serve {
namespace {

// About a hundred tokens: enough for the speed that the engine takes from it, little beside opening the model. Two
// questions, because an answer cache would know the second of two equal ones.
constexpr std::array kQuestions = {"When was the lamp lit for the first time?", "Who kept the light in the tower?"};
constexpr std::string_view kContext =
    "The lighthouse stands on a rock that the sea covers twice a day. Work on it began in the spring of 1807, and its "
    "lamp was lit for the first time on 1 February 1811. The stones were cut on land and brought out by boat; each is "
    "held by its neighbours, so that the tower bends in a storm and does not break. Three men kept the light, and a "
    "fourth was ashore with his family. Since 1988 nobody has lived there: the lamp is watched from the mainland.";

/// After a reload malloc would keep most of the old weights' pages for itself: they are given back with the model, by
/// whoever holds it last.
std::shared_ptr<const LoadedModel> shared_model(LoadedModel model) {
  const auto give_back = [](const LoadedModel* loaded) {
    std::default_delete<const LoadedModel>()(loaded);
    ::malloc_trim(0);
  };
  return {std::make_unique<const LoadedModel>(std::move(model)).release(), give_back};
}

EngineRequest warm_up_request(std::shared_ptr<const LoadedModel> model, std::string question) {
  EngineRequest request;
  request.model = std::move(model);
  request.request.questions.push_back(std::move(question));
  request.request.documents.push_back({.id = {}, .text = std::string(kContext)});
  request.request.pair_all();
  request.request.options.windows.long_question = LongQuestion::kFit;  // a model of few positions answers too
  return request;
}

}  // namespace

ModelSet::ModelSet(ModelSetOptions options, Engine& engine) : options_(std::move(options)), engine_(engine) {
  std::set<std::string_view> names;
  for (const auto& [name, folder] : options_.folders) {
    SPANQA_CHECK(!name.empty() && names.insert(name).second);
    slots_.push_back({.name = name, .folder = folder});
  }
  SPANQA_CHECK(!slots_.empty());
}

std::vector<LoadFailure> ModelSet::load() {
  const std::lock_guard lock(load_mutex_);
  std::vector<LoadFailure> failures;
  for (Slot& slot : slots_) {
    if (Status status = load_one(slot); !status) failures.push_back({slot.name, std::move(status).error()});
  }
  return failures;
}

Status ModelSet::load_one(Slot& slot) {
  SPANQA_ASSIGN(auto reader, Reader::open(slot.folder, options_.reader));
  auto model = shared_model({.name = slot.name, .generation = ++generation_, .reader = std::move(reader)});
  SPANQA_TRY(warm_up(model));
  std::unique_lock lock(mutex_);
  std::swap(slot.model, model);
  lock.unlock();
  if (model != nullptr && options_.replaced) options_.replaced(*model);
  return {};
}

/// The first pass makes primitives, the second tells the engine how fast the model is.
Status ModelSet::warm_up(const std::shared_ptr<const LoadedModel>& model) {
  for (const char* const question : kQuestions) {
    const EngineOutcome outcome = submitted(engine_, warm_up_request(model, question)).get();
    // An engine that is full is warm: the model answers when its turn comes.
    if (outcome || outcome.error().kind == ErrorKind::kQueueFull) continue;
    const ApiError& error = outcome.error();
    if (error.kind == ErrorKind::kShuttingDown) return fail(ErrorCode::kCancelled, "the server is shutting down");
    return fail(ErrorCode::kUnsupported, fmt::format("{}: the model opens but does not answer: {}",
                                                     model->reader->folder().string(), error_json(error)));
  }
  return {};
}

const ModelSet::Slot* ModelSet::slot_of(std::string_view name) const {
  if (name.empty()) return &slots_.front();
  for (const Slot& slot : slots_) {
    if (slot.name == name) return &slot;
  }
  return nullptr;
}

bool ModelSet::knows(std::string_view name) const { return slot_of(name) != nullptr; }

std::shared_ptr<const LoadedModel> ModelSet::find(std::string_view name) const {
  const Slot* const slot = slot_of(name);
  if (slot == nullptr) return nullptr;
  const std::lock_guard lock(mutex_);
  return slot->model;
}

std::vector<std::shared_ptr<const LoadedModel>> ModelSet::models() const {
  std::vector<std::shared_ptr<const LoadedModel>> loaded;
  const std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.model != nullptr) loaded.push_back(slot.model);
  }
  return loaded;
}

bool ModelSet::is_ready() const { return models().size() == slots_.size(); }

}  // namespace spanqa::serve
