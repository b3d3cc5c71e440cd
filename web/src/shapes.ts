// What the server says: the bodies of docs/server.md as types.

/** Half-open, in the unit of its name. */
export interface Range {
  start: number;
  end: number;
}

export interface PlacedAnswer {
  text: string;
  score: number;
  no_answer: boolean;
  // Absent where no_answer is true: it has no place.
  context?: number;
  code_points?: Range;
  bytes?: Range;
  utf16?: Range;
  sentence?: string;
  window?: number;
}

export interface TokenProbability {
  text: string;
  start: number; // in code points of the context
  end: number;
  p_start: number;
  p_end: number;
}

export interface TokenProbabilities {
  window: number;
  no_answer: { p_start: number; p_end: number };
  tokens: TokenProbability[];
}

export interface QuestionResult {
  question: string;
  question_truncated: boolean;
  no_answer: boolean;
  no_answer_score: number;
  answers: PlacedAnswer[];
  windows: number;
  tokens: number;
  token_probabilities?: TokenProbabilities;
}

export interface Timing {
  tokenize_ms: number;
  queue_ms: number;
  inference_ms: number;
  total_ms: number;
  cached: boolean;
}

export interface AnswerResponse {
  model: string;
  decoder: string;
  results: QuestionResult[];
  window: { max_length: number; overlap: number };
  timing: Timing;
}

/** Event "progress" of a stream. */
export interface Progress {
  windows_done: number;
  windows_total: number;
  question: number;
  best: PlacedAnswer | null;
}

export interface Model {
  name: string;
  default: boolean;
  weights?: string;
  parameters?: number;
  max_length: number;
  no_answer_threshold?: number;
}

export interface ErrorBody {
  error: string;
  code?: string;
  field?: string;
  limit?: number;
}
