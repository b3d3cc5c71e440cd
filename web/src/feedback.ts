// Right, wrong, or what would have been right.
import { type Api, Fault } from "./api";
import type { Answered } from "./asking";
import { button, element } from "./dom";
import type { PlacedAnswer, Range } from "./shapes";
import { faultWords } from "./words";

export interface FeedbackParts {
  api: Api;
  answered: Answered;
  shown: () => PlacedAnswer | undefined; // the answer looked at
  selection: () => Range | null; // in the text, UTF-16
  announce: (words: string) => void;
}

/** The place in code points, which is what the server counts. */
function codePoints(text: string, end: number): number {
  let n = 0;
  for (let i = 0; i < end; ++n) i += (text.codePointAt(i) as number) > 0xffff ? 2 : 1;
  return n;
}

export function feedbackPanel(parts: FeedbackParts): HTMLElement {
  const panel = element("div", { class: "feedback", role: "group", "aria-label": "Is the answer right?" });
  const { ask } = parts.answered;
  const say = (words: string): void => {
    const said = element("p", { class: "fine", tabindex: -1 }, words);
    panel.replaceChildren(said);
    said.focus(); // the button that had it is gone
    parts.announce(words);
  };
  const send = async (verdict: string, answer?: string, start?: number): Promise<void> => {
    const place = answer === undefined || answer === "" ? {} : { answer, answer_start: start };
    try {
      await parts.api.sendFeedback({
        question: ask.questions[0],
        context: ask.context,
        verdict,
        ...place,
        model: parts.answered.model,
      });
      say("Thank you. The server has kept it.");
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      say(`Not kept. ${faultWords(error).title}.`);
    }
  };
  const judge = (verdict: string): void => {
    const answer = parts.shown();
    void send(verdict, answer?.text, answer?.code_points?.start);
  };
  const correct = (): void => {
    const span = parts.selection();
    if (span === null) {
      parts.announce("Nothing is selected in the text.");
      panel.querySelector(".need")?.classList.add("strong");
      return;
    }
    void send("corrected", ask.context.slice(span.start, span.end), codePoints(ask.context, span.start));
  };
  const askForCorrection = (): void => {
    const first = button("Send the selected words", correct);
    panel.replaceChildren(
      element("p", { class: "fine need" }, "Select the right answer in the text, then send it."),
      first,
      button("The text has none", () => void send("corrected")),
      button("Only wrong", () => judge("wrong")),
    );
    first.focus();
  };
  panel.append(
    element("span", { class: "fine" }, "Is this right?"),
    button("Right", () => judge("right")),
    button("Wrong", askForCorrection),
  );
  return panel;
}
