// Stands in for the model: answers by looking for words, with the places, sentences and probabilities of a real one in
// the shape of /v1/answer. What a question puts in double quotes is the answer, wherever the text holds it.

const kWindowTokens = 320;
const kStride = 192;

/** Converts places in UTF-16 units to code points and bytes; one pass for places in any order. */
function placesOf(text, offsets) {
  const places = new Map();
  let codePoint = 0;
  let byte = 0;
  let at = 0;
  for (const offset of [...new Set(offsets)].sort((a, b) => a - b)) {
    while (at < offset) {
      const value = text.codePointAt(at);
      at += value > 0xffff ? 2 : 1;
      codePoint += 1;
      byte += value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    }
    places.set(offset, { codePoint, byte });
  }
  return places;
}

export function tokensOf(text) {
  return [...text.matchAll(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}

function sentenceAround(text, start, end) {
  const before = text.slice(0, start);
  const begin = Math.max(0, ...[...before.matchAll(/[.!?]\s+|\n+/g)].slice(-1).map((m) => m.index + m[0].length));
  const after = /[.!?](?=\s)|\n/.exec(text.slice(end));
  const stop = after === null ? text.length : end + after.index + (after[0] === "\n" ? 0 : 1);
  return text.slice(begin, stop);
}

const kCommon = new Set("a an the of in on at to is was are were who what when where which how does did do much many i it and for by with".split(" "));

function wordsOf(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu)?.filter((word) => !kCommon.has(word)) ?? [];
}

/** Candidate answers with scores, best first: quoted needles, else names and numbers of sentences like the question. */
function candidates(question, text) {
  const needle = /"([^"]+)"/.exec(question)?.[1];
  if (needle !== undefined) {
    const found = [];
    for (let at = text.indexOf(needle); at >= 0 && found.length < 20; at = text.indexOf(needle, at + needle.length)) {
      found.push({ start: at, end: at + needle.length, score: 0.93 / (found.length + 1) });
    }
    return found;
  }
  const wanted = new Set(wordsOf(question));
  const isNumber = /^(when|how (many|much|high|tall|long))/i.test(question);
  const shape = isNumber ? /[£€$]?\d[\d,.]*\d|\d+/g : /\p{Lu}[\p{L}\p{M}’']+(?: (?:of |the |& )?\p{Lu}[\p{L}\p{M}’']+)*/gu;
  const found = [];
  for (const sentence of text.slice(0, 60_000).matchAll(/[^.!?\n]+[.!?]?/g)) {
    const shared = wordsOf(sentence[0]).filter((word) => wanted.has(word)).length;
    if (shared === 0) continue;
    for (const match of sentence[0].matchAll(shape)) {
      if (wordsOf(match[0]).some((word) => wanted.has(word)) || kCommon.has(match[0].toLowerCase())) continue;
      const start = sentence.index + match.index;
      found.push({ start, end: start + match[0].length, score: Math.min(0.97, (shared / (wanted.size + 0.6)) * (match.index === 0 ? 0.6 : 1)) });
    }
  }
  found.sort((a, b) => b.score - a.score);
  return found.map((one, i) => ({ ...one, score: one.score / (1 + 1.7 * i) }));
}

function windowOf(tokens, start) {
  const index = Math.max(0, tokens.findIndex((token) => token.end > start));
  return Math.max(0, Math.floor((index - 40) / kStride));
}

function probabilities(text, tokens, best, window) {
  const from = window * kStride;
  const seen = tokens.slice(from, from + kWindowTokens);
  const places = placesOf(text, seen.flatMap((token) => [token.start, token.end]));
  let seed = 7;
  const noise = () => ((seed = (seed * 48271) % 2147483647) / 2147483647) ** 9 * 0.12;
  const strength = best?.score ?? 0.1;
  return {
    context: 0,
    window,
    no_answer: { p_start: 1 - strength, p_end: 1 - strength },
    tokens: seen.map((token) => ({
      text: token.text,
      start: places.get(token.start).codePoint,
      end: places.get(token.end).codePoint,
      p_start: best && token.start <= best.start && token.end > best.start ? strength * 0.92 : noise() * strength,
      p_end: best && token.start < best.end && token.end >= best.end ? strength * 0.88 : noise() * strength,
    })),
  };
}

function resultOf(question, text, body) {
  const tokens = tokensOf(text);
  const found = candidates(question, text).slice(0, body.top_k ?? 1);
  const places = placesOf(text, found.flatMap((one) => [one.start, one.end]));
  const answers = found.map((one) => ({
    text: text.slice(one.start, one.end),
    score: one.score,
    no_answer: false,
    context: 0,
    code_points: { start: places.get(one.start).codePoint, end: places.get(one.end).codePoint },
    bytes: { start: places.get(one.start).byte, end: places.get(one.end).byte },
    utf16: { start: one.start, end: one.end },
    sentence: sentenceAround(text, one.start, one.end),
    window: windowOf(tokens, one.start),
    start_logit: 5,
    end_logit: 5,
  }));
  const bestScore = answers[0]?.score ?? 0;
  const isNone = body.no_answer !== false && bestScore <= 0.5;
  if (isNone) answers.unshift({ text: "", score: 1 - bestScore, no_answer: true });
  return {
    question,
    question_truncated: false,
    no_answer: isNone,
    no_answer_score: 1 - bestScore,
    answers: answers.slice(0, body.top_k ?? 1),
    windows: Math.max(1, Math.ceil((tokens.length - 128) / kStride)),
    tokens: tokens.length,
    ...(body.include?.includes("tokens") ? { token_probabilities: probabilities(text, tokens, found[0], windowOf(tokens, found[0]?.start ?? 0)) } : {}),
  };
}

/** The body of /v1/answer for a request's body. */
export function answer(body, isKnownText) {
  const questions = [...(body.question === undefined ? [] : [body.question]), ...(body.questions ?? [])];
  const results = questions.map((question) => resultOf(question, body.context, body));
  const tokens = results.reduce((sum, result) => sum + result.tokens, 0);
  const timing = { tokenize_ms: isKnownText ? 0.03 : tokens / 4000 + 0.1, queue_ms: 0.2, inference_ms: tokens / 16 + 3, cached: false };
  return {
    model: body.model ?? "reader",
    decoder: "global",
    results,
    window: { max_length: 384, overlap: 128 },
    timing: { ...timing, total_ms: timing.tokenize_ms + timing.queue_ms + timing.inference_ms },
  };
}
