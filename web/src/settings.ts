// What a person can set, kept by the browser, and the dialog for it.
import type { Api } from "./api";
import type { AskSettings } from "./asking";
import { byId, element } from "./dom";
import type { Model } from "./shapes";
import { load, save } from "./storage";

interface Kept {
  theme: "auto" | "light" | "dark";
  topK: number;
  mayHaveNoAnswer: boolean;
  shortcuts: boolean;
  model: string; // "": the server's default
}

const kDefaults: Kept = { theme: "auto", topK: 5, mayHaveNoAnswer: true, shortcuts: true, model: "" };

export class Settings {
  private readonly kept: Kept = { ...kDefaults, ...load<Partial<Kept>>("settings", {}) };
  private models: Model[] = [];
  private readonly dialog = byId("settings", HTMLDialogElement);
  private readonly modelField = byId("setting-model", HTMLSelectElement);
  private readonly keyField = byId("setting-key", HTMLInputElement);

  /** `keyChanged` is called when another key is to be used. */
  constructor(
    private readonly api: Api,
    keyChanged: () => void,
  ) {
    this.applyTheme();
    this.bindChoice("setting-theme", () => this.kept.theme, (value) => (this.kept.theme = value as Kept["theme"]));
    this.bindChoice("setting-count", () => String(this.kept.topK), (value) => (this.kept.topK = Number(value)));
    this.bindBox("setting-no-answer", () => this.kept.mayHaveNoAnswer, (value) => (this.kept.mayHaveNoAnswer = value));
    this.bindBox("setting-shortcuts", () => this.kept.shortcuts, (value) => (this.kept.shortcuts = value));
    this.modelField.addEventListener("change", () => this.change(() => (this.kept.model = this.modelField.value)));
    this.keyField.addEventListener("change", () => {
      this.api.key = this.keyField.value.trim();
      keyChanged();
    });
    byId("settings-open", HTMLButtonElement).addEventListener("click", () => this.open());
    // A click beside the dialog closes it: there the dialog itself is what is hit.
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  get shortcuts(): boolean {
    return this.kept.shortcuts;
  }

  /** The model that will answer; undefined while none is known. */
  get model(): Model | undefined {
    return this.models.find((model) => model.name === this.kept.model) ?? this.models.find((model) => model.default);
  }

  forAsking(): AskSettings {
    const isLoaded = this.models.some((model) => model.name === this.kept.model);
    return { topK: this.kept.topK, mayHaveNoAnswer: this.kept.mayHaveNoAnswer, model: isLoaded ? this.kept.model : undefined };
  }

  showModels(models: Model[]): void {
    this.models = models;
    this.modelField.replaceChildren(
      ...models.map((model) => element("option", { value: model.name, selected: model === this.model }, model.name)),
    );
    this.modelField.disabled = models.length < 2;
  }

  private open(): void {
    this.keyField.value = this.api.key;
    this.dialog.showModal();
  }

  private change(assign: () => void): void {
    assign();
    save("settings", this.kept);
    this.applyTheme();
  }

  private applyTheme(): void {
    document.documentElement.dataset["theme"] = this.kept.theme;
  }

  private bindChoice(id: string, get: () => string, set: (value: string) => void): void {
    const field = byId(id, HTMLSelectElement);
    field.value = get();
    field.addEventListener("change", () => this.change(() => set(field.value)));
  }

  private bindBox(id: string, get: () => boolean, set: (value: boolean) => void): void {
    const field = byId(id, HTMLInputElement);
    field.checked = get();
    field.addEventListener("change", () => this.change(() => set(field.checked)));
  }
}
