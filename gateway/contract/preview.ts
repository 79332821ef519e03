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

/**
 * What a request would touch, as it was when it was looked at. It comes after the request and helps the person:
 * nothing is decided by it, and nothing waits for it.
 */
export const Preview = z.discriminatedUnion('kind', [CommandPreview]);
export type Preview = z.infer<typeof Preview>;
