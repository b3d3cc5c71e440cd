// The text on the page, whatever its length: blocks that are laid out when they come into view, and places marked in
// them by ranges (CSS Custom Highlight), so that marking changes no element.
import { element, setVariable } from "./dom";
import type { Range as Span } from "./shapes";

/** One text node each. Small enough that laying one out takes a few milliseconds. */
const kBlockUnits = 16 << 10;
const kCharactersPerLine = 75; // for the height of blocks not yet laid out

interface Block {
  start: number; // of its text in the document, in UTF-16 units
  node: Text;
  element: HTMLElement;
}

/** Where the block that begins at `start` ends: behind a line end, else behind a blank, else between characters. */
function blockEnd(text: string, start: number): number {
  const limit = start + kBlockUnits;
  if (limit >= text.length) return text.length;
  const part = text.slice(start, limit);
  for (const mark of ["\n", " "]) {
    const found = part.lastIndexOf(mark);
    if (found > kBlockUnits / 4) return start + found + 1;
  }
  // What joins the character before (marks, joiners, low surrogates) stays with it.
  let end = limit;
  while (end < text.length && end < limit + 64 && /^[\p{M}\u200d\udc00-\udfff]/u.test(text.slice(end))) ++end;
  return end;
}

function estimatedLines(text: string): number {
  let lines = Math.ceil(text.length / kCharactersPerLine);
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) ++lines;
  return lines;
}

/** Which marks stand where; in the order of their weight. */
export interface Marks {
  current: Span | null;
  sentence: Span | null;
  others: Span[];
}

const kHighlightNames = { sentence: "sentence", others: "others", current: "answer" } as const;

export class DocumentView {
  private blocks: Block[] = [];
  private length = 0;
  private newestReveal = 0;

  /** `scroller` holds the blocks, `rail` the ticks that show where in the whole text the marks stand. */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly rail: HTMLElement,
  ) {}

  show(text: string): void {
    this.mark({ current: null, sentence: null, others: [] });
    ++this.newestReveal;
    this.blocks = [];
    this.length = text.length;
    for (let start = 0; start < text.length; ) {
      const end = blockEnd(text, start);
      this.blocks.push(makeBlock(text.slice(start, end), start));
      start = end;
    }
    this.scroller.replaceChildren(...this.blocks.map((block) => block.element));
    this.scroller.scrollTop = 0;
  }

  mark(marks: Marks): void {
    const spans = { current: marks.current === null ? [] : [marks.current],
                    sentence: marks.sentence === null ? [] : [marks.sentence],
                    others: marks.others };
    if ("highlights" in CSS) {
      Object.entries(kHighlightNames).forEach(([key, name], priority) => {
        const highlight = new Highlight(...spans[key as keyof typeof spans].map((span) => this.range(span)));
        highlight.priority = priority;
        CSS.highlights.set(name, highlight);
      });
    } else if (marks.current !== null) {
      this.select(marks.current); // browsers without highlights show the answer as selected text
    }
    this.showTicks(spans.current, spans.others);
  }

  /** Brings the span into view unless it is there; only the newest call moves anything. */
  async reveal(span: Span): Promise<void> {
    const number = ++this.newestReveal;
    // Blocks get their true height when they come near: after a far jump the place is looked up again.
    for (let attempt = 0; attempt < 4; ++attempt) {
      const box = this.range(span).getBoundingClientRect();
      const frame = this.scroller.getBoundingClientRect();
      const margin = Math.min(80, frame.height / 5);
      if (box.top >= frame.top + margin && box.bottom <= frame.bottom - margin) return;
      const by = box.top - frame.top - (frame.height - Math.min(box.height, frame.height)) / 2.5;
      const isNear = Math.abs(by) < 2 * frame.height;
      const wantsCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const isSmooth = attempt === 0 && isNear && !wantsCalm;
      const before = this.scroller.scrollTop;
      this.scroller.scrollTo({ top: before + by, behavior: isSmooth ? "smooth" : "instant" });
      if (isSmooth) return;
      await nextFrame();
      await nextFrame();
      if (number !== this.newestReveal || this.scroller.scrollTop === before) return;
    }
  }

  range(span: Span): Range {
    const range = new Range();
    const start = this.place(span.start, false);
    const end = this.place(span.end, true);
    range.setStart(start.node, start.offset);
    range.setEnd(end.node, end.offset);
    return range;
  }

  /** What the reader has selected within the text; null for nothing. */
  selection(): Span | null {
    const selection = getSelection();
    if (selection === null || selection.rangeCount === 0 || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const start = this.offset(range.startContainer, range.startOffset);
    const end = this.offset(range.endContainer, range.endOffset);
    return start === null || end === null || end <= start ? null : { start, end };
  }

  private select(span: Span): void {
    const range = this.range(span);
    getSelection()?.setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset);
  }

  private offset(node: Node, offset: number): number | null {
    const block = this.blocks.find((candidate) => candidate.node === node);
    return block === undefined ? null : block.start + offset;
  }

  /** The last block that begins at or before `offset`. */
  private blockAt(offset: number): Block | undefined {
    let low = 0;
    let high = this.blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.blocks[middle] as Block).start <= offset) low = middle;
      else high = middle;
    }
    return this.blocks[low];
  }

  /** An end that falls between two blocks belongs to the first, a start to the second. */
  private place(offset: number, isEnd: boolean): { node: Text; offset: number } {
    const bounded = Math.max(0, Math.min(offset, this.length));
    const block = this.blockAt(isEnd ? Math.max(0, bounded - 1) : bounded);
    if (block === undefined) throw new Error("no text is shown");
    return { node: block.node, offset: Math.min(bounded - block.start, block.node.length) };
  }

  private showTicks(current: Span[], others: Span[]): void {
    const tick = (span: Span, className: string): HTMLElement => {
      const node = element("span", { class: className });
      setVariable(node, "--at", `${((100 * span.start) / Math.max(1, this.length)).toFixed(2)}%`);
      return node;
    };
    // Where everything is in view at once, places along a rail would mean nothing.
    this.rail.hidden = this.scroller.scrollHeight <= this.scroller.clientHeight;
    this.rail.replaceChildren(
      ...others.map((span) => tick(span, "tick")),
      ...current.map((span) => tick(span, "tick current")),
    );
  }
}

function makeBlock(text: string, start: number): Block {
  const node = document.createTextNode(text);
  const block = element("div", { class: "block" }, node);
  setVariable(block, "--lines", String(estimatedLines(text)));
  return { start, node, element: block };
}

function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}

/** Where `sentence` stands around `answer`; null where the text does not hold it there. */
export function sentenceSpan(text: string, sentence: string, answer: Span): Span | null {
  const found = text.indexOf(sentence, Math.max(0, answer.end - sentence.length));
  if (found < 0 || found > answer.start) return null;
  return { start: found, end: found + sentence.length };
}
