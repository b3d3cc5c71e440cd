// The answers of one question: the one looked at, its sentence, the others, and what the model saw.
import type { Api } from "./api";
import type { Answered } from "./asking";
import { copy, saveFile } from "./clipboard";
import type { TextDocument } from "./document";
import { button, element, setVariable } from "./dom";
import { curlCommand, jsonLine, quotation } from "./export";
import { feedbackPanel } from "./feedback";
import { heatPanel } from "./heat";
import type { PlacedAnswer, Range } from "./shapes";
import { sentenceSpan } from "./view";
import { count, milliseconds, percent, shortened } from "./words";

export interface PanelParts {
  api: Api;
  document: TextDocument;
  answered: Answered;
  all: () => Answered[]; // of the round, for the export
  threshold: number | undefined; // of the model: a best score above it is an answer
  firstTokenizeMs: number; // what the first question over this text took for its tokens
  feedback: boolean;
  selection: () => Range | null;
  announce: (words: string) => void;
  /** The answer looked at is another one. */
  looked: () => void;
}

const kAroundUnits = 160; // of its sentence before and behind an answer, in UTF-16 units
const kSavedMs = 0.5; // below this a gain is not worth a sentence

function bar(share: number): HTMLElement {
  const node = element("span", { class: "bar", "aria-hidden": "true" });
  setVariable(node, "--share", share.toFixed(4));
  return node;
}

/** The answer marked in its sentence, of which so much is shown as a person reads at a glance. */
function sentenceOf(answer: PlacedAnswer, text: string): HTMLElement | null {
  const { sentence, utf16 } = answer;
  if (sentence === undefined || utf16 === undefined || sentence.trim() === answer.text.trim()) return null;
  const place = sentenceSpan(text, sentence, utf16);
  if (place === null) return null;
  const start = Math.max(place.start, utf16.start - kAroundUnits);
  const end = Math.min(place.end, utf16.end + kAroundUnits);
  const before = text.slice(start, utf16.start).toWellFormed();
  const behind = text.slice(utf16.end, end).toWellFormed();
  return element(
    "blockquote",
    {},
    start > place.start ? `…${before.replace(/^\S*\s/, " ")}` : before,
    element("mark", {}, answer.text),
    end < place.end ? `${behind.replace(/\s\S*$/, " ")}…` : behind,
  );
}

function timingWords(parts: PanelParts): string {
  const { timing, roundTripMs, result, model } = parts.answered;
  const stages = timing.cached
    ? "from the cache"
    : [["waiting", timing.queue_ms], ["tokenising", timing.tokenize_ms], ["reading", timing.inference_ms]]
        .map(([name, ms]) => `${milliseconds(ms as number)} ${name}`)
        .join(", ");
  const size = `${count(result.tokens, "token")} in ${count(result.windows, "window")}`;
  const saved = parts.firstTokenizeMs - timing.tokenize_ms;
  const gain = saved < kSavedMs || timing.cached ? "" : ` Its tokens were kept from the first question: ${milliseconds(saved)} saved.`;
  return `${milliseconds(timing.total_ms)} on the server (${stages}), ${milliseconds(roundTripMs)} in all; ${size}, read by ${model}.${gain}`;
}

/** How near the decision was: the best answer's score and what it has to exceed. */
function margin(parts: PanelParts): HTMLElement | null {
  const { result } = parts.answered;
  const best = result.answers.find((answer) => !answer.no_answer);
  const score = best?.score ?? 1 - result.no_answer_score;
  if (!result.no_answer) return null;
  const { threshold } = parts;
  const scale = element("div", { class: "margin-scale", "aria-hidden": "true" }, bar(score));
  setVariable(scale, "--threshold", String(threshold ?? 0));
  scale.classList.toggle("has-threshold", threshold !== undefined);
  const words =
    best === undefined
      ? "There is no candidate."
      : `The best candidate, “${shortened(best.text, 60)}”, reaches ${percent(score)}` +
        (threshold === undefined
          ? `, against ${percent(result.no_answer_score)} for no answer.`
          : `: ${percent(Math.max(0, threshold - score))} short of the ${percent(threshold)} above which this model answers.`);
  return element("div", { class: "margin" }, element("p", {}, words), scale);
}

export class AnswerPanel {
  readonly element: HTMLElement;
  private readonly head = element("div", { class: "answer-head" });
  private readonly items: HTMLButtonElement[];
  private readonly copyAnswer = this.copyButton("answer", () => this.shown?.text ?? "");
  private chosen = 0;

  constructor(private readonly parts: PanelParts) {
    const { result } = parts.answered;
    this.items = result.answers.map((answer, i) => this.item(answer, i));
    const seen = result.token_probabilities;
    this.element = element(
      "article",
      { class: "answer-panel", "aria-label": "Answer" },
      this.head,
      margin(parts),
      this.actions(),
      parts.feedback && feedbackPanel({ ...parts, shown: () => this.shown }),
      this.items.length > 1 && this.list(),
      seen !== undefined && heatPanel(seen, result.windows),
      result.question_truncated && element("p", { class: "fine" }, "The question is longer than the model reads; its end was left out."),
      element("p", { class: "fine timing" }, timingWords(parts)),
    );
    this.show();
  }

  /** The answer looked at; undefined where there is none. */
  get shown(): PlacedAnswer | undefined {
    return this.parts.answered.result.answers[this.chosen];
  }

  /** Places of the answers that are not looked at, in UTF-16 units. */
  get otherSpans(): Range[] {
    const others = this.parts.answered.result.answers.filter((answer, i) => i !== this.chosen && answer.utf16 !== undefined);
    return others.map((answer) => answer.utf16 as Range);
  }

  /** To the next answer or the one before, around the end. */
  walk(step: number): void {
    const n = this.items.length;
    if (n > 0) this.choose((this.chosen + step + n) % n);
  }

  /** What is said aloud of the answer looked at. */
  spoken(): string {
    const { result } = this.parts.answered;
    const answer = this.shown;
    const place = this.items.length > 1 ? ` Answer ${this.chosen + 1} of ${this.items.length}.` : "";
    if (answer === undefined || answer.no_answer) return `No answer in this text, ${percent(result.no_answer_score)}.${place}`;
    const sentence = answer.sentence === undefined ? "" : ` In: ${shortened(answer.sentence, 300)}`;
    return `${answer.text}, ${percent(answer.score)}.${place}${sentence}`;
  }

  private choose(i: number): void {
    this.chosen = i;
    this.show();
    this.parts.announce(this.spoken());
    this.parts.looked();
  }

  private show(): void {
    const answer = this.shown;
    const isNone = answer === undefined || answer.no_answer;
    const share = answer?.score ?? this.parts.answered.result.no_answer_score;
    this.head.replaceChildren(
      element("h2", { class: isNone ? "answer none" : "answer" }, isNone ? "No answer in this text" : answer.text),
      element("p", { class: "score-line" }, bar(share), element("span", {}, percent(share)),
              !isNone && answer.code_points !== undefined &&
                element("span", { class: "fine" }, `characters ${answer.code_points.start}–${answer.code_points.end}`)),
    );
    const sentence = isNone ? null : sentenceOf(answer, this.parts.answered.ask.context);
    if (sentence !== null) this.head.append(sentence);
    this.copyAnswer.hidden = isNone; // there is no text to copy; the quotation says so
    this.items.forEach((item, i) => {
      if (i === this.chosen) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
    });
  }

  private item(answer: PlacedAnswer, i: number): HTMLButtonElement {
    const item = button("", () => this.choose(i), { class: "candidate" });
    item.append(
      element("span", { class: answer.no_answer ? "candidate-text none" : "candidate-text" },
              answer.no_answer ? "no answer" : shortened(answer.text, 90)),
      bar(answer.score),
      element("span", { class: "score" }, percent(answer.score)),
    );
    return item;
  }

  private list(): HTMLElement {
    return element(
      "section",
      { class: "candidates", "aria-labelledby": "candidates-title" },
      element("h3", { id: "candidates-title" }, "Candidates"),
      element("ol", {}, ...this.items.map((item) => element("li", {}, item))),
    );
  }

  private actions(): HTMLElement {
    const { parts } = this;
    const name = parts.document.name;
    const needsKey = parts.api.key !== "";
    return element(
      "div",
      { class: "actions", role: "group", "aria-label": "Take the answer with you" },
      element("span", { class: "fine", "aria-hidden": "true" }, "Copy"),
      this.copyAnswer,
      this.copyButton("quotation", () => this.shown === undefined ? `No answer in ${name}.\n` : quotation(this.shown, name)),
      this.copyButton("curl", () => curlCommand(parts.answered.ask, needsKey)),
      button("Save JSONL", () => {
        const lines = parts.all().map((answered) => jsonLine(answered, name));
        saveFile("answers.jsonl", "application/jsonl", `${lines.join("\n")}\n`);
      }, { id: "save-jsonl" }),
    );
  }

  /** `what` is copied; the button says for a moment whether it was. */
  private copyButton(what: string, text: () => string): HTMLElement {
    const node = button(what, () => {
      void copy(text()).then((done) => {
        node.textContent = done ? "copied" : "not copied";
        this.parts.announce(done ? "Copied." : "The browser did not allow copying.");
        setTimeout(() => (node.textContent = what), 1600);
      });
    }, { id: `copy-${what}`, "aria-label": `Copy ${what}` });
    return node;
  }
}
