// One round of asking: the questions of one press of "Ask" over one text, in as many requests as they need.
import { type Api, type Ask, Fault } from "./api";
import type { TextDocument } from "./document";
import type { Progress, QuestionResult, Timing } from "./shapes";

export interface AskSettings {
  topK: number;
  mayHaveNoAnswer: boolean;
  model?: string | undefined;
}

/** One question with its answers. */
export interface Answered {
  result: QuestionResult;
  model: string;
  timing: Timing; // of its request, which may have held other questions too
  roundTripMs: number;
  ask: Ask; // the same question alone
}

export interface Round {
  document: TextDocument;
  questions: string[];
  settings: AskSettings;
  answered: (Answered | null)[]; // by question; null: not yet
  phase: "reading" | "done" | "stopped" | "failed";
  underWay: number; // questions of the request under way
  progress: Progress | null; // of that request, where the server tells
  fault: Fault | null; // phase "failed"
}

const kMostQuestions = 8; // a request: each brings the probabilities of a window
const kMostUnits = 400_000; // a request, texts times questions: a server's deadline must hold it

function questionsAtOnce(document: TextDocument): number {
  return Math.max(1, Math.min(kMostQuestions, Math.floor(kMostUnits / Math.max(1, document.text.length))));
}

export class Asking {
  private round: Round | null = null;

  constructor(
    private readonly api: Api,
    private readonly changed: (round: Round) => void,
  ) {}

  get current(): Round | null {
    return this.round;
  }

  start(document: TextDocument, questions: string[], settings: AskSettings): void {
    this.round = {
      document,
      questions,
      settings,
      answered: questions.map(() => null),
      phase: "reading",
      underWay: 0,
      progress: null,
      fault: null,
    };
    void this.run(this.round);
  }

  /** Asks again what has no answer yet. */
  resume(): void {
    const round = this.round;
    if (round === null || round.phase === "reading") return;
    round.phase = "reading";
    round.fault = null;
    void this.run(round);
  }

  stop(): void {
    const round = this.round;
    this.api.stop();
    if (round?.phase !== "reading") return;
    round.phase = "stopped";
    this.changed(round);
  }

  /** Another text is shown: what was asked of the old one is of no use. */
  forget(): void {
    this.api.stop();
    this.round = null;
  }

  private async run(round: Round): Promise<void> {
    this.changed(round);
    try {
      while (round.answered.includes(null)) {
        if (!(await this.askSome(round))) return;
      }
      round.phase = "done";
    } catch (error) {
      if (this.round !== round) return;
      if (!(error instanceof Fault)) throw error;
      round.phase = "failed";
      round.fault = error;
    }
    round.progress = null;
    this.changed(round);
  }

  /** False where a newer round or stop() came between. */
  private async askSome(round: Round): Promise<boolean> {
    const waiting = round.questions.map((_, i) => i).filter((i) => round.answered[i] === null);
    const chosen = waiting.slice(0, questionsAtOnce(round.document));
    const ask: Ask = { questions: chosen.map((i) => round.questions[i] as string), context: round.document.text, ...round.settings };
    round.underWay = chosen.length;
    const begun = performance.now();
    const response = await this.api.ask(ask, (progress) => {
      round.progress = progress;
      this.changed(round);
    });
    if (response === null || this.round !== round) return false;
    if (response.results.length !== chosen.length) throw new Fault("malformed");
    const roundTripMs = performance.now() - begun;
    response.results.forEach((result, i) => {
      const question = chosen[i] as number;
      round.answered[question] = {
        result,
        model: response.model,
        timing: response.timing,
        roundTripMs,
        ask: { ...ask, questions: [round.questions[question] as string] },
      };
    });
    round.progress = null;
    if (round.answered.includes(null)) this.changed(round);
    return true;
  }
}
