#include "serve/response_schemas.h"

namespace spanqa::serve {
namespace {

// As text, because that is how a schema is read.
constexpr const char* kSchemas = R"json({
  "Error": {
    "type": "object",
    "properties": {
      "error": {"type": "string", "description": "What is wrong, for people."},
      "code": {"type": "string", "description": "What is wrong, for programs."},
      "field": {"type": "string", "description": "Where in the body."},
      "limit": {"type": "integer", "description": "How much is taken."}
    },
    "required": ["error"]
  },
  "Answer": {
    "type": "object",
    "properties": {
      "score": {"type": "number"},
      "start": {"type": "integer", "minimum": 0, "description": "Code points of the context before the answer."},
      "end": {"type": "integer", "minimum": 0},
      "answer": {"type": "string", "description": "The context's own words; empty for no answer."},
      "id": {"type": ["string", "number"], "description": "Of the document, as it was given."},
      "meta": {"description": "Of the document, as it was given."}
    },
    "required": ["score", "start", "end", "answer"]
  },
  "Answers": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Answer"}},
  "Entries": {
    "type": "array",
    "minItems": 1,
    "items": {"anyOf": [{"$ref": "#/components/schemas/Answer"}, {"$ref": "#/components/schemas/Answers"}]}
  },
  "FlatAnswer": {
    "type": "object",
    "properties": {
      "question": {"type": "string"},
      "context": {"type": "string"},
      "answer": {"type": "string"},
      "score": {"type": "number"}
    },
    "required": ["question", "context", "answer", "score"]
  },
  "HuggingFaceResponse": {
    "description": "An object where top_k is 1, else a list; for a list of inputs a list with one entry for each.",
    "anyOf": [{"$ref": "#/components/schemas/Answer"}, {"$ref": "#/components/schemas/Entries"}]
  },
  "PredictResponse": {
    "description": "An object for a flat body, else a list.",
    "anyOf": [{"$ref": "#/components/schemas/FlatAnswer"}, {"$ref": "#/components/schemas/Entries"}]
  },
  "Range": {
    "type": "object",
    "properties": {"start": {"type": "integer", "minimum": 0}, "end": {"type": "integer", "minimum": 0}},
    "required": ["start", "end"]
  },
  "PlacedAnswer": {
    "type": "object",
    "properties": {
      "text": {"type": "string"},
      "score": {"type": "number"},
      "no_answer": {"type": "boolean", "description": "This entry says that there is none; it has no place."},
      "context": {"type": "integer", "minimum": 0, "description": "Which context, from 0."},
      "id": {"type": ["string", "number"]},
      "code_points": {"$ref": "#/components/schemas/Range"},
      "bytes": {"$ref": "#/components/schemas/Range"},
      "utf16": {"$ref": "#/components/schemas/Range"},
      "sentence": {"type": "string"},
      "window": {"type": "integer", "minimum": 0},
      "start_logit": {"type": "number"},
      "end_logit": {"type": "number"}
    },
    "required": ["text", "score", "no_answer"]
  },
  "TokenProbabilities": {
    "type": "object",
    "description": "What the model saw in the best answer's window.",
    "properties": {
      "context": {"type": "integer", "minimum": 0},
      "window": {"type": "integer", "minimum": 0},
      "no_answer": {
        "type": "object",
        "properties": {"p_start": {"type": "number"}, "p_end": {"type": "number"}},
        "required": ["p_start", "p_end"]
      },
      "tokens": {
        "type": "array",
        "items": {
          "type": "object",
          "properties": {
            "text": {"type": "string"},
            "start": {"type": "integer", "minimum": 0, "description": "In code points of the context."},
            "end": {"type": "integer", "minimum": 0},
            "p_start": {"type": "number"},
            "p_end": {"type": "number"}
          },
          "required": ["text", "start", "end", "p_start", "p_end"]
        }
      }
    },
    "required": ["context", "window", "no_answer", "tokens"]
  },
  "QuestionResult": {
    "type": "object",
    "properties": {
      "question": {"type": "string"},
      "question_truncated": {"type": "boolean", "description": "It did not fit a window and its end was not read."},
      "no_answer": {"type": "boolean"},
      "no_answer_score": {"type": "number"},
      "answers": {"type": "array", "items": {"$ref": "#/components/schemas/PlacedAnswer"}},
      "windows": {"type": "integer", "minimum": 0},
      "tokens": {"type": "integer", "minimum": 0},
      "token_probabilities": {"$ref": "#/components/schemas/TokenProbabilities"}
    },
    "required": [
      "question", "question_truncated", "no_answer", "no_answer_score", "answers", "windows", "tokens"
    ]
  },
  "AnswerResponse": {
    "type": "object",
    "properties": {
      "model": {"type": "string"},
      "decoder": {"type": "string"},
      "results": {"type": "array", "items": {"$ref": "#/components/schemas/QuestionResult"}},
      "window": {
        "type": "object",
        "properties": {"max_length": {"type": "integer"}, "overlap": {"type": "integer"}},
        "required": ["max_length", "overlap"]
      },
      "timing": {
        "type": "object",
        "properties": {
          "tokenize_ms": {"type": "number"},
          "queue_ms": {"type": "number"},
          "inference_ms": {"type": "number"},
          "total_ms": {"type": "number"},
          "cached": {"type": "boolean"}
        },
        "required": ["tokenize_ms", "queue_ms", "inference_ms", "total_ms", "cached"]
      }
    },
    "required": ["model", "decoder", "results", "window", "timing"]
  },
  "TokenizeResponse": {
    "type": "object",
    "properties": {
      "model": {"type": "string"},
      "tokens": {
        "type": "array",
        "items": {
          "type": "object",
          "properties": {
            "id": {"type": "integer"},
            "token": {"type": "string"},
            "special": {"type": "boolean"},
            "code_points": {"$ref": "#/components/schemas/Range"},
            "bytes": {"$ref": "#/components/schemas/Range"},
            "utf16": {"$ref": "#/components/schemas/Range"}
          },
          "required": ["id", "token", "special", "code_points", "bytes", "utf16"]
        }
      }
    },
    "required": ["model", "tokens"]
  },
  "Model": {
    "type": "object",
    "properties": {
      "name": {"type": "string"},
      "default": {"type": "boolean"},
      "family": {"type": "string"},
      "weights": {"type": "string"},
      "parameters": {"type": "integer"},
      "max_length": {"type": "integer"},
      "temperature": {"type": "number"},
      "no_answer_threshold": {"type": "number"},
      "generation": {"type": "integer", "description": "Goes up with each reload."}
    },
    "required": ["name", "default", "max_length"]
  },
  "ModelsResponse": {
    "type": "object",
    "properties": {"models": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}},
    "required": ["models"]
  },
  "Health": {
    "type": "object",
    "properties": {
      "status": {"type": "string", "enum": ["ready", "not_ready"]},
      "live": {"type": "boolean"},
      "ready": {"type": "boolean"},
      "models": {"type": "array", "items": {"type": "string"}}
    },
    "required": ["status", "live", "ready", "models"]
  },
  "Info": {
    "type": "object",
    "properties": {
      "version": {"type": "string"},
      "models": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}},
      "limits": {"type": "object", "additionalProperties": {"type": "number"}}
    },
    "required": ["version", "models", "limits"]
  },
  "Squad": {
    "type": "object",
    "properties": {"version": {"type": "string"}, "data": {"type": "array", "items": {"type": "object"}}},
    "required": ["version", "data"]
  },
  "Openapi": {"type": "object", "properties": {"openapi": {"type": "string"}}, "required": ["openapi"]}
})json";

}  // namespace

nlohmann::ordered_json response_schemas() { return nlohmann::ordered_json::parse(kSchemas); }

}  // namespace spanqa::serve
