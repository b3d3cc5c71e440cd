// Answers in forms that other places take: a quotation, lines of JSON, a command.
import { address, type Ask, requestBody } from "./api";
import type { Answered } from "./asking";
import type { PlacedAnswer } from "./shapes";
import { percent } from "./words";

/** The answer in its sentence, with its place. */
export function quotation(answer: PlacedAnswer, documentName: string): string {
  if (answer.no_answer || answer.code_points === undefined) return `No answer in ${documentName}.`;
  const { start, end } = answer.code_points;
  const lines = [`“${answer.text}”`];
  const sentence = answer.sentence?.replace(/\s+/g, " ").trim() ?? "";
  if (sentence !== "" && sentence !== answer.text) lines.push(`In: “${sentence}”`);
  lines.push(`${documentName}, characters ${start} to ${end}, score ${percent(answer.score)}`);
  return `${lines.join("\n")}\n`;
}

/** One line of JSON for a question and its best answer. */
export function jsonLine(answered: Answered, documentName: string): string {
  const best = answered.result.answers[0];
  return JSON.stringify({
    question: answered.result.question,
    document: documentName,
    answer: answered.result.no_answer ? "" : (best?.text ?? ""),
    no_answer: answered.result.no_answer,
    score: best?.score ?? answered.result.no_answer_score,
    ...(best === undefined || best.no_answer
      ? {}
      : { code_points: best.code_points, bytes: best.bytes, utf16: best.utf16, sentence: best.sentence }),
    model: answered.model,
  });
}

/**
 * The same request for a POSIX shell. The body goes in by standard input, so that no length of a command line bounds it
 * and no character of it means anything to the shell: JSON has no line ends of its own, so no line of it is the mark.
 */
export function curlCommand(ask: Ask, needsKey: boolean): string {
  const key = needsKey ? ` \\\n  -H "Authorization: Bearer $SPANQA_API_KEY"` : "";
  const url = address("v1/answer").replaceAll("'", "%27");
  return `curl -sS '${url}' \\\n  -H 'Content-Type: application/json'${key} \\\n  --data-binary @- <<'JSON'\n${requestBody(ask)}\nJSON\n`;
}
