#include "serve/json_document.h"

#include <fmt/format.h>

#include <vector>

namespace spanqa::serve {
namespace {

using Json = nlohmann::json;

/// Builds the tree; its functions return false to end the parse. Names and signatures are nlohmann's.
class Builder {
 public:
  explicit Builder(const JsonBounds& bounds) : bounds_(bounds) {}

  // NOLINTBEGIN(readability-identifier-naming): the library's names
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;
  // NOLINTEND(readability-identifier-naming)

  bool null() { return add(nullptr) != nullptr; }
  bool boolean(bool value) { return add(value) != nullptr; }
  bool number_integer(number_integer_t value) { return add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) { return add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t& /*text*/) { return add(value) != nullptr; }
  bool string(string_t& value) { return add(std::move(value)) != nullptr; }
  bool binary(binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*size*/) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t /*size*/) { return open(Json::array()); }
  bool end_array() { return close(); }
  bool key(string_t& name) {
    Json& object = *open_.back();
    if (object.contains(name)) return stop("a name stands twice in an object");
    place_ = &object[name];
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& /*error*/) {
    fault_ = fmt::format("the body is not valid JSON in UTF-8 (at byte {})", position);
    return false;
  }

  const std::string& fault() const { return fault_; }
  Json take() { return std::move(root_); }

 private:
  bool stop(std::string_view fault) {
    fault_ = fmt::format("the body cannot be read: {}", fault);
    return false;
  }
  Json* add(Json value) {
    if (++n_values_ > bounds_.values) {
      stop("it holds too many values");
      return nullptr;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *place_ = std::move(value);
    return place_;
  }
  bool open(Json container) {
    if (open_.size() >= bounds_.depth) return stop("it is nested too deep");
    Json* const added = add(std::move(container));
    if (added == nullptr) return false;
    open_.push_back(added);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  JsonBounds bounds_;
  Json root_;
  std::vector<Json*> open_;  // containers around the next value, outermost first
  Json* place_ = nullptr;    // of the next value, where the innermost container is an object
  std::size_t n_values_ = 0;
  std::string fault_;
};

}  // namespace

Parsed<Json> parse_json_object(std::string_view text, const JsonBounds& bounds) {
  Builder builder(bounds);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) return refuse(ErrorKind::kInvalidJson, builder.fault());
  Json root = builder.take();
  if (!root.is_object()) return refuse(ErrorKind::kInvalidJson, "the body must be a JSON object");
  return root;
}

}  // namespace spanqa::serve
