// A run's records as lines of events.jsonl, and back.
#pragma once

#include <nlohmann/json.hpp>

#include "train/records.h"

namespace spanqa {

/// Objects with the names of the records' fields. Numbers that are not finite are written as null.
nlohmann::ordered_json to_json(const StepRecord& record);
nlohmann::ordered_json to_json(const EvaluationRecord& record);
nlohmann::ordered_json to_json(const CheckpointRecord& record);

/// The way back; unknown keys are ignored. Throws nlohmann::json::exception where a key is missing or of another type.
StepRecord step_record_from(const nlohmann::ordered_json& json);
EvaluationRecord evaluation_record_from(const nlohmann::ordered_json& json);
CheckpointRecord checkpoint_record_from(const nlohmann::ordered_json& json);
/// Likewise one whole number from 0.
std::uint64_t count_from(const nlohmann::ordered_json& json, const char* key);

}  // namespace spanqa
