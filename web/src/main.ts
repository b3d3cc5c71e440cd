// Joins the parts: text, question, answers, marks in the text.
import type { AnswerPanel } from "./answers";
import { Api, Fault } from "./api";
import { type Answered, Asking, type Round } from "./asking";
import type { TextDocument } from "./document";
import { DocumentPane } from "./document_pane";
import { button, byId, element } from "./dom";
import { History } from "./history";
import { listenToKeys } from "./keys";
import { Outcome } from "./outcome";
import { Settings } from "./settings";
import "./styles.css";
import { sentenceSpan } from "./view";

const api = new Api();
const settings = new Settings(api, () => void connect());
const announcer = byId("announcer", HTMLElement);
const field = byId("question", HTMLTextAreaElement);
const askButton = byId("ask-button", HTMLButtonElement);
const need = byId("ask-need", HTMLElement);
const outcomeHost = byId("outcome", HTMLElement);
const narrow = matchMedia("(max-width: 59.99rem)"); // as in styles.css
const kDoubleClickMs = 400;
const kGlimpsePixels = 96; // of an outcome: enough to see its first line

let takesFeedback = false;
let begunAt = 0; // of the round, by performance.now()
const firstTokenizeMs = new WeakMap<TextDocument, number>(); // of the first question over a text

/** The same words twice are spoken twice: the region changes in between. */
function announce(words: string): void {
  announcer.textContent = "";
  setTimeout(() => (announcer.textContent = words), 30);
}

const pane = new DocumentPane((document) => {
  asking.forget();
  outcome.clear();
  showBusy(false);
  suggest(document?.questions ?? []);
}, announce);

const asking = new Asking(api, (round) => {
  rememberTimes(round);
  outcome.show(round);
  showBusy(round.phase === "reading");
  if (round.phase === "done") remember(round);
  if (round.phase !== "reading") showOutcome();
});

const outcome = new Outcome(outcomeHost, {
  api,
  feedback: () => takesFeedback,
  threshold: () => settings.model?.no_answer_threshold,
  firstTokenizeMs: () => (asking.current === null ? undefined : firstTokenizeMs.get(asking.current.document)) ?? 0,
  selection: () => pane.view.selection(),
  announce,
  retry: () => {
    if (settings.model === undefined) void connect();
    asking.resume();
    outcomeHost.focus({ preventScroll: true });
  },
  looked: showMarks,
});

const history = new History(byId("history", HTMLDetailsElement), (question) => {
  askThis(question);
  outcomeHost.focus({ preventScroll: true });
}, () => field.focus());

function showMarks(panel: AnswerPanel | null): void {
  const answer = panel?.shown;
  const span = answer?.utf16 ?? null;
  const text = asking.current?.document.text ?? "";
  const sentence = span === null || answer?.sentence === undefined ? null : sentenceSpan(text, answer.sentence, span);
  pane.view.mark({ current: span, sentence, others: panel?.otherSpans ?? [] });
  if (span !== null) void pane.view.reveal(span);
}

/** In one column several questions, or a small screen, leave no room for what came of them: then the page moves there. */
function showOutcome(): void {
  const isHidden = outcomeHost.getBoundingClientRect().top > innerHeight - kGlimpsePixels;
  if (narrow.matches && isHidden) outcomeHost.scrollIntoView({ block: "start", behavior: "instant" });
}

function questionsWritten(): string[] {
  return field.value
    .toWellFormed()
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Says beside the field what is lacking; nothing hides it. */
function say(lacking: string): void {
  need.textContent = lacking;
  need.hidden = lacking === "";
  if (lacking !== "") announce(lacking);
}

function ask(): void {
  const questions = questionsWritten();
  if (questions.length === 0) {
    field.focus();
    say("Write a question first.");
    return;
  }
  const document = pane.take();
  if (document === null) {
    say("There is no text yet: paste one, open a file or choose an example.");
    return;
  }
  say("");
  begunAt = performance.now();
  asking.start(document, questions, settings.forAsking());
}

function askThis(question: string): void {
  field.value = question;
  fitField();
  ask();
}

/** One button, so that the focus stays on it. */
function showBusy(isBusy: boolean): void {
  askButton.textContent = isBusy ? "Stop" : "Ask";
  askButton.classList.toggle("primary", !isBusy);
}

function rememberTimes(round: Round): void {
  const first = round.answered.find((answered): answered is Answered => answered !== null);
  if (first !== undefined && !firstTokenizeMs.has(round.document)) {
    firstTokenizeMs.set(round.document, first.timing.tokenize_ms);
  }
}

function remember(round: Round): void {
  for (const answered of round.answered) {
    if (answered === null) continue;
    const { question, no_answer, answers } = answered.result;
    history.add({ question, answer: no_answer ? null : (answers[0]?.text ?? null), document: round.document.name });
  }
}

function suggest(questions: string[]): void {
  const chips = questions.map((question) =>
    element("li", {}, button(question, () => askThis(question), { class: "chip" })));
  byId("suggestions", HTMLElement).replaceChildren(...chips);
}

/** As many lines as were written, within reason. */
function fitField(): void {
  field.rows = Math.min(8, Math.max(1, field.value.split("\n").length));
}

/** Asks the server what it offers; it may be down, and the page of use all the same. */
async function connect(): Promise<void> {
  try {
    settings.showModels(await api.models());
    takesFeedback = await api.takesFeedback();
  } catch (error) {
    if (!(error instanceof Fault) && !(error instanceof SyntaxError)) throw error;
  }
}

/** On a small screen the answer comes first and what else could be asked after it; in the document, so for all. */
function placeSuggestions(isNarrow: boolean): void {
  const list = byId("suggestions", HTMLElement);
  if (isNarrow) outcomeHost.after(list);
  else outcomeHost.before(list);
}

function sayWhereTextGoes(): void {
  const { hostname, host } = location;
  const isHere = hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
  byId("privacy", HTMLElement).textContent = isHere
    ? "Your text stays on this machine."
    : `Your text goes to ${host} and nowhere else.`;
}

byId("ask", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (asking.current?.phase !== "reading") ask();
  else if (performance.now() - begunAt > kDoubleClickMs) asking.stop();
});
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask();
  if (matchMedia("(pointer: coarse)").matches) field.blur(); // the keyboard would cover the answer
});
field.addEventListener("input", fitField);
listenToKeys({
  areSingleKeysOn: () => settings.shortcuts,
  focusQuestion: () => {
    field.focus();
    field.select();
  },
  walk: (step) => outcome.answers?.walk(step),
  stop: () => asking.stop(),
});
narrow.addEventListener("change", () => placeSuggestions(narrow.matches));
placeSuggestions(narrow.matches);
sayWhereTextGoes();
void connect();
