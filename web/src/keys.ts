// Keys for the whole page. Single characters can be switched off: they disturb those who speak to their computer.

export interface KeyActions {
  areSingleKeysOn: () => boolean;
  focusQuestion: () => void;
  walk: (step: number) => void;
  stop: () => void;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

export function listenToKeys(actions: KeyActions): void {
  document.addEventListener("keydown", (event) => {
    const isDialogOpen = document.querySelector("dialog[open]") !== null;
    if (event.defaultPrevented || isDialogOpen || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") actions.stop();
    if (!actions.areSingleKeysOn() || isTyping(event.target)) return;
    const keys: Record<string, () => void> = {
      "/": actions.focusQuestion,
      n: () => actions.walk(1),
      p: () => actions.walk(-1),
    };
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
