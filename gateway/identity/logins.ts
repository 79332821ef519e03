import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { LoginView, ProviderConfig, SamlConfig } from '../contract/sign-in.ts';
import type { Clock } from '../pipeline/ports.ts';
import { type Callback, listenForCallback } from './oidc/loopback.ts';
import type { People, PeopleDeps } from './people.ts';
import { listenForPost } from './saml/acs.ts';
import type { SamlClient } from './saml/client.ts';

export interface LoginsDeps {
  people: People;
  binding: PeopleDeps['binding'];
  samlOf(config: SamlProvider): Promise<SamlClient>;
  clock: Clock;
  newId(): string;
  schedule(milliseconds: number, run: () => void): () => void;
}

export type SamlProvider = ProviderConfig & { saml: SamlConfig };
export const isSaml = (config: ProviderConfig): config is SamlProvider => config.saml !== undefined;

const BROWSER_MS = 5 * 60_000;
const MAX_LOGINS = 4;

interface Login {
  view: LoginView;
  stop(): void;
}

/** Sign-ins that are under way: by the system's browser and a loopback port, or by a code typed elsewhere. */
export class Logins {
  readonly #deps: LoginsDeps;
  readonly #all = new Map<string, Login>();
  #stopSaml = () => {};

  constructor(deps: LoginsDeps) {
    this.#deps = deps;
  }

  /** @param provider null: the only one. Rejects PROVIDER_UNKNOWN, IDENTITY_UNREACHABLE, IDENTITY_REFUSED. */
  async begin(provider: string | null, how: 'browser' | 'device'): Promise<LoginView> {
    return how === 'browser' ? this.#byBrowser(provider) : this.#byDevice(provider);
  }

  /** Throws LOGIN_UNKNOWN. */
  view(id: string): LoginView {
    const login = this.#all.get(id);
    if (login === undefined) throw new CountersignError('LOGIN_UNKNOWN', 'There is no such sign-in; begin it again.');
    return login.view;
  }

  close(): void {
    for (const { stop } of this.#all.values()) stop();
    this.#all.clear();
  }

  async #byBrowser(provider: string | null): Promise<LoginView> {
    const { people, binding, schedule } = this.#deps;
    const { config, client } = await people.clientOf(provider);
    if (isSaml(config)) return this.#bySaml(config);
    let expected: string | null = null;
    const isOurs = (state: string) => expected !== null && state === expected;
    const callback: Callback = await listenForCallback(isOurs, schedule, BROWSER_MS);
    const made = binding.challenge();
    try {
      const { url, checks } = await client.begin(callback.redirectUri, made.nonce);
      expected = checks.state;
      return this.#start({ url, userCode: null, milliseconds: BROWSER_MS, stop: callback.close }, async () =>
        people.signedIn(config, await client.finish(await callback.url, checks), made),
      );
    } catch (error) {
      callback.close();
      throw error;
    }
  }

  async #bySaml(config: SamlProvider): Promise<LoginView> {
    const { people, binding, schedule, samlOf } = this.#deps;
    const client = await samlOf(config);
    const made = binding.challenge(true);
    // An XML name begins with no digit.
    const { url, request } = await client.begin(`_${made.nonce}`);
    // Answers come to the same address each time, so who begins anew takes the place of who waits.
    this.#stopSaml();
    const answer = await listenForPost(config.saml.acs, request.relayState, schedule, BROWSER_MS);
    this.#stopSaml = answer.close;
    return this.#start({ url, userCode: null, milliseconds: BROWSER_MS, stop: answer.close }, async () => {
      const { claims, saml } = await client.finish(await answer.response, request);
      return people.signedIn(config, { idToken: '', claims, refreshToken: null, saml }, made);
    });
  }

  async #byDevice(provider: string | null): Promise<LoginView> {
    const { people } = this.#deps;
    const { config, client } = await people.clientOf(provider);
    if (isSaml(config))
      throw new CountersignError(
        'IDENTITY_CONFIG',
        `${config.id} is a SAML provider, and SAML has no sign-in by a code`,
      );
    const device = await client.beginDevice();
    const stop = new AbortController();
    const { userCode, url } = device;
    const milliseconds = device.expiresInSeconds * 1000;
    return this.#start({ url, userCode, milliseconds, stop: () => stop.abort() }, async () =>
      // A device flow carries no nonce (OpenID Connect has none for it).
      people.signedIn(config, await device.tokens(stop.signal), null),
    );
  }

  #start(
    { url, userCode, milliseconds, stop }: { url: string; userCode: string | null; milliseconds: number; stop(): void },
    work: () => Promise<{ display: string }>,
  ): LoginView {
    const { newId, clock } = this.#deps;
    const id = newId();
    const expiresAt = new Date(clock.now() + milliseconds).toISOString();
    const login: Login = { view: { id, state: 'waiting', sentence: '', url, userCode, expiresAt }, stop };
    this.#all.set(id, login);
    for (const [old, { stop: end }] of this.#all) {
      if (this.#all.size <= MAX_LOGINS) break;
      end();
      this.#all.delete(old);
    }
    const over = (state: 'done' | 'failed', sentence: string) => {
      login.view = { ...login.view, state, sentence, url: null, userCode: null };
    };
    work().then(
      ({ display }) => over('done', `${display} is signed in.`),
      (error: unknown) =>
        over(
          'failed',
          isCountersignError(error) ? error.message : 'the sign-in failed; the log of the gateway says why',
        ),
    );
    return login.view;
  }
}
