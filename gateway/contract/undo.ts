import { z } from 'zod';
import { UndoForecast } from './preview.ts';

const Path = z.string().min(1).max(4200);
const Commit = z.string().regex(/^[0-9a-f]{40,64}$/);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** A file as it was before an agent's action, kept by what runs as the developer. */
export const KeptFile = z.object({
  /** Absolute; its folder has no links. */
  path: Path,
  kind: z.enum(['file', 'link', 'missing']),
  mode: z.number().int().nonnegative(),
  /** Of a file's content. */
  sha256: Sha256.nullable(),
  /** base64; of a link where it leads. null: Git has it, or there was none. */
  content: z.string().nullable(),
  /** The commit that has the same content. */
  git: z.object({ top: Path, commit: Commit }).nullable(),
});
export type KeptFile = z.infer<typeof KeptFile>;

/** A reference on a server that was moved. null: there was none, or it was removed. */
export const PushedRef = z.object({
  cwd: Path,
  remote: z.string().min(1).max(1000),
  ref: z.string().startsWith('refs/').max(1000),
  before: Commit.nullable(),
  after: Commit.nullable(),
});
export type PushedRef = z.infer<typeof PushedRef>;

const MAX_KEPT_FILES = 2000;

export const Kept = z.object({
  files: z.array(KeptFile).max(MAX_KEPT_FILES),
  pushes: z.array(PushedRef).max(20),
  undo: UndoForecast,
});
export type Kept = z.infer<typeof Kept>;

/** A file or link as it was found after the action; what is there now is held against it before anything is put back. */
export const LeftFile = z.object({
  state: z.enum(['file', 'folder', 'missing', 'unreadable', 'other']),
  sha256: Sha256.nullable(),
});
export type LeftFile = z.infer<typeof LeftFile>;

const UndoFile = KeptFile.omit({ content: true }).extend({
  /** null: the agent did not say that it was done. */
  left: LeftFile.nullable(),
});

/** How what was done is undone: files as they were, references on servers as they were. Contents are handed out apart. */
export const UndoPlan = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('files'),
    /** What was done, and when. */
    text: z.string(),
    at: z.string(),
    undo: UndoForecast,
    files: z.array(UndoFile).max(MAX_KEPT_FILES),
    pushes: z.array(PushedRef).max(20),
  }),
]);
export type UndoPlan = z.infer<typeof UndoPlan>;
