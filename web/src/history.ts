// Recent questions, kept by this browser: with their answers, never with the texts they were asked of.
import { button, element } from "./dom";
import { load, save } from "./storage";
import { shortened } from "./words";

export interface HistoryEntry {
  question: string;
  answer: string | null; // null: no answer
  document: string; // its name
}

const kKept = 50;
const kAnswerCharacters = 200;

export class History {
  private entries: HistoryEntry[] = load<HistoryEntry[]>("history", []);

  /** `choose` is called with a question that is to be asked again, `forgotten` when the list went away. */
  constructor(
    private readonly panel: HTMLDetailsElement,
    private readonly choose: (question: string) => void,
    private readonly forgotten: () => void,
  ) {
    this.show();
  }

  add(entry: HistoryEntry): void {
    const isSame = (old: HistoryEntry): boolean => old.question === entry.question && old.document === entry.document;
    const answer = entry.answer === null ? null : shortened(entry.answer, kAnswerCharacters);
    this.entries = [{ ...entry, answer }, ...this.entries.filter((old) => !isSame(old))].slice(0, kKept);
    save("history", this.entries);
    this.show();
  }

  private forget(): void {
    this.entries = [];
    save("history", this.entries);
    this.show();
    this.forgotten();
  }

  private show(): void {
    this.panel.hidden = this.entries.length === 0;
    const items = this.entries.map((entry) => {
      const answer = entry.answer === null ? "no answer" : `“${shortened(entry.answer, 60)}”`;
      const ask = button("", () => this.choose(entry.question), { class: "history-question" });
      ask.append(
        element("span", { class: "question-text" }, entry.question),
        element("span", { class: "history-answer" }, `${answer}, in ${shortened(entry.document, 40)}`),
      );
      return element("li", {}, ask);
    });
    this.panel.replaceChildren(
      element("summary", {}, `Recent questions (${this.entries.length})`),
      element("ul", { class: "history-list" }, ...items),
      element("p", { class: "fine" }, "Kept in this browser only. ", button("Forget them", () => this.forget(), { class: "link" })),
    );
  }
}
