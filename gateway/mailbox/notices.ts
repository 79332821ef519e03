import { randomBytes } from 'node:crypto';
import { signDocument } from '../evidence/format/signed-document.ts';
import { approversAt } from '../evidence/trust/approvers.ts';
import { encryptPart } from '../sync/age.ts';
import type { MailStore } from './mail-store.ts';
import { mailName } from './names.ts';
import { senderOf } from './outgoing.ts';
import type { MailDeps } from './ports.ts';

const MAX_WAITING = 100;
const LIFE_MS = 24 * 60 * 60 * 1000;

interface Waiting {
  group: string | null;
  title: string;
  sentence: string;
  end: number;
  sent: PromiseWithResolvers<number>;
}

/** What approvers are to be told; it waits for the store for a day. */
export class OutgoingNotices {
  readonly #deps: MailDeps;
  #waiting: Waiting[] = [];

  constructor(deps: MailDeps) {
    this.#deps = deps;
  }

  /** @returns how many people it went to, once it is in the store; 0: nobody is in that group, or the store was away for a day. */
  add(group: string | null, { title, sentence }: { title: string; sentence: string }): Promise<number> {
    const sent = Promise.withResolvers<number>();
    const end = this.#deps.clock.now() + LIFE_MS;
    this.#waiting.push({ group, title: title.slice(0, 200), sentence: sentence.slice(0, 2000), end, sent });
    while (this.#waiting.length > MAX_WAITING) this.#waiting.shift()!.sent.resolve(0);
    return sent.promise;
  }

  /** Throws what the store throws; what was not sent waits on. */
  async send(store: MailStore, signal: AbortSignal): Promise<void> {
    const { device, clock } = this.#deps;
    for (const one of [...this.#waiting]) {
      const now = clock.now();
      const at = new Date(now).toISOString();
      const entries = approversAt(device.trust?.note ?? null, at, at).filter(
        ({ groups }) => one.group === null || groups.includes(one.group),
      );
      const late = one.end <= now;
      if (entries.length > 0 && !late && device.org !== null) {
        const { group, title, sentence, end } = one;
        const id = randomBytes(16).toString('hex');
        const notice = { ...(await senderOf(device, now, end)), id, group, title, sentence };
        const note = signDocument('approver-notice', notice, [device.signer]);
        const bytes = await encryptPart(note, [...new Set(entries.map(({ recipient }) => recipient))]);
        await store.put(mailName(device.org, 'notices', { device: device.id, end, nonce: id }), bytes, signal);
      }
      this.#waiting = this.#waiting.filter((other) => other !== one);
      one.sent.resolve(late ? 0 : new Set(entries.map(({ person }) => person)).size);
    }
  }
}
