import { createHash } from 'node:crypto';
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { Identity } from '../contract/identity.ts';
import type { ProviderConfig, WorkloadConfig } from '../contract/sign-in.ts';
import { SIGNATURE_ALGORITHMS } from '../evidence/trust/id-token.ts';
import type { AgentSession, Clock, CredentialCheck, Tokens } from '../pipeline/ports.ts';
import { personOf, valueAt } from './oidc/claims.ts';
import { boundedFetch } from './oidc/fetch.ts';
import type { TokensAdmin } from './tokens.ts';

type Provider = ProviderConfig & { workloads: WorkloadConfig };
type KeySet = ReturnType<typeof createRemoteJWKSet>;

export interface Workloads {
  /** Whether what was sent looks like a JWT, so that it is no token of ours. */
  isJwt(sent: string): boolean;
  /** Takes a provider's JWT as the credential itself. Never rejects. */
  verify(jwt: string, connectionId: string): Promise<CredentialCheck>;
  /** The providers changed: what their JWTs opened ends. */
  reset(reason: string): void;
}

export interface WorkloadsDeps {
  providers(): readonly ProviderConfig[];
  tokens: Pick<Tokens, 'onEnded'> & Pick<TokensAdmin, 'mint' | 'revoke'>;
  clock: Clock;
  schedule(milliseconds: number, run: () => void): () => void;
}

const SKEW_SECONDS = 60;
const MAX_JWT = 16 * 1024;
const MAX_SESSIONS = 512;
/** Longer ones count for so long: a workload has a fresh one by then. */
const MAX_LIFE_MS = 24 * 60 * 60 * 1000;

interface Open {
  session: AgentSession;
  stop(): void;
}

/** Workloads that come with their provider's JWT (RFC 7519) in place of a token of the gateway's. */
export function createWorkloads(deps: WorkloadsDeps): Workloads {
  const { tokens, clock } = deps;
  const keys = new Map<string, Promise<KeySet>>();
  /** By connection and SHA-256 of the JWT: a pool's connections are one agent session. */
  const open = new Map<string, Open>();

  function keysOf(provider: Provider): Promise<KeySet> {
    let found = keys.get(provider.id);
    if (found === undefined) {
      found = keySetOf(provider);
      found.catch(() => keys.delete(provider.id));
      keys.set(provider.id, found);
    }
    return found;
  }

  async function check(jwt: string, provider: Provider): Promise<JWTPayload> {
    const { audience, trustDomain } = provider.workloads;
    const { payload } = await jwtVerify(jwt, await keysOf(provider), {
      audience,
      algorithms: SIGNATURE_ALGORITHMS,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(clock.now()),
      ...(trustDomain === undefined ? { issuer: provider.issuer } : {}),
    });
    const named = String(payload.sub);
    if (trustDomain !== undefined && !named.startsWith(`spiffe://${trustDomain}/`))
      throw new errors.JWTClaimValidationFailed(`it is not of spiffe://${trustDomain}`, payload, 'sub');
    return payload;
  }

  function admit(key: string, provider: Provider, payload: JWTPayload, connectionId: string): AgentSession {
    const { id, workloads } = provider;
    const person = personOf(payload, {
      ...provider,
      claims: { ...provider.claims, subject: workloads.subjectClaim, display: [workloads.subjectClaim] },
      allowedGroups: [],
    });
    const identity: Identity = {
      ...person,
      kind: 'workload',
      display: `workload ${person.display} (JWT of ${id})`.slice(0, 256),
    };
    const { session } = tokens.mint({ identity, connectionId, purpose: 'workload' });
    const until = Math.min(payload.exp! * 1000, clock.now() + MAX_LIFE_MS);
    const stopTimer = deps.schedule(Math.max(1, until - clock.now()), () =>
      tokens.revoke(session.id, 'its JWT has ended'),
    );
    const forget = () => {
      if (open.get(key)?.session === session) open.delete(key);
    };
    const stopListening = tokens.onEnded(session.id, () => {
      stopTimer();
      forget();
    });
    open.set(key, {
      session,
      stop() {
        stopTimer();
        stopListening();
        forget();
      },
    });
    return session;
  }

  async function verify(jwt: string, connectionId: string): Promise<CredentialCheck> {
    const refused = (reason: string): CredentialCheck => ({ ok: false, reason });
    if (jwt.length > MAX_JWT) return refused('the JWT is too long');
    const candidates = deps.providers().filter((one): one is Provider => mayBeOf(one, jwt));
    const provider = candidates[0];
    if (provider === undefined)
      return refused('no provider that is set up here lets workloads in with such a JWT (countersign identity list)');
    if (!provider.workloads.connections.some((one) => one === '*' || one === connectionId))
      return refused(`workloads of ${provider.id} may not use the connection ${connectionId}`);
    let payload: JWTPayload;
    try {
      payload = await check(jwt, provider);
    } catch (error) {
      return refused(`the JWT is not taken: ${inWords(error, provider)}`);
    }
    const key = `${connectionId}\n${createHash('sha256').update(jwt).digest('hex')}`;
    const known = open.get(key);
    if (known !== undefined) return { ok: true, session: known.session };
    if (open.size >= MAX_SESSIONS) return refused('too many workloads are connected already');
    try {
      return { ok: true, session: admit(key, provider, payload, connectionId) };
    } catch (error) {
      return refused((error as Error).message);
    }
  }

  return {
    isJwt: (sent) => /^[\w-]{4,}\.[\w-]{4,}\.[\w-]*$/.test(sent),
    verify,
    reset(reason) {
      keys.clear();
      for (const { session, stop } of [...open.values()]) {
        stop();
        tokens.revoke(session.id, reason);
      }
    },
  };
}

/** By what it says of itself: that is only how the provider is chosen whose keys have to verify it. */
function mayBeOf({ issuer, workloads }: ProviderConfig, jwt: string): boolean {
  if (workloads === undefined) return false;
  try {
    decodeProtectedHeader(jwt);
    const claims = decodeJwt(jwt);
    if (workloads.trustDomain === undefined) return claims.iss === issuer;
    return String(valueAt(claims, 'sub')).startsWith(`spiffe://${workloads.trustDomain}/`);
  } catch {
    return false;
  }
}

async function keySetOf({ issuer, caFile, workloads }: Provider): Promise<KeySet> {
  const ask = boundedFetch(caFile);
  const url = workloads.keysUrl ?? (await discoveredKeys(issuer, ask));
  const options = { [customFetch]: ask as never, cooldownDuration: 30_000, cacheMaxAge: 600_000 };
  return createRemoteJWKSet(new URL(url), options);
}

async function discoveredKeys(issuer: string, ask: typeof fetch): Promise<string> {
  const answer = await ask(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const found = (await answer.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (answer.status !== 200 || found.issuer !== issuer || typeof found.jwks_uri !== 'string')
    throw new Error('its discovery document is not of this issuer');
  const url = new URL(found.jwks_uri);
  if (url.protocol !== 'https:' && new URL(issuer).protocol === 'https:') throw new Error('its keys are not at https');
  return url.href;
}

function inWords(error: unknown, { id }: Provider): string {
  if (error instanceof errors.JWTExpired) return 'it has ended';
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim "${error.claim}" is not what it has to be`;
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
    return `no key of ${id} has signed it`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not one that is taken';
  if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) return 'it does not verify';
  return `the keys of ${id} cannot be had`;
}
