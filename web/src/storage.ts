// What the browser keeps. Where it refuses (private windows, policies), nothing is kept and nothing fails.

export function load<T>(name: string, otherwise: T): T {
  try {
    const json = localStorage.getItem(`spanqa.${name}`);
    return json === null ? otherwise : (JSON.parse(json) as T);
  } catch {
    return otherwise;
  }
}

export function save(name: string, value: unknown): void {
  try {
    localStorage.setItem(`spanqa.${name}`, JSON.stringify(value));
  } catch {
    // kept for this visit only
  }
}

/** A text that the browser holds until the tab is closed; empty without one. */
export function loadForTab(name: string): string {
  try {
    return sessionStorage.getItem(`spanqa.${name}`) ?? "";
  } catch {
    return "";
  }
}

export function saveForTab(name: string, value: string): void {
  try {
    sessionStorage.setItem(`spanqa.${name}`, value);
  } catch {
    // kept by the page only
  }
}
