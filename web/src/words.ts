// Numbers and faults as people read them.
import type { Fault } from "./api";

const kWhole = new Intl.NumberFormat("en");

export function count(n: number, noun: string): string {
  return `${kWhole.format(n)} ${noun}${n === 1 ? "" : "s"}`;
}

export function percent(share: number): string {
  if (share > 0 && share < 0.001) return "< 0.1%";
  if (share < 1 && share > 0.999) return "> 99.9%";
  const value = share * 100;
  return `${value < 10 || value > 99 ? Number(value.toFixed(1)) : Math.round(value)}%`;
}

export function milliseconds(ms: number): string {
  if (ms < 0.05) return "< 0.1 ms";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

export function bytes(n: number): string {
  if (n >= 1 << 20) return `${Number((n / (1 << 20)).toFixed(1))} MiB`;
  if (n >= 1 << 10) return `${Math.round(n / (1 << 10))} KiB`;
  return count(n, "byte");
}

/** At most `most` characters, cut at a blank where there is one. */
export function shortened(text: string, most: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= most) return line;
  const cut = line.slice(0, most);
  const blank = cut.lastIndexOf(" ");
  return `${(blank > most / 2 ? cut.slice(0, blank) : cut).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

export interface FaultWords {
  title: string;
  text: string;
}

function limitWords(fault: Fault): string {
  return fault.limit === undefined ? "" : ` It takes at most ${bytes(fault.limit)}.`;
}

export const kKept = "Your text and your question are still here.";

/** What went wrong and what can be done, without the server's jargon where there is a plain word for it. */
export function faultWords(fault: Fault): FaultWords {
  switch (fault.kind) {
    case "unreachable":
      return { title: "The server does not answer", text: `It may have been stopped, or the connection was cut. ${kKept}` };
    case "silent":
      return { title: "The server has gone silent", text: `Nothing came for a minute. ${kKept}` };
    case "malformed":
      return { title: "The answer cannot be read", text: `What came back is not what this page expects. ${kKept}` };
    case "refused":
      return refusalWords(fault);
  }
}

function refusalWords(fault: Fault): FaultWords {
  const said = fault.message === "" ? "" : `The server says: ${fault.message}`;
  switch (fault.status) {
    case 401:
      return { title: "This server wants an API key", text: "The key is kept in this tab and goes to this server only." };
    case 413:
      return fault.code === "question_too_long"
        ? { title: "The question is too long", text: `The server does not take it.${limitWords(fault)}` }
        : { title: "The text is too long", text: `The server does not take it whole.${limitWords(fault) || ` ${said}.`} Ask about a part of it.` };
    case 429:
      return { title: "The server is busy", text: `It has more work than it can do in time. ${kKept}` };
    case 503:
      return fault.code === "shutting_down"
        ? { title: "The server is shutting down", text: kKept }
        : { title: "The server is not ready yet", text: "It is still loading its models. A moment, then ask again." };
    case 504:
      return { title: "The answer was not ready in time", text: `The server gave up on it. A shorter text, or a quieter moment, helps. ${kKept}` };
    case 408:
      return { title: "The request did not arrive in time", text: `The connection is slow. ${kKept}` };
    case 404:
      return { title: "The server does not know this model", text: `Choose another one in the settings. ${said}` };
    default:
      return fault.status >= 500
        ? { title: "The server failed", text: `${kKept} ${said}` }
        : { title: "The server refused the request", text: said };
  }
}
