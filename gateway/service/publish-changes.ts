const TOLD_MS = 2000;

/** Tells whoever listens what a status is, each time that it is another. */
export function publishChanges<T>(
  every: (milliseconds: number, run: () => void) => unknown,
  read: () => Promise<T>,
  publish: (status: T) => unknown,
): void {
  let told = '';
  let reading = false;
  every(TOLD_MS, async () => {
    if (reading) return;
    reading = true;
    try {
      const status = await read();
      const text = JSON.stringify(status);
      if (text !== told) publish(status);
      told = text;
    } catch {
      // Whoever asks for the status is told why there is none.
    } finally {
      reading = false;
    }
  });
}
