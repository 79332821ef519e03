import * as fs from 'node:fs';
import { isProofOf, parseProof } from '../../evidence/format/tlog-proof.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { Workspace } from '../workspace.ts';
import { type FoundHead, proofsOf } from './checkpoints.ts';
import { LogStory, type SessionInLog } from './log-story.ts';

/** What single entries of a log say whose proofs came with bundles: sessions, and nothing of those beside them. */
export function proofStory(
  workspace: Workspace,
  device: string,
  heads: readonly FoundHead[],
): { sessions: Map<string, SessionInLog>; problems: string[] } {
  const problems: string[] = [];
  const story = new LogStory();
  const sorted = proofsOf(workspace, workspace.settings.org, device).sort((a, b) => (a.name < b.name ? 1 : -1));
  for (const { name, path } of sorted) {
    const entryFile = path.replace(/\.tlog-proof$/, '.json');
    try {
      const entry = fs.existsSync(entryFile) ? fs.readFileSync(entryFile) : new Uint8Array(0);
      const proof = parseProof(fs.readFileSync(path));
      const counts = heads.some(({ checkpoint }) => checkpoint.note.text === proof.checkpoint.note.text);
      if (!isProofOf(p.sha256, proof, entry)) problems.push(`${name} does not prove the entry that came with it`);
      else if (!counts) problems.push(`${name} rests on a head that does not count`);
      else story.add(entry, proof.index);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problems.push(`${name} is damaged: ${error.message}`);
    }
  }
  problems.push(...story.problems);
  for (const session of story.sessions.values()) session.ordinal = null;
  return { sessions: story.sessions, problems };
}
