import type { Statement } from '../../../contract/session.ts';
import type { FieldShape } from '../../../pipeline/derive.ts';

/** Everything that later exchanges need of the earlier ones; plain JSON. */
export interface DeriverSnapshot {
  statements: [name: string, statement: PreparedText][];
  portals: [name: string, portal: PortalState][];
}

export interface PreparedText {
  text: string;
  types: number[];
  /** As Describe told; null until then. */
  fields: FieldShape[] | null;
}

export interface PortalState {
  text: string;
  parameters: (string | null)[];
  resultFormats: number[];
  fields: FieldShape[] | null;
}

/** The result of COPY is shown as lines. */
export const COPY_COLUMNS: Statement['columns'] = [{ name: 'COPY', typeOid: 25, masked: false }];
export const MASKED_COPY_COLUMNS: Statement['columns'] = [{ name: 'COPY', typeOid: 25, masked: true }];
