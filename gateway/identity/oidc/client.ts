import * as oidc from 'openid-client';
import { CountersignError } from '../../contract/errors.ts';
import type { ProviderConfig } from '../../contract/sign-in.ts';
import { boundedFetch } from './fetch.ts';

/** What a provider gave; the ID token is verified, signature included. */
export interface Tokens {
  idToken: string;
  claims: Readonly<Record<string, unknown>>;
  /** null: the provider cannot be asked again, so the person is signed in until the ID token ends. */
  refreshToken: string | null;
}

/** What has to come back with a sign-in, and what was sent for it. */
export interface Checks {
  state: string;
  nonce: string;
  verifier: string;
  redirectUri: string;
}

export interface DeviceLogin {
  userCode: string;
  url: string;
  expiresInSeconds: number;
  /** Resolves when a person has confirmed. Rejects IDENTITY_REFUSED, IDENTITY_UNREACHABLE. */
  tokens(signal: AbortSignal): Promise<Tokens>;
}

/**
 * One provider, found by discovery (OpenID Connect Discovery 1.0). Everything rejects with IDENTITY_UNREACHABLE where
 * it could not be asked, and IDENTITY_REFUSED where it said no or what it said does not verify.
 */
export interface OidcClient {
  /** The URL to open (authorization code with PKCE, RFC 7636, RFC 8252). @param nonce of a binding; default random. */
  begin(redirectUri: string, nonce?: string): Promise<{ url: string; checks: Checks }>;
  finish(callback: URL, checks: Checks): Promise<Tokens>;
  /** RFC 8628. */
  beginDevice(): Promise<DeviceLogin>;
  refresh(tokens: Tokens): Promise<Tokens>;
  /** Takes the refresh token back, as far as the provider lets (RFC 7009). Never rejects. */
  revoke(refreshToken: string): Promise<void>;
}

/** Seconds by which the provider's clock may differ. */
const SKEW_SECONDS = 60;

/** @param secret of a confidential client, or null. */
export function createOidcClient(config: ProviderConfig, secret: string | null): OidcClient {
  const isPlain = config.issuer.startsWith('http:');
  let discovered: Promise<oidc.Configuration> | null = null;

  async function discover(): Promise<oidc.Configuration> {
    const found = await oidc.discovery(
      new URL(config.issuer),
      config.clientId,
      { [oidc.clockTolerance]: SKEW_SECONDS },
      secret === null ? oidc.None() : oidc.ClientSecretBasic(secret),
      {
        [oidc.customFetch]: boundedFetch(config.caFile) as oidc.CustomFetch,
        execute: [
          // The token comes over TLS, but it is evidence: its signature has to be right.
          oidc.enableNonRepudiationChecks,
          ...(isPlain ? [oidc.allowInsecureRequests] : []),
        ],
      },
    );
    return found;
  }

  /** A provider that could not be found is looked for again. */
  function configuration(): Promise<oidc.Configuration> {
    discovered ??= discover().catch((error: unknown) => {
      discovered = null;
      throw error;
    });
    return discovered;
  }

  async function ask<T>(work: (configuration: oidc.Configuration) => Promise<T>): Promise<T> {
    try {
      return await work(await configuration());
    } catch (error) {
      throw inWords(config, error);
    }
  }

  const scope = config.scopes.join(' ');

  return {
    begin: (redirectUri, nonce = oidc.randomNonce()) =>
      ask(async (found) => {
        const checks = { state: oidc.randomState(), nonce, verifier: oidc.randomPKCECodeVerifier(), redirectUri };
        const url = oidc.buildAuthorizationUrl(found, {
          redirect_uri: redirectUri,
          scope,
          state: checks.state,
          nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
          code_challenge_method: 'S256',
          ...(config.scopes.includes('offline_access') ? { prompt: 'consent' } : {}),
        });
        return { url: url.href, checks };
      }),
    finish: (callback, { state, nonce, verifier }) =>
      ask(async (found) =>
        tokensOf(
          await oidc.authorizationCodeGrant(found, callback, {
            expectedState: state,
            expectedNonce: nonce,
            pkceCodeVerifier: verifier,
            idTokenExpected: true,
          }),
          null,
        ),
      ),
    beginDevice: () =>
      ask(async (found) => {
        const started = await oidc.initiateDeviceAuthorization(found, { scope });
        return {
          userCode: started.user_code,
          url: started.verification_uri_complete ?? started.verification_uri,
          expiresInSeconds: started.expires_in,
          tokens: (signal) =>
            ask(async () => tokensOf(await oidc.pollDeviceAuthorizationGrant(found, started, {}, { signal }), null)),
        };
      }),
    refresh: (before) =>
      ask(async (found) => {
        if (before.refreshToken === null) throw new Error('there is no refresh token');
        const after = tokensOf(await oidc.refreshTokenGrant(found, before.refreshToken), before);
        // OpenID Connect Core 12.2: it has to be the same person.
        if (after.claims.sub !== before.claims.sub)
          throw new CountersignError('IDENTITY_REFUSED', `${config.id} answered for another person`);
        return after;
      }),
    async revoke(refreshToken) {
      try {
        await oidc.tokenRevocation(await configuration(), refreshToken, { token_type_hint: 'refresh_token' });
      } catch {
        // It ends by itself; there is nobody to tell.
      }
    },
  };
}

function tokensOf(
  answer: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  before: Tokens | null,
): Tokens {
  const refreshToken = answer.refresh_token ?? before?.refreshToken ?? null;
  const claims = answer.claims();
  if (answer.id_token !== undefined && claims !== undefined)
    return { idToken: answer.id_token, claims: { ...claims }, refreshToken };
  // A refresh need not give an ID token; then the claims stay what they were.
  if (before !== null) return { ...before, refreshToken };
  throw new CountersignError('IDENTITY_REFUSED', 'the provider gave no ID token; is the scope "openid" allowed?');
}

/** The provider's own trouble says nothing of the person. */
const TROUBLE: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);

/** Words of a provider are shown to a person: one line, bounded. */
const oneLine = (text: unknown): string =>
  String(text)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 200);

function inWords(config: ProviderConfig, error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  const refused = (why: string) =>
    new CountersignError('IDENTITY_REFUSED', `${config.id} did not let you in: ${why}`, { cause: error });
  const answered = error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError;
  if (answered && !TROUBLE.has(error.error) && !(error instanceof oidc.ResponseBodyError && error.status >= 500)) {
    const told = error.error_description === undefined ? '' : ` (${oneLine(error.error_description)})`;
    return refused(`${oneLine(error.error)}${told}`);
  }
  if (error instanceof oidc.WWWAuthenticateChallengeError) return refused('it does not know this client');
  const code = (error as { code?: unknown }).code;
  if (
    typeof code === 'string' &&
    /^OAUTH_(JWT_|INVALID_RESPONSE|KEY_SELECTION|UNSUPPORTED|JSON_ATTRIBUTE|PARSE_ERROR)/.test(code)
  )
    return refused(`what it answered does not verify: ${oneLine((error as Error).message)}`);
  const cause = (error as { cause?: unknown }).cause;
  const why = oneLine((cause instanceof Error ? cause : (error as Error)).message);
  return new CountersignError('IDENTITY_UNREACHABLE', `${config.id} cannot be reached at ${config.issuer}: ${why}`, {
    cause: error,
  });
}
