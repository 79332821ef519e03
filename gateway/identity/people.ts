import { z } from 'zod';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import { Identity } from '../contract/identity.ts';
import { type IdentityView, type ProviderConfig, SignInEvidence } from '../contract/sign-in.ts';
import type { Clock, Vault } from '../pipeline/ports.ts';
import { personOf } from './oidc/claims.ts';
import type { OidcClient, Tokens } from './oidc/client.ts';
import { readProviders, writeProviders } from './providers.ts';
import { serviceKeyId } from './saml/service-key.ts';

export interface PeopleDeps {
  /** `<home>/providers.json`. */
  file: string;
  vault: Vault;
  clock: Clock;
  every(milliseconds: number, run: () => void): () => void;
  /** Whom the agent acts for while there is no provider. */
  local: Identity;
  clientOf(config: ProviderConfig, secret: string | null): OidcClient;
  binding: {
    /** For a sign-in that begins now. @param once of bytes that no other sign-in has; then it enrols no key. */
    challenge(once?: boolean): SignInChallenge;
    /** Rejects where the organisation does not take it. */
    bind(idToken: string): Promise<void>;
    readonly bound: boolean;
  };
  /** Whoever was signed in is not any more: their agents' sessions and tokens end. */
  ended(identity: Identity, reason: string): void;
  /** The provider could not be asked from then, or can be asked again; for the device's log. */
  gap(from: string, until: string, detail: string): void;
  onConfigured(): void;
  onChanged(): void;
  onProblem(sentence: string): void;
}

/** By which an ID token says that it was made for this device's key. */
export interface SignInChallenge {
  /** SHA-256 of key and random, base64url. */
  nonce: string;
  /** Base64. */
  random: string;
  vkey: string;
  /** Whether the organisation may take the token for an enrolment of the key. */
  binds: boolean;
}

const Kept = z.object({
  provider: z.string(),
  identity: Identity,
  tokens: z.object({
    idToken: z.string(),
    claims: z.record(z.string(), z.unknown()),
    refreshToken: z.string().nullable(),
  }),
  confirmedAt: z.number(),
  /** Absent in what an earlier version kept. */
  signedInAt: z.number().optional(),
  boundNote: z.string(),
  /** The token of the sign-in itself, and what its nonce was made of; absent in what an earlier version kept. */
  evidence: SignInEvidence.omit({ provider: true, issuer: true, subjectClaim: true }).optional(),
});
type Kept = z.infer<typeof Kept>;

const SESSION = 'identity/session';
const clientSecret = (id: string): string => `identity/${id}/client`;
const TICK_MS = 15_000;
/** An unreachable provider is asked again so often. */
const RETRY_MS = 60_000;
const MINUTE_MS = 60_000;
const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Who is signed in. Nothing is forwarded for an identity that ended, or that the provider no longer confirms. */
export class People {
  readonly #deps: PeopleDeps;
  #providers: ProviderConfig[];
  #kept: Kept | null = null;
  #sentence = '';
  #triedAt = Number.NEGATIVE_INFINITY;
  #offlineSince: number | null = null;
  #refreshing: Promise<void> | null = null;
  readonly #stopTicking: () => void;

  private constructor(deps: PeopleDeps) {
    this.#deps = deps;
    this.#providers = readProviders(deps.file);
    this.#stopTicking = deps.every(TICK_MS, () => void this.tick());
  }

  /** Takes up who was signed in when the gateway ended. Rejects CONFIG_BROKEN. */
  static async open(deps: PeopleDeps): Promise<People> {
    const people = new People(deps);
    if (people.#providers.length > 0) await people.#takeUp();
    return people;
  }

  async #takeUp(): Promise<void> {
    try {
      const text = await this.#deps.vault.read(SESSION);
      const parsed = text === null ? null : Kept.safeParse(JSON.parse(text));
      if (parsed?.success && this.#configOf(parsed.data.provider) !== null) this.#kept = parsed.data;
    } catch (error) {
      this.#deps.onProblem(
        `Who was signed in cannot be read, so everybody has to sign in again: ${(error as Error).message}`,
      );
    }
  }

  #configOf(id: string): ProviderConfig | null {
    return this.#providers.find((one) => one.id === id) ?? null;
  }

  get providers(): readonly ProviderConfig[] {
    return this.#providers;
  }

  /** Where nobody is signed in: whoever was last, or the local account; refusal() says why nothing is done for them. */
  current(): Identity {
    return this.#kept?.identity ?? this.#deps.local;
  }

  /** Why nothing is forwarded; null while somebody may act. */
  refusal(): string | null {
    const why = this.#missing();
    return why === null ? null : `${why}; sign in${this.#kept === null ? '' : ' again'} with: countersign login`;
  }

  /** Whose word is missing; null while somebody may act. */
  #missing(): string | null {
    if (this.#providers.length === 0) return null;
    if (this.#kept === null) return `nobody is signed in${this.#sentence === '' ? '' : ` (${this.#sentence})`}`;
    if (this.#deps.clock.now() < this.#until(this.#kept)) return null;
    return `${this.#kept.identity.display} is signed in and could not be confirmed for too long`;
  }

  /** When they showed the provider who they are, milliseconds since the epoch; null: people do not sign in here. */
  signedInAt(): number | null {
    return this.#providers.length === 0 ? null : (this.#kept?.signedInAt ?? 0);
  }

  /** For the recordings of whoever is signed in; null: nobody by this subject is. */
  evidence(subject: string): SignInEvidence | null {
    const kept = this.#kept;
    const config = kept === null ? null : this.#configOf(kept.provider);
    if (kept?.evidence === undefined || config === null || kept.identity.subject !== subject) return null;
    return { provider: config.id, issuer: config.issuer, subjectClaim: config.claims.subject, ...kept.evidence };
  }

  /** To when the provider's last word counts, milliseconds since the epoch. */
  #until({ provider, tokens, confirmedAt }: Kept): number {
    const config = this.#configOf(provider);
    if (config === null) return 0;
    const { exp } = tokens.claims;
    if (tokens.refreshToken === null) return typeof exp === 'number' ? exp * 1000 : confirmedAt;
    return confirmedAt + config.refreshMinutes * MINUTE_MS + config.offlineHours * 60 * MINUTE_MS;
  }

  view(): IdentityView {
    const kept = this.#kept;
    const missing = this.#missing();
    const state =
      this.#providers.length === 0
        ? 'local'
        : kept === null || missing !== null
          ? 'signed-out'
          : this.#offlineSince !== null
            ? 'offline'
            : 'signed-in';
    return {
      identity: this.current(),
      state,
      provider: kept?.provider ?? null,
      sentence: missing ?? (this.#sentence || kept?.boundNote || ''),
      confirmedAt: kept === null ? null : iso(kept.confirmedAt),
      until: kept === null ? null : iso(this.#until(kept)),
      bound: this.#deps.binding.bound,
      providers: this.#providers,
    };
  }

  // ---- providers ---------------------------------------------------------------------------------

  /** Adds or replaces. Whoever signed in with what it was before is signed out. */
  async putProvider(config: ProviderConfig, secret: string | null): Promise<void> {
    const before = this.#configOf(config.id);
    const { vault } = this.#deps;
    const id = clientSecret(config.id);
    if (config.secret && secret === null && (before?.issuer !== config.issuer || !(await vault.has(id))))
      throw new CountersignError('IDENTITY_CONFIG', `The client's secret for ${config.issuer} has to be given.`);
    if (secret !== null) await vault.write(id, secret);
    this.#save([...this.#providers.filter((one) => one.id !== config.id), config]);
    const changed = before !== null && JSON.stringify(before) !== JSON.stringify(config);
    if (this.#kept?.provider === config.id && changed) await this.#end('the provider was configured anew');
    this.#deps.onChanged();
  }

  /** Throws PROVIDER_UNKNOWN. */
  async removeProvider(id: string): Promise<void> {
    if (this.#configOf(id) === null) throw new CountersignError('PROVIDER_UNKNOWN', `There is no provider ${id}.`);
    if (this.#kept?.provider === id) await this.#end('the provider was removed');
    this.#save(this.#providers.filter((one) => one.id !== id));
    await this.#deps.vault.remove(clientSecret(id));
    await this.#deps.vault.remove(serviceKeyId(id));
    this.#deps.onChanged();
  }

  #save(providers: ProviderConfig[]): void {
    const were = this.#providers.length;
    writeProviders(this.#deps.file, providers);
    this.#providers = providers;
    this.#deps.onConfigured();
    // From the first provider on, the local account counts no more.
    if (were === 0 && providers.length > 0)
      this.#deps.ended(this.#deps.local, 'people sign in with a provider from now on');
  }

  /** @param id null: the only one there is. Throws PROVIDER_UNKNOWN. */
  async clientOf(id: string | null): Promise<{ config: ProviderConfig; client: OidcClient }> {
    const config = id === null && this.#providers.length === 1 ? this.#providers[0]! : this.#configOf(id ?? '');
    if (config === null) {
      const known = this.#providers.map((one) => one.id).join(', ');
      throw new CountersignError(
        'PROVIDER_UNKNOWN',
        this.#providers.length === 0
          ? 'There is no provider to sign in with; add one with: countersign identity add'
          : `Say which provider: ${known}`,
      );
    }
    const secret = config.secret ? await this.#deps.vault.read(clientSecret(config.id)) : null;
    return { config, client: this.#deps.clientOf(config, secret) };
  }

  // ---- signing in and out ---------------------------------------------------------------------------

  /** Takes up a sign-in that verified. @param made null: its token could not carry a nonce of ours. Rejects IDENTITY_CLAIMS, IDENTITY_REFUSED, IDENTITY_OTHER. */
  async signedIn(
    config: ProviderConfig,
    { saml, ...tokens }: Tokens & Pick<SignInEvidence, 'saml'>,
    made: SignInChallenge | null,
  ): Promise<Identity> {
    const identity = personOf(tokens.claims, config);
    if (this.#kept !== null && this.#kept.identity.subject !== identity.subject)
      throw new CountersignError(
        'IDENTITY_OTHER',
        `${this.#kept.identity.display} is signed in here; sign out first with: countersign logout`,
      );
    const boundNote = await this.#bind(tokens, made?.binds ?? false);
    this.#sentence = '';
    await this.#keep({
      provider: config.id,
      identity,
      tokens: { ...tokens, claims: { ...tokens.claims } },
      confirmedAt: this.#deps.clock.now(),
      signedInAt: Math.min(this.#deps.clock.now(), authenticatedAt(tokens.claims)),
      boundNote,
      evidence: { idToken: tokens.idToken, saml, random: made?.random ?? null, vkey: made?.vkey ?? null },
    });
    this.#back();
    this.#deps.onChanged();
    return identity;
  }

  async #bind({ idToken }: Tokens, binds: boolean): Promise<string> {
    const { binding } = this.#deps;
    if (binding.bound) return '';
    if (!binds) return 'identity asserted, device not bound by the provider';
    try {
      await binding.bind(idToken);
      return '';
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      return `identity asserted, device not bound by the provider: ${error.message}`;
    }
  }

  async #keep(kept: Kept): Promise<void> {
    await this.#deps.vault.write(SESSION, JSON.stringify(kept));
    this.#kept = kept;
  }

  async logout(): Promise<void> {
    const kept = this.#kept;
    if (kept === null) return;
    const config = this.#configOf(kept.provider);
    await this.#end(`${kept.identity.display} signed out`);
    if (config !== null && kept.tokens.refreshToken !== null) {
      const { client } = await this.clientOf(config.id);
      await client.revoke(kept.tokens.refreshToken);
    }
  }

  async #end(reason: string): Promise<void> {
    const kept = this.#kept;
    if (kept === null) return;
    // First of all: nothing is forwarded from here on, whatever the vault does.
    this.#kept = null;
    this.#sentence = reason;
    this.#offlineSince = null;
    this.#deps.ended(kept.identity, reason);
    this.#deps.onChanged();
    await this.#deps.vault
      .remove(SESSION)
      .catch((error: unknown) => this.#deps.onProblem(`a sign-in could not be forgotten: ${(error as Error).message}`));
  }

  // ---- asking again -----------------------------------------------------------------------------------

  /** Asks the provider again when it is time. Never rejects. */
  tick(): Promise<void> {
    this.#refreshing ??= this.#tick()
      .catch((error: unknown) =>
        this.#deps.onProblem(`the sign-in could not be looked at: ${(error as Error).message}`),
      )
      .finally(() => {
        this.#refreshing = null;
      });
    return this.#refreshing;
  }

  async #tick(): Promise<void> {
    const kept = this.#kept;
    const config = kept === null ? null : this.#configOf(kept.provider);
    if (kept === null || config === null) return;
    const now = this.#deps.clock.now();
    if (now >= this.#until(kept)) {
      await this.#end(
        kept.tokens.refreshToken === null
          ? `the sign-in of ${kept.identity.display} ended`
          : `${config.id} could not be asked about ${kept.identity.display} since ${iso(kept.confirmedAt)}`,
      );
      return;
    }
    const due = kept.confirmedAt + config.refreshMinutes * MINUTE_MS;
    const tried = now - this.#triedAt;
    if (kept.tokens.refreshToken === null || now < due || (tried >= 0 && tried < RETRY_MS)) return;
    this.#triedAt = now;
    await this.#ask(kept, config);
  }

  async #ask(kept: Kept, config: ProviderConfig): Promise<void> {
    try {
      const { client } = await this.clientOf(config.id);
      const tokens = await client.refresh(kept.tokens);
      const identity = personOf(tokens.claims, config);
      if (this.#kept !== kept) return;
      await this.#keep({
        ...kept,
        identity: JSON.stringify(identity) === JSON.stringify(kept.identity) ? kept.identity : identity,
        tokens: { ...tokens, claims: { ...tokens.claims } },
        confirmedAt: this.#deps.clock.now(),
      });
      this.#back();
      this.#deps.onChanged();
    } catch (error) {
      if (this.#kept !== kept) return;
      if (isCountersignError(error, 'IDENTITY_UNREACHABLE')) this.#away(kept, error.message);
      else if (isCountersignError(error)) await this.#end(error.message);
      else throw error;
    }
  }

  #away(kept: Kept, why: string): void {
    this.#sentence = why;
    if (this.#offlineSince === null) {
      this.#offlineSince = kept.confirmedAt;
      this.#deps.gap(iso(kept.confirmedAt), '', `${kept.provider} cannot be asked about ${kept.identity.display}`);
    }
    this.#deps.onChanged();
  }

  #back(): void {
    if (this.#offlineSince === null) return;
    this.#deps.gap(iso(this.#offlineSince), iso(this.#deps.clock.now()), '');
    this.#offlineSince = null;
    this.#sentence = '';
  }

  close(): void {
    this.#stopTicking();
  }
}

/** A session that the provider remembered is older than the sign-in here (OpenID Connect Core §2, auth_time). */
function authenticatedAt({ auth_time }: Readonly<Record<string, unknown>>): number {
  return typeof auth_time === 'number' ? auth_time * 1000 : Number.POSITIVE_INFINITY;
}
