// Texts that come in: files, drops, pastes. Whatever they are, only characters enter the page.
import { textOfHtml } from "./html_text";

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
  const isHtml = /\.x?html?$/i.test(file.name) || /^(text\/html|application\/xhtml)/.test(file.type);
  const decoded = decode(bytes, isHtml);
  if (decoded === null) {
    throw new UnreadableFile(`${file.name} is not a text file. Text, Markdown and HTML can be read.`);
  }
  const text = isHtml ? textOfHtml(decoded.text) : decoded.text;
  if (text.trim() === "") throw new UnreadableFile(`${file.name} holds no text.`);
  const note = isHtml ? "HTML, read as text only" : decoded.note;
  return { ...textDocument(file.name, text), ...(note === undefined ? {} : { note }) };
}

interface Decoded {
  text: string;
  note?: string;
}

/** What an HTML file says of its encoding; null for nothing, or nothing known. */
function declaredDecoder(bytes: Uint8Array): TextDecoder | null {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 2048));
  const label = /<meta[^>]+charset\s*=\s*["']?\s*([\w:-]+)/i.exec(head)?.[1];
  try {
    return label === undefined ? null : new TextDecoder(label);
  } catch {
    return null;
  }
}

/** UTF-16 by its mark, UTF-8, what HTML says, else Windows-1252; null for bytes that are no text. */
function decode(bytes: Uint8Array, isHtml: boolean): Decoded | null {
  for (const [first, second, encoding] of [[0xff, 0xfe, "utf-16le"], [0xfe, 0xff, "utf-16be"]] as const) {
    if (bytes[0] === first && bytes[1] === second) return { text: new TextDecoder(encoding).decode(bytes) };
  }
  if (bytes.subarray(0, 4096).includes(0)) return null;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const declared = isHtml ? declaredDecoder(bytes) : null;
    if (declared !== null) return { text: declared.decode(bytes) };
    return { text: new TextDecoder("windows-1252").decode(bytes), note: "not UTF-8, read as Windows-1252" };
  }
}
