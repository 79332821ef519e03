import type { ColumnTag } from '../../../contract/connection.ts';
import type { Decision } from '../../../contract/decision.ts';
import type { Parameter } from '../../../contract/operation.ts';
import { OPERATION_CLASSES } from '../../../contract/operation.ts';
import { formatAt, readBind } from '../codec/frontend.ts';
import type {
  CatalogSnapshot,
  Classification,
  FieldDescription,
  OutputTaint,
  PutTokens,
  SessionName,
} from '../ports.ts';

/** A classification that also says what may happen to the session's names, as far as it can be known. */
export interface SessionClassification extends Classification {
  /** Of statements that this one runs by name, or of several that it may be: defined perhaps, undone never. */
  maybe?: readonly SessionName[];
}

/** What it does depends on what names of the session mean when it runs. */
export function dependsOnNames({ names, maybe }: SessionClassification): boolean {
  return names.some(isUse) || (maybe?.some(isUse) ?? false);
}

function isUse(name: SessionName): boolean {
  return name.kind === 'execute' || name.kind === 'fetch';
}

/** A statement text as this session knows it, with what was found out about it. */
export interface StatementInfo {
  text: string;
  parameterTypes: readonly number[];
  classification: SessionClassification;
  /** The catalog that the classification rests on. */
  catalog: CatalogSnapshot;
  /** What the server said of its result: undefined until a Describe is on its way, null while it is. */
  fields: readonly FieldDescription[] | null | undefined;
}

export interface PortalInfo {
  statements: readonly StatementInfo[] | null;
  /** The Bind message's body where an approval may need its parameters. */
  bind: Uint8Array | null;
  resultFormats: readonly number[];
  fields: readonly FieldDescription[] | null | undefined;
  /** Once allowed, fetching more rows of the same portal is not a new operation. */
  allowed: { decision: Decision; digest: string | null } | null;
  /** Values that its Bind holds in place of tokens; a text says why it is not to be executed. */
  tokens: PutTokens | string | null;
  /** An own Sync ended it: its Bind is sent once more before it is executed. */
  lost: boolean;
}

/** The worst of several candidates: what a decision must assume when it cannot know which one runs. */
export function mergeClassifications(list: readonly SessionClassification[]): SessionClassification {
  const [first, ...rest] = list;
  if (!first) throw new Error('nothing to merge');
  return rest.reduce((a, b) => {
    const [worse, other] =
      OPERATION_CLASSES.indexOf(a.effects.class) >= OPERATION_CLASSES.indexOf(b.effects.class) ? [a, b] : [b, a];
    return {
      effects: {
        ...worse.effects,
        ops: union(worse.effects.ops, other.effects.ops),
        flags: union(worse.effects.flags, other.effects.flags),
        reads: [...worse.effects.reads, ...other.effects.reads],
        writes: [...worse.effects.writes, ...other.effects.writes],
        filtersOn: union(worse.effects.filtersOn, other.effects.filtersOn),
        functions: union(worse.effects.functions, other.effects.functions),
        words: union(worse.effects.words, other.effects.words),
        // Two shapes at once are no shape that a grant may cover.
        fingerprint: `${worse.effects.fingerprint}+${other.effects.fingerprint}`,
      },
      output: mergeTaints(worse.output, other.output),
      // Which of them runs is not known: the names they close stay open.
      names: [],
      maybe: [...worse.names, ...(worse.maybe ?? []), ...other.names, ...(other.maybe ?? [])],
    };
  }, first);
}

function mergeTaints(a: OutputTaint, b: OutputTaint): OutputTaint {
  return { columns: null, all: [...a.all, ...b.all.filter((tag) => !a.all.includes(tag))] };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

/** Parameters of a Bind body as the approval's digest takes them. */
export function readParameters(body: Uint8Array, types: readonly number[]): Parameter[] {
  const message = readBind(body, 0, body.length);
  return message.parameters.map(({ start, length }, i) => ({
    type: types[i] ?? 0,
    format: formatAt(message.parameterFormats, i),
    value: length < 0 ? null : base64(body.subarray(start, start + length)),
  }));
}

/** For what cannot be understood: policy asks or denies, never lets it through. */
export function unknownClassification(reason: string, flag: string, tags: readonly ColumnTag[]): Classification {
  return {
    effects: {
      class: 'unknown',
      ops: ['UNKNOWN'],
      flags: ['unknown', flag],
      reads: [],
      writes: [],
      filtersOn: [],
      functions: [],
      words: [reason],
      fingerprint: '0000000000000000',
      shape: '',
    },
    // Any tag may be in what comes back.
    output: { columns: null, all: tags },
    names: [],
  };
}

export function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(binary);
}
