// What became of a round: how far it is, what went wrong, and the answers.
import { AnswerPanel, type PanelParts } from "./answers";
import type { Api, Fault } from "./api";
import type { Answered, Round } from "./asking";
import { button, element, setVariable } from "./dom";
import type { PlacedAnswer, Range } from "./shapes";
import { AnswerTable } from "./table";
import { count, faultWords, kKept, percent, shortened } from "./words";

export interface OutcomeParts {
  api: Api;
  feedback: () => boolean;
  threshold: () => number | undefined;
  firstTokenizeMs: () => number;
  selection: () => Range | null;
  announce: (words: string) => void;
  retry: () => void;
  /** The answer looked at changed, by the first answer of a round or by the reader. */
  looked: (panel: AnswerPanel | null) => void;
}

const kAnnounceReadingMs = 1500; // quicker answers speak for themselves

export class Outcome {
  private round: Round | null = null;
  private table: AnswerTable | null = null;
  private panel: AnswerPanel | null = null;
  private question = -1; // whose panel is shown
  private readonly status = element("div", { class: "status" });
  private readonly tableHost = element("div", { class: "table-host" });
  private readonly panelHost = element("div", { class: "panel-host" });
  private announceTimer = 0;
  private countdown = 0;

  constructor(
    host: HTMLElement,
    private readonly parts: OutcomeParts,
  ) {
    host.append(this.status, this.tableHost, this.panelHost);
  }

  clear(): void {
    this.endTimers();
    this.round = this.table = this.panel = null;
    this.question = -1;
    for (const host of [this.status, this.tableHost, this.panelHost]) host.replaceChildren();
  }

  get answers(): AnswerPanel | null {
    return this.panel;
  }

  show(round: Round): void {
    if (round !== this.round) this.begin(round);
    this.showStatus(round);
    const first = round.answered.findIndex((answered) => answered !== null);
    if (this.question < 0 && first >= 0) this.look(first, round.questions.length === 1);
    this.table?.update(this.question);
    if (round.phase === "done" && round.questions.length > 1) {
      const found = round.answered.filter((answered) => answered?.result.no_answer === false).length;
      this.parts.announce(`${count(round.questions.length, "question")} asked, ${count(found, "answer")} found.`);
    }
  }

  private begin(round: Round): void {
    this.clear();
    this.round = round;
    this.parts.looked(null);
    if (round.questions.length === 1) return;
    this.table = new AnswerTable(round, (i) => {
      this.look(i, true);
      this.table?.update(i);
    });
    this.tableHost.append(this.table.element);
  }

  private look(question: number, speaks: boolean): void {
    const round = this.round as Round;
    const answered = round.answered[question];
    if (!answered) return;
    this.question = question;
    const panel = new AnswerPanel(this.panelParts(round, answered));
    this.panel = panel;
    this.panelHost.replaceChildren(panel.element);
    this.parts.looked(panel);
    if (speaks) this.parts.announce(panel.spoken());
  }

  private panelParts(round: Round, answered: Answered): PanelParts {
    const { parts } = this;
    return {
      api: parts.api,
      document: round.document,
      answered,
      all: () => round.answered.filter((one) => one !== null),
      threshold: round.settings.mayHaveNoAnswer ? parts.threshold() : undefined,
      firstTokenizeMs: parts.firstTokenizeMs(),
      feedback: parts.feedback(),
      selection: parts.selection,
      announce: parts.announce,
      looked: () => parts.looked(this.panel),
    };
  }

  private showStatus(round: Round): void {
    if (round.phase === "reading") {
      this.showReading(round);
      return;
    }
    this.endTimers();
    if (round.phase === "failed" && round.fault !== null) this.showFault(round.fault);
    else if (round.phase === "stopped") this.status.replaceChildren(card("notice", "Stopped", kKept, this.retryButton("Ask again")));
    else this.status.replaceChildren();
  }

  private showReading(round: Round): void {
    if (this.announceTimer === 0) {
      this.announceTimer = window.setTimeout(() => this.parts.announce("Reading the text."), kAnnounceReadingMs);
    }
    const n = round.questions.length;
    const done = round.answered.filter((answered) => answered !== null).length;
    const { progress } = round;
    const share = progress === null ? 0 : progress.windows_done / Math.max(1, progress.windows_total);
    const words = n > 1 ? `Reading: ${done} of ${n} questions answered` : "Reading the text";
    const windows = progress === null ? "" : `, ${progress.windows_done} of ${progress.windows_total} windows`;
    const track = element("div", { class: progress === null && n === 1 ? "track waiting" : "track", "aria-hidden": "true" });
    setVariable(track, "--share", ((done + share * round.underWay) / n).toFixed(3));
    const node = element("div", { class: "card reading" }, element("p", {}, words + windows), track);
    if (progress?.best) node.append(element("p", { class: "fine" }, bestWords(progress.best)));
    this.status.replaceChildren(node);
  }

  private showFault(fault: Fault): void {
    const { title, text } = faultWords(fault);
    const retry = this.retryButton("Ask again");
    const node = card("fault", title, text, fault.status === 401 ? this.keyForm() : retry);
    if (fault.requestId !== undefined) node.append(element("p", { class: "fine" }, `Request ${fault.requestId}`));
    this.status.replaceChildren(node);
    this.parts.announce(`${title}. ${text}`);
    if (fault.retryAfterSeconds !== undefined) this.countDown(retry, fault.retryAfterSeconds);
  }

  /** The server said when to come back: until then the button counts, and can be pressed all the same. */
  private countDown(retry: HTMLButtonElement, seconds: number): void {
    let left = seconds;
    const show = (): void => {
      retry.textContent = left > 0 ? `Ask again (in ${left} s)` : "Ask again";
      if (left-- <= 0) window.clearInterval(this.countdown);
    };
    window.clearInterval(this.countdown);
    this.countdown = window.setInterval(show, 1000);
    show();
  }

  private retryButton(label: string): HTMLButtonElement {
    return button(label, this.parts.retry, { class: "primary", id: "retry" });
  }

  private keyForm(): HTMLElement {
    const field = element("input", { id: "key", type: "password", autocomplete: "off", required: true });
    const form = element("form", { class: "key-form" }, element("label", { for: "key" }, "API key"), field,
                         element("button", { class: "primary" }, "Use this key"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.parts.api.key = field.value.trim();
      this.parts.retry();
    });
    return form;
  }

  private endTimers(): void {
    window.clearTimeout(this.announceTimer);
    window.clearInterval(this.countdown);
    this.announceTimer = 0;
  }
}

function card(kind: string, title: string, text: string, ...rest: Node[]): HTMLElement {
  return element("div", { class: `card ${kind}` }, element("h2", {}, title), element("p", {}, text), ...rest);
}

function bestWords(best: PlacedAnswer): string {
  return `Best so far: “${shortened(best.text, 80)}” (${percent(best.score)})`;
}
