// What the model saw: where it held a start and an end of the answer for likely, token by token. Told three times: as
// a strip over the whole window, as bars around the words of the likeliest part, and as numbers.
import { element, setVariable, svgElement } from "./dom";
import type { TokenProbabilities, TokenProbability } from "./shapes";
import { percent } from "./words";

const kStripHeight = 40;
const kWordsAround = 14; // tokens shown before and after the likeliest ones
const kMostTogether = 4; // tokens that no line end parts
const kRows = 5; // of the table, for starts and for ends each

type Which = "p_start" | "p_end";

function best(tokens: TokenProbability[], which: Which): number {
  let found = 0;
  tokens.forEach((token, i) => {
    if (token[which] > (tokens[found] as TokenProbability)[which]) found = i;
  });
  return found;
}

/** Small probabilities still show: heights go by the square root. */
function height(probability: number): number {
  return Math.sqrt(Math.max(0, Math.min(1, probability)));
}

function quoted(token: TokenProbability | undefined): string {
  return token === undefined ? "nothing" : `“${token.text}”`;
}

/** Sticks up for starts, down for ends. */
function strip(tokens: TokenProbability[], label: string): HTMLElement {
  const sticks = (which: Which, sign: number): string =>
    tokens.map((token, i) => `M${i + 0.5} 0V${(sign * height(token[which])).toFixed(3)}`).join("");
  const svg = svgElement(
    "svg",
    { viewBox: `0 -1 ${tokens.length} 2`, preserveAspectRatio: "none", height: kStripHeight, role: "img", "aria-label": label },
    svgElement("path", { d: `M0 0H${tokens.length}`, class: "axis" }),
    svgElement("path", { d: sticks("p_start", -1), class: "starts" }),
    svgElement("path", { d: sticks("p_end", 1), class: "ends" }),
  );
  return element("div", { class: "strip" }, svg);
}

function word(token: TokenProbability, joins: boolean): HTMLElement {
  const node = element("span", { class: joins ? "token joined" : "token" }, token.text);
  setVariable(node, "--p-start", height(token.p_start).toFixed(3));
  setVariable(node, "--p-end", height(token.p_end).toFixed(3));
  return node;
}

function words(tokens: TokenProbability[], start: number, end: number): HTMLElement {
  const from = Math.max(0, Math.min(start, end) - kWordsAround);
  const to = Math.min(tokens.length, Math.max(start, end) + kWordsAround + 1);
  // Start and end that lie far apart belong to different answers: the words around the start are shown.
  const last = to - from > 8 * kWordsAround ? Math.min(tokens.length, start + kWordsAround + 1) : to;
  const first = to - from > 8 * kWordsAround ? Math.max(0, start - kWordsAround) : from;
  const list = element("p", { class: "heat-words", "aria-hidden": "true" });
  if (first > 0) list.append("… ");
  let together = element("span");
  for (let i = first; i < last; ++i) {
    const token = tokens[i] as TokenProbability;
    const joins = i > first && tokens[i - 1]?.end === token.start;
    // A full stop stays on the line of its word; letters may break, because some scripts write no blanks.
    if (!joins || !/^\p{P}$/u.test(token.text) || together.childElementCount >= kMostTogether) {
      together = element("span", { class: "together" });
      list.append(together);
    }
    together.append(word(token, joins));
  }
  if (last < tokens.length) list.append(" …");
  return list;
}

/** The text twin. */
function numbers(seen: TokenProbabilities): HTMLElement {
  const order = (which: Which): TokenProbability[] =>
    [...seen.tokens].sort((a, b) => b[which] - a[which]).slice(0, kRows);
  const chosen = [...new Set([...order("p_start"), ...order("p_end")])].sort((a, b) => a.start - b.start);
  const row = (name: string, values: { p_start: number; p_end: number }): HTMLElement =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, percent(values.p_start)),
            element("td", {}, percent(values.p_end)));
  return element(
    "details",
    { class: "twin" },
    element("summary", {}, "The same in numbers"),
    element(
      "table",
      {},
      element("caption", {}, "Tokens most likely to begin or end the answer, in the order of the text"),
      element("thead", {}, element("tr", {}, ...["Token", "Begins", "Ends"].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, row("no answer", seen.no_answer), ...chosen.map((token) => row(token.text, token))),
    ),
  );
}

/** `windows`: into how many the text was cut. */
export function heatPanel(seen: TokenProbabilities, windows: number): HTMLElement | null {
  const { tokens } = seen;
  if (tokens.length === 0) return null;
  const start = best(tokens, "p_start");
  const end = best(tokens, "p_end");
  const label =
    `Probability over the ${tokens.length} tokens of the window: the likeliest begin is ${quoted(tokens[start])} with ` +
    `${percent(tokens[start]?.p_start ?? 0)}, the likeliest end ${quoted(tokens[end])} with ${percent(tokens[end]?.p_end ?? 0)}.`;
  return element(
    "section",
    { class: "heat", "aria-labelledby": "heat-title" },
    element("h3", { id: "heat-title" }, `What the model saw${windows > 1 ? ` in window ${seen.window + 1} of ${windows}` : ""}`),
    element("p", { class: "legend" }, element("span", { class: "key starts" }, "begins (up)"),
            element("span", { class: "key ends" }, "ends (down)")),
    strip(tokens, label),
    words(tokens, start, end),
    numbers(seen),
  );
}
