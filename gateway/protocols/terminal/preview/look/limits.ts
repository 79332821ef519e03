/** What one look may cost, whatever it is asked to look at. */
export const LIMITS = {
  /** Of all of it. */
  milliseconds: 8_000,
  /** Files and folders that are counted. */
  entries: 20_000,
  /** Lines of a part that are shown. */
  lines: 20,
  gitBytes: 4 * 1024 * 1024,
  /** What is kept of files before they are gone. */
  keptFiles: 500,
  /** With those that Git has, and those that are not there yet. */
  keptEntries: 2000,
  keptBytes: 4 * 1024 * 1024,
} as const;
