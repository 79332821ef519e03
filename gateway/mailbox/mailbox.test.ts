import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, describe, expect, it } from 'vitest';
import { type ApprovalsAdmin, createApprovals } from '../approvals/approvals.ts';
import { testOperation, testTime, testVerdict } from '../approvals/test-operation.ts';
import type { ApproverDemand } from '../contract/approvers.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import type { ApproverEntry } from '../evidence/format/documents.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import type { Signer } from '../evidence/format/vkey.ts';
import { firstNote, root, rootVkey, signedNote, vkeyOf } from '../evidence/trust/test-trust.ts';
import { type Trust, verifyTrust } from '../evidence/trust/verify-trust.ts';
import type { Hold } from '../pipeline/ports.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { encryptPart } from '../sync/age.ts';
import { MemoryStore } from '../sync/test-support.ts';
import { Mailbox } from './mailbox.ts';

const START = Date.UTC(2026, 5, 5, 10);
const EVER = { from: '2020-01-01T00:00:00.000Z', until: '2040-01-01T00:00:00.000Z', revoked: null };
const ONE: ApproverDemand = { needs: [{ group: 'dba', count: 1 }], notRequester: true };
const TWO: ApproverDemand = { needs: [{ group: 'dba', count: 2 }], notRequester: true };
const ADA: Identity = { subject: 'acme:1', display: 'ada', kind: 'oidc', verified: true, groups: [] };

const secrets = new Map<string, string>();
const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

class ProbedStore extends MemoryStore {
  override probe(): never {
    return Promise.resolve({ read: true, list: true, refusesDelete: false }) as never;
  }
}

interface Machine {
  mailbox: Mailbox;
  approvals: ApprovalsAdmin & { hold: ReturnType<typeof createApprovals>['hold'] };
  problems: string[];
  ask(demand?: ApproverDemand, text?: string): Hold;
  trust(note: Trust): void;
}

/** Machines of one organisation around one store; nothing else is between them. */
class World {
  readonly store = new ProbedStore();
  readonly time = testTime(START);
  readonly entries: ApproverEntry[] = [];
  readonly machines: Machine[] = [];

  trust(changes: Partial<ApproverEntry> = {}): Trust {
    const approvers = this.entries.map((entry) => ({ ...entry, ...changes }));
    const note = firstNote({ issuedAt: EVER.from, validUntil: EVER.until, approvers });
    return verifyTrust(p, rootVkey, [signedNote(note)], new Date(START).toISOString());
  }

  async machine(letter: string, person: Identity = ADA, skewMs = 0, signedBy: Signer = root): Promise<Machine> {
    const home = mkdtempSync(join(tmpdir(), 'cs-mail-'));
    homes.push(home);
    const device = `01JTESTDEVCE0000000000000${letter}`;
    const signer = testSigner(`countersign/device/${device}`);
    const enrolment = {
      v: 1,
      org: 'acme',
      device,
      vkey: vkeyOf(signer),
      name: `laptop ${letter}`,
      account: 'a',
    } as const;
    const { revoked: _, ...valid } = EVER;
    const document = signDocument('enrolment', { ...enrolment, protection: 'protected', ...valid, by: 'root' }, [
      signedBy,
    ]);
    let trust = this.trust();
    const problems: string[] = [];
    const clock = { now: () => this.time.clock.now() + skewMs };
    let ids = 0;
    const approvals = createApprovals({
      clock,
      schedule: this.time.schedule,
      newId: () => `${letter}-${++ids}`,
      approvers: { person: () => person, missing: (operation, demand) => mailbox.missing(operation, demand) },
      onEvent: (event) => event.type === 'approval' && mailbox.changed(event.approval),
    });
    const mailbox: Mailbox = new Mailbox({
      file: join(home, 'mailbox.json'),
      vault: {
        read: async (id) => secrets.get(`${home} ${id}`) ?? null,
        write: async (id, value) => void secrets.set(`${home} ${id}`, value),
        remove: async () => {},
        has: async () => false,
      },
      clock,
      approvals,
      person: () => person,
      changed: () => {},
      onNotice: () => {},
      onProblem: (sentence) => problems.push(sentence),
      open: () => this.store,
      every: () => () => {},
      schedule: () => () => {},
      device: {
        id: device,
        org: 'acme',
        name: `laptop ${letter}`,
        account: 'a',
        signer,
        get trust() {
          return trust;
        },
        identityObjects: async () => [{ name: 'key.note', bytes: document }],
      },
    });
    await mailbox.setUp({ target: { kind: 'folder', path: '/mailbox' } });
    const machine: Machine = {
      mailbox,
      approvals,
      problems,
      ask: (demand = ONE, text = 'UPDATE orders SET paid = true') =>
        approvals.hold(testOperation({ identity: person, text }), testVerdict({ approvers: demand, grantable: false })),
      trust: (next) => {
        trust = next;
      },
    };
    this.machines.push(machine);
    return machine;
  }

  /** An approver with a machine of their own. */
  async approver(letter: string, person: string, skewMs = 0): Promise<Machine> {
    const machine = await this.machine(letter, { ...ADA, subject: `acme:${person}`, display: person }, skewMs);
    const card = await machine.mailbox.makeKey(person);
    this.entries.push({ ...EVER, person, groups: ['dba'], vkey: card.vkey, recipient: card.recipient });
    for (const one of this.machines) one.trust(this.trust());
    return machine;
  }

  async round(...machines: Machine[]): Promise<void> {
    for (const { mailbox } of machines) await mailbox.exchange();
  }

  names(kind: string): string[] {
    return [...this.store.objects.keys()].filter((name) => name.includes(`/mailbox/${kind}/`));
  }
}

const shown = ({ mailbox }: Machine) => mailbox.inbox.waiting();
function decide({ mailbox }: Machine, decision: 'approve' | 'deny' = 'approve', id = mailbox.inbox.waiting()[0]!.id) {
  return mailbox.decide({
    approvalId: id,
    digest: mailbox.inbox.get(id)!.operation.digest,
    decision,
    scope: { kind: 'once' },
    message: null,
    channel: 'console',
    level: 'click',
    decidedBy: 'x',
  });
}

async function pair() {
  const world = new World();
  const a = await world.machine('A');
  const b = await world.approver('B', 'bob');
  return { world, a, b };
}

describe('a request for somebody on another machine', () => {
  it('travels there, is approved, and is gone from the store afterwards; nobody else can read it', async () => {
    const { world, a, b } = await pair();
    const held = a.ask();
    await world.round(a, b);
    expect(shown(b)).toMatchObject([
      { operation: { text: 'UPDATE orders SET paid = true' }, from: { name: 'laptop A' } },
    ]);
    for (const bytes of world.store.objects.values())
      expect(Buffer.from(bytes).toString('latin1')).not.toContain('orders');
    await decide(b);
    await world.round(a);
    const { state, approval } = await held.outcome;
    expect([state, approval.decidedBy, approval.channel]).toEqual(['approved', 'bob', 'mailbox']);
    expect(approval.votes?.[0]?.note).toContain('countersign/approval-decision/acme');
    await world.round(a, b);
    expect([...world.store.objects.keys()].filter((name) => name.endsWith('.age'))).toEqual([]);
    expect([...a.problems, ...b.problems]).toEqual([]);
  });

  it('takes two people for two, in any order, and a denial by one ends it', async () => {
    const { world, a, b } = await pair();
    const c = await world.approver('C', 'carol');
    const held = a.ask(TWO);
    await world.round(a, b, c);
    await Promise.all([decide(b), decide(c)]);
    await world.round(a);
    expect((await held.outcome).approval.votes?.map(({ person }) => person).toSorted()).toEqual(['bob', 'carol']);
    const other = a.ask(TWO);
    await world.round(a, b, c);
    await decide(b);
    await world.round(a);
    expect(a.approvals.get(other.approvalId)).toMatchObject({ state: 'waiting', votes: [{ person: 'bob' }] });
    await decide(c, 'deny');
    await world.round(a);
    expect((await other.outcome).state).toBe('denied');
  });

  it('counts the first of two who decide at once where one is enough', async () => {
    const { world, a, b } = await pair();
    const c = await world.approver('C', 'carol');
    const held = a.ask();
    await world.round(a, b, c);
    await Promise.all([decide(b), decide(c, 'deny')]);
    await world.round(a);
    const { state } = (await held.outcome).approval;
    expect(['approved', 'denied']).toContain(state);
    await world.round(a, b, c);
    expect(a.approvals.get(held.approvalId)?.state).toBe(state);
  });

  it('is withdrawn there when the client goes, and expires there and here', async () => {
    const { world, a, b } = await pair();
    const gone = a.ask();
    await world.round(a, b);
    gone.withdraw('the client went away');
    await world.round(a, b);
    expect([shown(b).length, b.mailbox.inbox.decided()[0]?.state]).toEqual([0, 'withdrawn']);
    const late = a.ask();
    await world.round(a, b);
    const { id } = shown(b)[0]!;
    world.time.pass(600_000);
    expect((await late.outcome).state).toBe('expired');
    world.time.pass(300_000);
    await expect(decide(b, 'approve', id)).rejects.toMatchObject({ code: 'APPROVAL_NOT_WAITING' });
    expect(b.mailbox.inbox.get(id)?.state).toBe('expired');
  });

  it('is not approved by a decision that was made before, for another request, or put back', async () => {
    const { world, a, b } = await pair();
    const first = a.ask();
    await world.round(a, b);
    await decide(b);
    const [name] = world.names('decisions');
    const old = world.store.objects.get(name!)!;
    await world.round(a);
    await first.outcome;
    const again = a.ask();
    await world.round(a);
    world.store.objects.set(name!, old);
    const [request] = world.names('requests');
    const nonce = /-([0-9a-f]{32})/.exec(request!)![1];
    world.store.objects.set(name!.replace(/-[0-9a-f]{32}/, `-${nonce}`), old);
    await world.round(a);
    expect(a.approvals.get(again.approvalId)).toMatchObject({
      state: 'waiting',
      mailbox: expect.stringContaining('encrypted to somebody else'),
    });
  });

  it('waits while the store is away, says so, and goes on', async () => {
    const { world, a, b } = await pair();
    world.store.before = () => {
      throw new CountersignError('SYNC_UNREACHABLE', 'the share is not mounted');
    };
    const held = a.ask();
    await world.round(a);
    expect(a.approvals.get(held.approvalId)?.mailbox).toBe('Not sent yet, so it waits here: the share is not mounted');
    expect(a.mailbox.view()).toMatchObject({ state: 'failing', outgoing: 1 });
    world.store.before = () => {};
    await world.round(a, b);
    world.store.before = () => {
      throw new CountersignError('SYNC_UNREACHABLE', 'the share is not mounted');
    };
    await expect(decide(b)).rejects.toThrow('the share is not mounted');
    world.store.before = () => {};
    await decide(b);
    await world.round(a);
    expect((await held.outcome).state).toBe('approved');
  });

  it('is asked of nobody where nobody may approve it, and says how somebody may', async () => {
    const { world, a, b } = await pair();
    expect(() => a.ask(TWO)).toThrow(/one person of dba cannot be found: the trust note names too few/);
    expect(() => b.ask()).toThrow(/cannot be found/);
    world.entries.splice(0);
    a.trust(world.trust());
    expect(() => a.ask()).toThrow(/countersign trust approver add/);
    const bare = await pair();
    await bare.a.mailbox.setUp({ target: null });
    expect(() => bare.a.ask()).toThrow(/no mailbox is set up here/);
    expect(() =>
      bare.b.mailbox.missing(testOperation({ identity: ADA, text: 'x'.repeat(300_000) }), ONE),
    ).not.toThrow();
  });
});

describe('what counts for nothing', () => {
  async function answered(change: (world: World, b: Machine) => void | Promise<void>): Promise<string | undefined> {
    const { world, a, b } = await pair();
    const held = a.ask();
    await world.round(a, b);
    await decide(b);
    for (const machine of [a]) machine.trust(world.trust());
    await change(world, b);
    await world.round(a);
    const { state, mailbox } = a.approvals.get(held.approvalId)!;
    expect(state).toBe('waiting');
    return mailbox;
  }

  it('is a decision by an approver who was revoked meanwhile, or is of another group by now', async () => {
    const revoked = { revoked: { at: '2026-06-01T00:00:00.000Z', reason: 'left' } };
    expect(await answered((world) => world.machines[0]!.trust(world.trust(revoked)))).toContain('revoked');
    expect(await answered((world) => world.machines[0]!.trust(world.trust({ groups: ['others'] })))).toContain(
      'in none of the groups',
    );
  });

  it('is an answer that was replaced by noise', async () => {
    const said = await answered((world) => {
      const [name] = world.names('decisions');
      world.store.objects.set(name!, Buffer.from('noise'));
    });
    expect(said).toContain('does not decrypt');
  });

  it('is a request of a device that nobody enrolled, or under another’s name', async () => {
    const { world, a, b } = await pair();
    const stranger = await world.machine('D', ADA, 0, testSigner('countersign/authority/nobody'));
    stranger.ask();
    await world.round(stranger, b);
    expect(shown(b)).toEqual([]);
    expect(b.problems.join()).toContain('nobody that the trust note names enrolled');
    a.ask();
    await world.round(a);
    const name = world.names('requests').find((one) => one.includes('0A/'))!;
    world.store.objects.set(name.replace('0A/', '0D/'), world.store.objects.get(name)!);
    world.store.objects.delete(name);
    await world.round(b);
    expect(shown(b)).toEqual([]);
    expect(b.problems.join()).toContain('lies under the name of another one');
  });

  it('is a request to approvers of whom this one is none, and one of its own person', async () => {
    const { world, a, b } = await pair();
    const c = await world.approver('C', 'carol');
    world.entries[1]!.groups = ['others'];
    for (const one of world.machines) one.trust(world.trust());
    a.ask();
    await world.round(a, b, c);
    expect([shown(b).length, shown(c).length, c.problems]).toEqual([1, 0, []]);
  });

  it('is a clock that is hours off: told, and not believed', async () => {
    const { world, a } = await pair();
    const late = await world.approver('C', 'carol', -2 * 3_600_000);
    a.ask();
    await world.round(a, late);
    expect(shown(late)).toEqual([]);
    expect(late.problems.join()).toContain('one of the two clocks is wrong');
    const near = await world.approver('E', 'eve', -2 * 60_000);
    const held = a.ask();
    await world.round(a, near);
    await decide(near, 'approve', shown(near).at(-1)!.id);
    await world.round(a);
    expect((await held.outcome).state).toBe('approved');
  });

  it('is somebody else who is signed in where the approver’s key is', async () => {
    const { world, a } = await pair();
    const b = await world.approver('C', 'carol');
    world.entries[1]!.person = 'dora';
    for (const one of world.machines) one.trust(world.trust());
    a.ask();
    await world.round(a, b);
    await expect(decide(b)).rejects.toThrow(/the approver here is dora, and carol is signed in/);
  });
});

describe('a flood', () => {
  it('of one device stops no other’s request, and what is shown is bounded', async () => {
    const { world, a, b } = await pair();
    const junk = await encryptPart(Buffer.from('junk'), [await identityToRecipient(await generateX25519Identity())]);
    const end = START + 3_600_000;
    for (let n = 0; n < 1500; n += 1)
      world.store.objects.set(
        `acme/mailbox/requests/01JTESTDEVCE00000000000000/${end}-${String(n).padStart(32, '0')}.age`,
        junk,
      );
    const flooder = await world.machine('F');
    for (let n = 0; n < 20; n += 1) flooder.ask(ONE, `UPDATE flood SET n = ${n}`);
    a.ask();
    await world.round(flooder, a, b);
    expect(shown(b).some(({ operation }) => operation.text === 'UPDATE orders SET paid = true')).toBe(true);
    expect(shown(b).length).toBeLessThanOrEqual(21);
  });
});

describe('a notice', () => {
  it('reaches everybody of a group, once the store is there, signed by the machine', async () => {
    const { world, a, b } = await pair();
    world.store.before = () => {
      throw new CountersignError('SYNC_UNREACHABLE', 'away');
    };
    const sent = a.mailbox.notify('dba', { title: 'Emergency access', sentence: 'ada broke the glass' });
    await world.round(a);
    world.store.before = () => {};
    await world.round(a, b, b);
    expect(await sent).toBe(1);
    expect(b.mailbox.view().notices).toMatchObject([{ title: 'Emergency access', from: { name: 'laptop A' } }]);
    const none = a.mailbox.notify('nobody', { title: 'x', sentence: 'y' });
    await world.round(a);
    expect(await none).toBe(0);
  });
});
