// The text's side of the page: a field to write or paste in, then the text to read, with its name and size.
import { type TextDocument, readFile, textDocument, UnreadableFile } from "./document";
import { button, byId, element } from "./dom";
import { examples } from "./examples";
import { DocumentView } from "./view";
import { count } from "./words";

/** Above this the field is slow: such texts are read, not edited. */
const kMostEditableUnits = 100_000;

/** Code points, as the server counts them. */
function characters(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff]/g)?.length ?? 0);
}

export class DocumentPane {
  readonly view = new DocumentView(byId("reading", HTMLElement), byId("rail", HTMLElement));
  private shown: TextDocument | null = null;
  private readonly pane = byId("document-pane", HTMLElement);
  private readonly field = byId("text", HTMLTextAreaElement);
  private readonly picker = byId("file", HTMLInputElement);
  private readonly editButton = byId("edit-text", HTMLButtonElement);

  /** `changed` is called with each new document, null for none; `announce` speaks. */
  constructor(
    private readonly changed: (document: TextDocument | null) => void,
    private readonly announce: (words: string) => void,
  ) {
    byId("open-file", HTMLButtonElement).addEventListener("click", () => this.picker.click());
    byId("new-text", HTMLButtonElement).addEventListener("click", () => this.startOver());
    this.editButton.addEventListener("click", () => this.edit());
    this.picker.addEventListener("change", () => {
      const file = this.picker.files?.[0];
      if (file !== undefined) void this.open(file);
      this.picker.value = "";
    });
    this.listExamples();
    this.listenToPaste();
    this.listenToDrop();
    this.setMode("edit");
  }

  /** The text that questions go to; null while there is none. What was written in the field counts. */
  take(): TextDocument | null {
    if (this.pane.dataset["mode"] === "read") return this.shown;
    const text = this.field.value.toWellFormed();
    if (text.trim() === "") {
      this.field.focus();
      return null;
    }
    const isSame = this.shown !== null && text === this.shown.text;
    this.read(isSame && this.shown !== null ? this.shown : textDocument("Your text", text));
    return this.shown;
  }

  /** Shows `document` to be read. */
  read(document: TextDocument): void {
    const isNew = document !== this.shown;
    this.shown = document;
    this.setMode("read");
    if (!isNew) return;
    this.view.show(document.text);
    byId("document-title", HTMLElement).textContent = document.name;
    byId("document-facts", HTMLElement).textContent =
      count(characters(document.text), "character") + (document.note === undefined ? "" : ` · ${document.note}`);
    this.changed(document);
  }

  async open(file: File): Promise<void> {
    try {
      this.read(await readFile(file));
      this.announce(`${file.name} is open.`);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      this.complain(error.message);
    }
  }

  private edit(): void {
    this.field.value = this.shown?.text ?? "";
    this.setMode("edit");
    this.field.focus();
  }

  private startOver(): void {
    this.shown = null;
    this.field.value = "";
    this.setMode("edit");
    this.changed(null);
    this.field.focus();
  }

  private setMode(mode: "edit" | "read"): void {
    this.pane.dataset["mode"] = mode;
    this.editButton.hidden = mode === "edit" || (this.shown?.text.length ?? 0) > kMostEditableUnits;
    byId("new-text", HTMLButtonElement).hidden = mode === "edit";
    byId("editor", HTMLElement).hidden = mode === "read";
    byId("reading-frame", HTMLElement).hidden = mode === "edit";
    if (mode === "edit") {
      byId("document-title", HTMLElement).textContent = "Text";
      byId("document-facts", HTMLElement).textContent = "";
    }
    this.complain("");
  }

  private complain(words: string): void {
    const place = byId("file-fault", HTMLElement);
    place.textContent = words;
    place.hidden = words === "";
    if (words !== "") this.announce(words);
  }

  private listExamples(): void {
    const items = examples.map((example) => {
      const open = button("", () => this.read(example.document), { class: "example" });
      open.append(element("span", { class: "example-name" }, example.document.name), element("span", { class: "fine" }, example.about));
      return element("li", {}, open);
    });
    byId("examples", HTMLElement).append(...items);
  }

  /** Long texts go past the field; pastes outside any field become the text. Never their HTML form. */
  private listenToPaste(): void {
    document.addEventListener("paste", (event) => {
      const target = event.target;
      const isElsewhere = !(target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement);
      const file = event.clipboardData?.files[0];
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const isLong = target === this.field && text.length > kMostEditableUnits;
      if (document.querySelector("dialog[open]") !== null || !(isElsewhere || isLong || file !== undefined)) return;
      event.preventDefault();
      if (file !== undefined) void this.open(file);
      else if (text.trim() !== "") this.read(textDocument("Pasted text", text));
    });
  }

  /** Everywhere on the page: a file dropped beside its target would make the browser leave the page for it. */
  private listenToDrop(): void {
    const hint = (shows: boolean): void => void document.documentElement.classList.toggle("dropping", shows);
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      hint(true);
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) hint(false);
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      hint(false);
      const file = event.dataTransfer?.files[0];
      const text = event.dataTransfer?.getData("text/plain") ?? "";
      if (file !== undefined) void this.open(file);
      else if (text.trim() !== "") this.read(textDocument("Dropped text", text));
    });
  }
}
