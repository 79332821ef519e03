import { z } from 'zod';

/** loss: something is gone afterwards. unknown: it is known only when it runs. */
export const PreviewTone = z.enum(['plain', 'loss', 'unknown']);
export type PreviewTone = z.infer<typeof PreviewTone>;

/** Can it be undone afterwards? Said before it is approved. */
export const UndoForecast = z.object({ can: z.enum(['all', 'part', 'none']), sentence: z.string().max(500) });
export type UndoForecast = z.infer<typeof UndoForecast>;

/** One thing that a command would touch: a sentence, and what it is about line by line. */
export const PreviewPart = z.object({
  tone: PreviewTone,
  sentence: z.string().max(500),
  lines: z.array(z.string().max(400)).max(40),
  /** Lines that are left out. */
  more: z.number().int().nonnegative(),
});
export type PreviewPart = z.infer<typeof PreviewPart>;

/** A shell command: found where the files are, by what runs as the developer. */
export const CommandPreview = z.object({
  kind: z.literal('command'),
  /** loading: more may come. failed: nobody could look. */
  state: z.enum(['loading', 'done', 'failed']),
  parts: z.array(PreviewPart).max(40),
  undo: UndoForecast.nullable(),
});
export type CommandPreview = z.infer<typeof CommandPreview>;

const cells = z.array(z.string().max(300).nullable()).max(64);

/** A statement that changes rows: how many, and a few of them as they are and as they would be. */
export const RowsPreview = z.object({
  kind: z.literal('rows'),
  state: z.enum(['loading', 'done']),
  /**
   * exact: it was run and rolled back. estimate: the planner's. statement: what its own text says.
   * none: there is nothing to show.
   */
  basis: z.enum(['exact', 'estimate', 'statement', 'none']),
  /** When it was looked at. */
  at: z.iso.datetime().nullable(),
  table: z.string().max(300).nullable(),
  rows: z.number().int().nonnegative().nullable(),
  /** Why it is not exact, or shows no rows; a sentence. */
  why: z.string().max(500).nullable(),
  columns: z.array(z.string().max(100)).max(64),
  /** Positions of those that are the primary key's. */
  key: z.array(z.number().int().nonnegative()).max(32),
  /** before: null where the row is new; after: null where it goes. */
  sample: z.array(z.object({ before: cells.nullable(), after: cells.nullable() })).max(50),
  /** What else happens by it, in sentences: rows of other tables. */
  also: z.array(z.string().max(500)).max(20),
  undo: UndoForecast.nullable(),
});
export type RowsPreview = z.infer<typeof RowsPreview>;

/** A statement that changes or drops objects: what it takes, and what depends on them. */
export const ObjectsPreview = z.object({
  kind: z.literal('objects'),
  state: z.enum(['loading', 'done']),
  at: z.iso.datetime().nullable(),
  why: z.string().max(500).nullable(),
  parts: z.array(PreviewPart).max(40),
  undo: UndoForecast.nullable(),
});
export type ObjectsPreview = z.infer<typeof ObjectsPreview>;

/**
 * What a request would touch, as it was when it was looked at. It comes after the request and helps the person:
 * nothing is decided by it, and nothing waits for it.
 */
export const Preview = z.discriminatedUnion('kind', [CommandPreview, RowsPreview, ObjectsPreview]);
export type Preview = z.infer<typeof Preview>;
