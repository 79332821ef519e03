import type { ComponentType } from 'react';
import type { Statement } from '../../../../../gateway/contract/session.ts';

/** How the operations of one protocol look. README.md says what each part may do. */
export interface Painter {
  Line: ComponentType<{ statement: Statement }>;
  /** What was asked, whole. */
  Asked: ComponentType<{ statement: Statement }>;
  /** What came of it; shown once it did. */
  Outcome: ComponentType<{ statement: Statement }>;
}
