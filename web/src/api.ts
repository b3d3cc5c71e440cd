// Talking to the server: one question at a time is current, and nothing of an older one arrives.
import { events } from "./events";
import type { AnswerResponse, ErrorBody, Model, Progress } from "./shapes";
import { loadForTab, saveForTab } from "./storage";

export type FaultKind = "unreachable" | "silent" | "malformed" | "refused";

/** Why there is no answer. */
export class Fault extends Error {
  constructor(
    readonly kind: FaultKind,
    message = "",
    readonly status = 0,
    readonly code = "",
    readonly limit?: number,
    readonly retryAfterSeconds?: number,
    readonly requestId?: string,
  ) {
    super(message);
  }
}

/** One call of /v1/answer. */
export interface Ask {
  questions: string[];
  context: string;
  topK: number;
  mayHaveNoAnswer: boolean;
  model?: string | undefined;
}

const kKeyName = "key";
const kSilenceMs = 60_000; // the server's heartbeat comes each 10 s
/** Texts longer than this take long enough that progress is worth showing, in UTF-16 units. */
const kStreamFrom = 30_000;

export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

export function requestBody(ask: Ask): string {
  const one = ask.questions.length === 1;
  return JSON.stringify({
    ...(one ? { question: ask.questions[0] } : { questions: ask.questions }),
    context: ask.context,
    ...(ask.model === undefined ? {} : { model: ask.model }),
    top_k: ask.topK,
    ...(ask.mayHaveNoAnswer ? {} : { no_answer: false }),
    include: ["tokens"],
  });
}

export class Api {
  private newest = 0;
  private heldKey = loadForTab(kKeyName);
  private running: AbortController | null = null;

  /** Kept until the tab closes; where the browser keeps nothing, until the page does. */
  get key(): string {
    return this.heldKey;
  }
  set key(value: string) {
    this.heldKey = value;
    saveForTab(kKeyName, value);
  }

  /** Gives up what is under way: its promise gives null. */
  stop(): void {
    ++this.newest;
    this.running?.abort();
    this.running = null;
  }

  /** The answers; null where a newer question or stop() came between. Throws Fault. */
  async ask(ask: Ask, onProgress: (progress: Progress) => void): Promise<AnswerResponse | null> {
    this.stop();
    const number = ++this.newest;
    const controller = new AbortController();
    this.running = controller;
    const isOld = (): boolean => number !== this.newest;
    const silence = new Silence(() => controller.abort("silent"));
    try {
      const accept = ask.context.length > kStreamFrom ? "text/event-stream, application/json;q=0.9" : "application/json";
      const response = await this.post("v1/answer", requestBody(ask), controller.signal, accept);
      const answer = await readAnswer(response, () => silence.heard(), (progress) => {
        if (!isOld()) onProgress(progress);
      });
      return isOld() ? null : answer;
    } catch (error) {
      if (isOld()) return null;
      if (controller.signal.reason === "silent") throw new Fault("silent");
      throw error instanceof Fault ? error : new Fault("unreachable");
    } finally {
      silence.end();
    }
  }

  async models(): Promise<Model[]> {
    const response = await this.reach("v1/models", { headers: this.headers("application/json") });
    const body = (await response.json()) as { models: Model[] };
    return body.models;
  }

  /** Whether the server keeps what people say of answers: only then is it in its description. */
  async takesFeedback(): Promise<boolean> {
    const response = await this.reach("openapi.json", { headers: this.headers("application/json") });
    const body = (await response.json()) as { paths: Record<string, unknown> };
    return "/v1/feedback" in body.paths;
  }

  async sendFeedback(body: Record<string, unknown>): Promise<void> {
    await this.post("v1/feedback", JSON.stringify(body), null, "application/json");
  }

  private headers(accept: string): Record<string, string> {
    return { Accept: accept, ...(this.key === "" ? {} : { Authorization: `Bearer ${this.key}` }) };
  }

  private post(path: string, body: string, signal: AbortSignal | null, accept: string): Promise<Response> {
    const headers = { ...this.headers(accept), "Content-Type": "application/json" };
    return this.reach(path, { method: "POST", body, headers, signal });
  }

  /** A response that is no error. */
  private async reach(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(address(path), { ...init, credentials: "omit", cache: "no-store" }).catch((error: unknown) => {
      if (init.signal?.aborted) throw error;
      throw new Fault("unreachable");
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/** Calls back once, when nothing was heard for too long. */
class Silence {
  private timer: number;
  constructor(private readonly onSilence: () => void) {
    this.timer = window.setTimeout(onSilence, kSilenceMs);
  }
  heard(): void {
    this.end();
    this.timer = window.setTimeout(this.onSilence, kSilenceMs);
  }
  end(): void {
    window.clearTimeout(this.timer);
  }
}

async function refusal(response: Response): Promise<Fault> {
  const body = (await response.json().catch(() => ({ error: "" }))) as ErrorBody;
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Fault(
    "refused",
    body.error,
    response.status,
    body.code ?? "",
    body.limit,
    Number.isFinite(seconds) ? seconds : undefined,
    response.headers.get("X-Request-ID") ?? undefined,
  );
}

/** Within a stream the status is gone: the code tells what it would have been. */
function streamedRefusal(body: ErrorBody): Fault {
  const status = new Map([
    ["deadline_exceeded", 504],
    ["queue_full", 429],
    ["context_too_long", 413],
    ["not_ready", 503],
    ["shutting_down", 503],
  ]);
  return new Fault("refused", body.error, status.get(body.code ?? "") ?? 500, body.code ?? "", body.limit);
}

function parsed<T>(json: string): T {
  try {
    return JSON.parse(json) as T;
  } catch {
    throw new Fault("malformed");
  }
}

async function readAnswer(
  response: Response,
  heard: () => void,
  onProgress: (progress: Progress) => void,
): Promise<AnswerResponse> {
  const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream") ?? false;
  if (!isStream || response.body === null) return parsed<AnswerResponse>(await response.text());
  for await (const event of events(response.body, heard)) {
    if (event.name === "progress") onProgress(parsed<Progress>(event.data));
    if (event.name === "error") throw streamedRefusal(parsed<ErrorBody>(event.data));
    if (event.name === "answer") return parsed<AnswerResponse>(event.data);
  }
  throw new Fault("unreachable"); // cut before the answer
}
