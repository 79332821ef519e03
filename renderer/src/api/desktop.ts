/** What the desktop app's preload offers beside the API; a browser has none of it. */
interface Desktop {
  hidePopup(): void;
  /** @param path a path of the console. */
  openConsole(path: string): void;
}

export const desktop: Desktop | null = (globalThis as { countersign?: Desktop }).countersign ?? null;
