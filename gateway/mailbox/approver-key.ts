import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { CountersignError } from '../contract/errors.ts';
import type { ApproverCard } from '../contract/mailbox.ts';
import { formatVkey } from '../evidence/format/vkey.ts';
import { createKey, openKey } from '../evidence/trust/private-key.ts';
import type { Vault } from '../pipeline/ports.ts';
import type { ApproverKey } from './ports.ts';

const SECRET = 'approver/key';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The approver's key of this machine, in the vault: where connections' secrets are, and as safe as they are. */
export class ApproverKeys {
  readonly #vault: Pick<Vault, 'read' | 'write'>;
  #key: ApproverKey | null = null;
  #card: ApproverCard | null = null;

  constructor(vault: Pick<Vault, 'read' | 'write'>) {
    this.#vault = vault;
  }

  get key(): ApproverKey | null {
    return this.#key;
  }

  get card(): ApproverCard | null {
    return this.#card;
  }

  /** Throws what the vault throws. */
  async open(): Promise<void> {
    const secret = await this.#vault.read(SECRET);
    if (secret !== null) await this.#take(secret);
  }

  async #take(secret: string): Promise<ApproverCard> {
    const { name, pem, identity } = JSON.parse(secret) as { name: string; pem: string; identity: string };
    const signer = openKey(`countersign/approver/${name}`, pem, null);
    this.#key = { signer, identity };
    this.#card = { name, vkey: formatVkey(signer.vkey), recipient: await identityToRecipient(identity) };
    return this.#card;
  }

  /** Another one each time; the one before decides nothing more here. Throws USAGE and what the vault throws. */
  async make(name: string): Promise<ApproverCard> {
    if (!NAME.test(name))
      throw new CountersignError('USAGE', 'an approver’s key is called by letters, digits, dots and dashes');
    const { pem } = createKey(`countersign/approver/${name}`, null);
    const secret = JSON.stringify({ name, pem, identity: await generateX25519Identity() });
    await this.#vault.write(SECRET, secret);
    return this.#take(secret);
  }
}
