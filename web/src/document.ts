// Texts that come in: files, drops, pastes. Whatever they are, only characters enter the page.

/** What questions are asked of. Never changed: another text is another document. */
export interface TextDocument {
  name: string;
  text: string; // well-formed UTF-16, exactly as it is sent
  note?: string; // on how it was read
  questions?: string[]; // worth asking
}

/** A file that cannot be read, in words. */
export class UnreadableFile extends Error {}

const kMostFileBytes = 32 << 20; // above any server's limit, below what makes a browser slow

export function textDocument(name: string, text: string): TextDocument {
  return { name, text: text.toWellFormed() };
}

/** Reads a text file: .txt, .md, .html and whatever else is text. Throws UnreadableFile. */
export async function readFile(file: File): Promise<TextDocument> {
  if (file.size > kMostFileBytes) throw new UnreadableFile(`${file.name} is larger than 32 MiB.`);
  const buffer = await file.arrayBuffer().catch(() => {
    throw new UnreadableFile(`${file.name} cannot be read.`);
  });
  const bytes = new Uint8Array(buffer);
  const decoded = decode(bytes);
  if (decoded === null) {
    throw new UnreadableFile(`${file.name} is not a text file. Text, Markdown and HTML can be read.`);
  }
  const isHtml = /\.x?html?$/i.test(file.name) || /^(text\/html|application\/xhtml)/.test(file.type);
  const text = isHtml ? textOfHtml(decoded.text) : decoded.text;
  if (text.trim() === "") throw new UnreadableFile(`${file.name} holds no text.`);
  const note = isHtml ? "HTML, read as text only" : decoded.note;
  return { ...textDocument(file.name, text), ...(note === undefined ? {} : { note }) };
}

interface Decoded {
  text: string;
  note?: string;
}

/** UTF-8, UTF-16 by its mark, else Windows-1252; null for bytes that are no text. */
function decode(bytes: Uint8Array): Decoded | null {
  for (const [first, second, encoding] of [[0xff, 0xfe, "utf-16le"], [0xfe, 0xff, "utf-16be"]] as const) {
    if (bytes[0] === first && bytes[1] === second) return { text: new TextDecoder(encoding).decode(bytes) };
  }
  if (bytes.subarray(0, 4096).includes(0)) return null;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(bytes), note: "not UTF-8, read as Windows-1252" };
  }
}

const kLeftOut = new Set(
  "SCRIPT STYLE TEMPLATE NOSCRIPT HEAD SVG MATH IFRAME OBJECT CANVAS SELECT TEXTAREA BUTTON".split(" "),
);
const kParagraphs = new Set("P H1 H2 H3 H4 H5 H6 BLOCKQUOTE PRE UL OL DL TABLE FIGURE HR".split(" "));
const kLines = new Set(
  "ADDRESS ARTICLE ASIDE CAPTION DD DETAILS DIV DT FIELDSET FIGCAPTION FOOTER FORM HEADER LI MAIN NAV SECTION SUMMARY TR BODY".split(" "),
);

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

/**
 * What a reader of the HTML would read. The parser's document is inert: it runs no script and fetches nothing, and it
 * is thrown away.
 */
export function textOfHtml(html: string): string {
  const layout = new Layout();
  const root = new DOMParser().parseFromString(html, "text/html").body;
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
