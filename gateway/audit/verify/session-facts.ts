import { actionDigest, statementDigest } from '../../approvals/digest.ts';
import { ActionOperation, StatementOperation } from '../../contract/operation.ts';
import type { DeviceKeys } from '../../evidence/trust/device-keys.ts';
import { validAt } from '../../evidence/trust/validity.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import type { RecorderSessionInfo } from '../../pipeline/ports.ts';
import type { Shape } from '../../recording/format/lines.ts';
import { logLines, ShapeTable } from '../../recording/log.ts';
import { events, readSession } from '../../recording/reader.ts';
import { approverCheck, type DemandedApproval } from './approver-facts.ts';
import { type PasskeyApproval, passkeyCheck } from './passkey-facts.ts';
import { type AuditCheck, checkOf, plural } from './report.ts';
import { identityCheck, type RecordedSignIn } from './sign-in-facts.ts';

const MAX_PROBLEMS = 50;

interface Asked {
  digest: string | null;
  /** Made again from what was recorded of the operation; null where that is redacted or was too long. */
  made: string | null;
  level: string;
  demand: unknown;
  decided: {
    digest: string | null;
    effect: string;
    by: string | null;
    channel: string | null;
    grantId: string | null;
    proof: unknown;
    votes: unknown;
  } | null;
}

/**
 * What of a session's content has to agree with itself and with the trust note: identity, policy set, approvals.
 *
 * @param keys of the device that recorded it. @param evidence the earliest that the session existed, or null.
 */
export async function checkFacts(
  folder: string,
  trust: Trust,
  keys: Pick<DeviceKeys, 'judge'> | null,
  evidence: string | null,
): Promise<AuditCheck[]> {
  const { info } = await readSession(folder);
  const { check, asked, signIn } = await readApprovals(folder, info);
  const passkeys = await passkeyCheck(byPasskey(asked, info), trust, evidence);
  const approvers = await approverCheck(demanded(asked), info.identity, trust, evidence);
  return [
    await identityCheck(info.identity, signIn, trust, keys, evidence),
    policyCheck(info.policyHash, trust, evidence),
    check,
    ...(passkeys === null ? [] : [passkeys]),
    ...(approvers === null ? [] : [approvers]),
  ];
}

function policyCheck(hash: string, trust: Trust, evidence: string | null): AuditCheck {
  const name = 'policy set';
  const policies = trust.note?.policies ?? [];
  const short = hash.slice(0, 12);
  if (policies.length === 0) {
    return {
      name,
      status: 'not-checked',
      sentence: `It ran under the policy set ${short}…; the trust note names none, so any counts.`,
    };
  }
  const entry = policies.find((one) => one.hash === hash);
  if (entry === undefined)
    return {
      name,
      status: 'failed',
      sentence: `It ran under the policy set ${short}…, which the trust note does not name.`,
    };
  const check = validAt(entry, evidence, trust.now);
  return check.ok
    ? { name, status: 'ok', sentence: `It ran under the policy set ${short}…, which the trust note names.` }
    : {
        name,
        status: 'failed',
        sentence: `It ran under the policy set ${short}…, which does not count for then: ${check.why}.`,
      };
}

/** Channels by which a level can be proven; a grant was given by a decision of its own. */
const PROVES: Readonly<Record<string, readonly string[]>> = {
  click: ['console', 'terminal', 'notification', 'grant'],
  pin: ['console', 'terminal', 'grant'],
  passkey: ['console'],
};

/** Each approval is for exactly one operation: what was asked, decided and done has one digest. */
async function readApprovals(
  folder: string,
  info: RecorderSessionInfo,
): Promise<{ check: AuditCheck; asked: ReadonlyMap<string, Asked>; signIn: RecordedSignIn }> {
  const name = 'approvals';
  const problems: string[] = [];
  const tell = (problem: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  const asked = new Map<string, Asked>();
  let signIn: RecordedSignIn = null;
  for await (const { type, detail } of events(folder)) {
    if (type === 'sign-in') signIn ??= Object.keys(detail).length === 0 ? 'unreadable' : { detail };
    const id = String(detail.approvalId);
    if (type === 'asked') {
      if (asked.has(id)) tell(`approval ${id} was asked for twice`);
      asked.set(id, {
        digest: textOf(detail.digest),
        made: null,
        level: String(detail.level),
        demand: detail.approvers,
        decided: null,
      });
    } else if (type === 'operation') {
      const request = asked.get(id);
      if (request !== undefined) request.made = digestOf(info, detail);
    } else if (type === 'decided') {
      const request = asked.get(id);
      if (request === undefined) tell(`approval ${id} was decided and never asked for`);
      else if (request.decided !== null) tell(`approval ${id} was decided twice`);
      else request.decided = decisionOf(detail);
    }
  }
  for (const [id, { digest, made, level, demand, decided }] of asked) {
    if (made !== null && made !== digest) tell(`approval ${id} was asked for with the digest of another operation`);
    if (decided === null || decided.effect !== 'allow') continue;
    if (decided.digest !== digest) tell(`approval ${id} was decided for another operation than was asked for`);
    if (decided.by === null || decided.channel === null) tell(`approval ${id} does not say who decided it, and how`);
    else if (
      !(PROVES[level] ?? []).includes(decided.channel) &&
      !(demand !== undefined && decided.channel === 'mailbox')
    )
      tell(`approval ${id} asked for a ${level} and was given by ${decided.channel}`);
  }
  const used = usedApprovals(folder, asked, tell);
  const fine =
    asked.size === 0
      ? 'Nothing was asked for.'
      : `${plural(asked.size, 'request')} for approval agree with what was decided and with the ${plural(used, 'statement')} that used one; ${againSentence(asked)}.`;
  return { check: checkOf(name, problems, fine), asked, signIn };
}

/** A grant was given by a decision of its own; nothing that needs a passkey is granted. */
function byPasskey(asked: ReadonlyMap<string, Asked>, { identity }: RecorderSessionInfo): PasskeyApproval[] {
  const found: PasskeyApproval[] = [];
  for (const [id, { digest, level, decided }] of asked) {
    if (decided === null || decided.effect !== 'allow') continue;
    // Where certain people had to approve, each of them has a proof of their own.
    if (decided.votes !== undefined || (level !== 'passkey' && decided.proof === undefined)) continue;
    const { by, proof } = decided;
    const names = by === null ? [] : by === identity.display ? [by, identity.subject] : [by];
    found.push({ id, digest, names, proof });
  }
  return found;
}

/** Who had to approve, or is said to have. */
function demanded(asked: ReadonlyMap<string, Asked>): DemandedApproval[] {
  return [...asked].flatMap(([id, { digest, level, demand, decided }]) =>
    decided === null || (demand === undefined && decided.votes === undefined)
      ? []
      : [{ id, digest, level, demand, effect: decided.effect, votes: decided.votes }],
  );
}

function againSentence(asked: ReadonlyMap<string, Asked>): string {
  const without = [...asked.values()].filter(({ made }) => made === null).length;
  if (without === 0) return 'each digest was made again from the operation as recorded';
  return without === asked.size
    ? 'their digests could not be made again, since the operations are not in the recording'
    : `the digests of ${without} could not be made again, since those operations are not in the recording`;
}

const RecordedStatement = StatementOperation.pick({
  role: true,
  searchPath: true,
  transaction: true,
  text: true,
  parameters: true,
});

const RecordedAction = ActionOperation.pick({ protocol: true, tool: true, place: true, text: true, bindings: true });

/** Null: not all of it is there. */
function digestOf(info: RecorderSessionInfo, detail: Record<string, unknown>): string | null {
  const { id: sessionId, identity, connection, database } = info;
  const of = { sessionId, subject: identity.subject, connectionId: connection.id };
  const action = RecordedAction.safeParse(detail);
  if (action.success) return actionDigest({ ...of, ...action.data });
  const statement = RecordedStatement.safeParse(detail);
  return statement.success ? statementDigest({ ...of, ...statement.data, database }) : null;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const decisionOf = (detail: Record<string, unknown>): Asked['decided'] => ({
  digest: textOf(detail.digest),
  effect: String(detail.effect),
  by: textOf(detail.decidedBy),
  channel: textOf(detail.channel),
  grantId: textOf(detail.grantId),
  proof: detail.proof,
  votes: detail.votes,
});

/** @returns how many statements ran because a person had said so. */
function usedApprovals(folder: string, asked: ReadonlyMap<string, Asked>, tell: (problem: string) => void): number {
  const used = new Set<string>();
  const shapes = new ShapeTable();
  const take = (shape: Shape | null, digest: string | null, where: string) => {
    if (shape === null) return;
    const { approvalId, effect, verdict, grantId, observed } = shape.decision;
    if (verdict.effect !== 'ask' || effect !== 'allow' || observed !== null || grantId !== null) return;
    const request = approvalId === null ? undefined : asked.get(approvalId);
    if (approvalId === null || request?.decided?.effect !== 'allow') {
      tell(`a statement of ${where} ran that had to be approved, and no approval of it is recorded`);
    } else if (request.digest !== digest) tell(`${where} ran another operation than approval ${approvalId} was for`);
    else if (used.has(approvalId)) tell(`approval ${approvalId} was used twice`);
    if (approvalId !== null) used.add(approvalId);
  };
  for (const logged of logLines(folder)) {
    if (logged === null) continue;
    const { line } = logged;
    shapes.learn(line);
    if (line.type === 'statement') {
      const { shape, digest, x } = line.own;
      take(typeof shape === 'number' ? shapes.get(shape) : shape, digest, `exchange ${x}`);
    }
    if (line.type === 'run' || line.type === 'statement') {
      for (const [number] of line.sum ?? []) take(shapes.get(number), null, `event ${line.seq}`);
    }
  }
  return used.size;
}
