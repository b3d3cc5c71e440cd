// Several questions at once, as a table: a row each, of which one is looked at.
import type { Round } from "./asking";
import { button, element } from "./dom";
import { percent, shortened } from "./words";

const kAnswerCharacters = 80;

function answerCells(round: Round, i: number): HTMLElement[] {
  const answered = round.answered[i];
  if (!answered) {
    const words = { reading: "reading …", done: "", stopped: "stopped", failed: "not answered" }[round.phase];
    return [element("td", { class: "waiting", colspan: 2 }, words)];
  }
  const best = answered.result.answers[0];
  const isNone = answered.result.no_answer || best === undefined;
  return [
    element("td", { class: isNone ? "none" : "" }, isNone ? "no answer" : shortened(best.text, kAnswerCharacters)),
    element("td", { class: "score" }, percent(best?.score ?? answered.result.no_answer_score)),
  ];
}

export class AnswerTable {
  private readonly body = element("tbody");
  readonly element: HTMLElement;

  constructor(
    private readonly round: Round,
    choose: (question: number) => void,
  ) {
    const rows = round.questions.map((question, i) =>
      element("tr", {}, element("th", { scope: "row" }, button(question, () => choose(i), { class: "row-button" }))),
    );
    this.body.append(...rows);
    const heads = ["Question", "Answer", "Score"].map((name) => element("th", { scope: "col" }, name));
    this.element = element(
      "table",
      { class: "answers-table" },
      element("caption", { class: "visually-hidden" }, "Questions and their best answers; choose one to see it in the text"),
      element("thead", {}, element("tr", {}, ...heads)),
      this.body,
    );
  }

  /** Shows what is answered by now and which row is looked at; the buttons stay, and with them the focus. */
  update(chosen: number): void {
    [...this.body.rows].forEach((row, i) => {
      while (row.cells.length > 1) row.deleteCell(1); // the first one keeps its place, and the focus
      row.append(...answerCells(this.round, i));
      row.classList.toggle("chosen", i === chosen);
      const head = row.cells[0]?.firstElementChild as HTMLButtonElement;
      head.disabled = !this.round.answered[i];
      if (i === chosen) head.setAttribute("aria-current", "true");
      else head.removeAttribute("aria-current");
    });
  }
}
