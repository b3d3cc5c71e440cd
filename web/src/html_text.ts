// HTML as the text that a reader of it would see.

/** Their content is text to the parser, whatever it looks like. */
const kRaw = new Set(["SCRIPT", "STYLE", "TEXTAREA", "TITLE", "NOSCRIPT", "IFRAME", "NOEMBED", "NOFRAMES", "XMP"]);
const kLeftOut = new Set("TEMPLATE HEAD SVG MATH OBJECT CANVAS SELECT BUTTON".split(" "));
const kParagraphs = new Set("P H1 H2 H3 H4 H5 H6 BLOCKQUOTE PRE UL OL DL TABLE FIGURE HR".split(" "));
const kLines = new Set(
  "ADDRESS ARTICLE ASIDE CAPTION DD DETAILS DIV DT FIELDSET FIGCAPTION FOOTER FORM HEADER LI MAIN NAV SECTION SUMMARY TR BODY".split(" "),
);

/** Where the tag that begins at `start` ends, behind its ">": one within quotes is part of a value. */
function tagEnd(html: string, start: number): number {
  for (let at = start; at < html.length; ++at) {
    const character = html[at];
    if (character === ">") return at + 1;
    if (character !== "=") continue;
    while (/\s/.test(html[at + 1] ?? "")) ++at;
    const quote = html[at + 1];
    if (quote !== '"' && quote !== "'") continue;
    const close = html.indexOf(quote, at + 2);
    if (close < 0) return html.length;
    at = close;
  }
  return html.length;
}

/**
 * The tags alone, without attributes, comments and what is no text: so there is no script, address or style in it that
 * anything could run, fetch or apply. Cost: linear.
 */
function bareTags(html: string): string {
  const parts: string[] = [];
  const isXml = /^\s*<\?xml/.test(html); // where <script/> is whole
  const name = /\/?[a-z][^\s/>]*/iy;
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf("<", at);
    parts.push(html.slice(at, open < 0 ? html.length : open));
    if (open < 0) break;
    if (html.startsWith("<!--", open)) {
      const close = html.indexOf("-->", open + 4);
      at = close < 0 ? html.length : close + 3;
      continue;
    }
    name.lastIndex = open + 1;
    const found = name.exec(html)?.[0];
    if (found === undefined && !/[!?/]/.test(html[open + 1] ?? "")) {
      parts.push("&lt;");
      at = open + 1;
      continue;
    }
    at = tagEnd(html, open + 1 + (found?.length ?? 0));
    if (found === undefined) continue;
    if (kRaw.has(found.toUpperCase())) at = isXml && html[at - 2] === "/" ? at : rawEnd(html, found, at);
    else parts.push(`<${found}>`);
  }
  return parts.join("");
}

/** Behind the end tag of an element whose content is raw. */
function rawEnd(html: string, name: string, start: number): number {
  const close = new RegExp(`</${name}[\\s/>]`, "gi");
  close.lastIndex = start;
  const found = close.exec(html);
  return found === null ? html.length : tagEnd(html, found.index);
}

/** Text that grows with blanks and line ends as a browser would lay them out. */
class Layout {
  private readonly parts: string[] = [];
  private breaks = 0;
  private blank = false;

  /** At least `n` line ends before what follows. */
  breakLine(n: number): void {
    if (n === 0) return;
    if (this.parts.length > 0) this.breaks = Math.max(this.breaks, n);
    this.blank = false;
  }
  addCell(): void {
    if (this.parts.length > 0 && this.breaks === 0) this.parts.push("\t");
    this.blank = false;
  }
  add(text: string, keepsBlanks: boolean): void {
    if (keepsBlanks) {
      this.put(text);
      return;
    }
    const words = text.replace(/[ \t\n\r\f]+/g, " ");
    if (words.startsWith(" ")) this.blank = true;
    const core = words.trim();
    if (core !== "") this.put(core);
    if (core !== "" && words.endsWith(" ")) this.blank = true;
  }
  toString(): string {
    return this.parts.join("");
  }

  private put(text: string): void {
    if (this.breaks > 0) this.parts.push("\n".repeat(this.breaks));
    else if (this.blank && this.parts.length > 0) this.parts.push(" ");
    this.breaks = 0;
    this.blank = false;
    this.parts.push(text);
  }
}

function breaksAround(name: string): number {
  return kParagraphs.has(name) ? 2 : kLines.has(name) ? 1 : 0;
}

/** What a reader of the HTML would read, lines and paragraphs apart. */
export function textOfHtml(html: string): string {
  const layout = new Layout();
  const root = new DOMParser().parseFromString(bareTags(html), "text/html").body;
  let keepsBlanks = 0; // <pre> elements around
  // Depth is the document's choice, so the walk keeps no stack of calls.
  let node: Node | null = root;
  while (node !== null) {
    const entered: boolean = enter(node, layout, keepsBlanks > 0);
    if (entered && node.nodeName === "PRE") ++keepsBlanks;
    if (entered && node.firstChild !== null) {
      node = node.firstChild;
      continue;
    }
    for (;;) {
      if (node.nodeName === "PRE" && keepsBlanks > 0) --keepsBlanks;
      layout.breakLine(breaksAround(node.nodeName));
      if (node === root) return layout.toString();
      if (node.nextSibling !== null) {
        node = node.nextSibling;
        break;
      }
      node = node.parentNode as Node;
    }
  }
  return layout.toString();
}

/** Whether what is inside `node` is to be read. */
function enter(node: Node, layout: Layout, keepsBlanks: boolean): boolean {
  if (node.nodeType === Node.TEXT_NODE) {
    layout.add(node.nodeValue ?? "", keepsBlanks);
    return false;
  }
  const name = node.nodeName;
  if (node.nodeType !== Node.ELEMENT_NODE || kLeftOut.has(name.toUpperCase())) return false;
  if (name === "BR") layout.breakLine(1);
  if (name === "TD" || name === "TH") layout.addCell();
  layout.breakLine(breaksAround(name));
  return true;
}
