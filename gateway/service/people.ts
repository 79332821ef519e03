import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ApprovalsAdmin } from '../approvals/approvals.ts';
import type { RouteInput } from '../contract/api.ts';
import type { Verdict } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import { ProviderConfig } from '../contract/sign-in.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { Device } from '../evidence/device/device.ts';
import { bindByToken, nonceOf } from '../evidence/device/membership.ts';
import { bindingNonce } from '../evidence/trust/id-token.ts';
import { isSaml, Logins, type SamlProvider } from '../identity/logins.ts';
import { createOidcClient } from '../identity/oidc/client.ts';
import { People, type PeopleDeps } from '../identity/people.ts';
import type { TokensAdmin } from '../identity/tokens.ts';
import type { LiveSessions, PolicyEngine } from '../pipeline/ports.ts';
import { toBase64, toHex } from '../recording/format/bytes.ts';
import { nodePrimitives } from '../recording/primitives.ts';
import { timers } from './timers.ts';

export interface ServicePeople {
  people: People;
  /** Whom agents act for now. Throws IDENTITY_REQUIRED where nobody may act. */
  admit(): Identity;
  /** A policy that denies everything while nobody may act. */
  guard(policy: PolicyEngine): PolicyEngine;
  handlers: Pick<
    ControlHandlers,
    'identity' | 'putProvider' | 'deleteProvider' | 'providerMetadata' | 'signIn' | 'signInState' | 'signOut'
  >;
  close(): void;
}

/** Who is signed in, as the gateway runs it. */
export async function servicePeople(
  given: Pick<PeopleDeps, 'vault' | 'clock' | 'every' | 'local' | 'onConfigured' | 'onChanged' | 'onProblem'> & {
    home: string;
    device: Device;
    /** They are made later. */
    tokens: () => Pick<TokensAdmin, 'list' | 'revoke'>;
    approvals: () => Pick<ApprovalsAdmin, 'grants' | 'revokeGrant'>;
    registry: Pick<LiveSessions, never> & {
      list(): readonly { id: string; identity: Identity }[];
      kill(id: string, reason: string): unknown;
    };
  },
): Promise<ServicePeople> {
  const { home, device, clock, registry } = given;
  const binding = await deviceBinding(device);
  const people = await People.open({
    ...given,
    file: join(home, 'providers.json'),
    clientOf: createOidcClient,
    binding,
    ended({ subject }, reason) {
      for (const { id, identity } of given.tokens().list())
        if (identity.subject === subject) given.tokens().revoke(id, reason);
      for (const { id, identity } of registry.list()) if (identity.subject === subject) registry.kill(id, reason);
      for (const grant of given.approvals().grants())
        if (grant.subject === subject && grant.endedAt === null) given.approvals().revokeGrant(grant.id);
    },
    gap: (from, until, detail) =>
      // What the log does not take is said by its problem, and stops everything.
      void device.log.append({ type: 'gap', kind: 'identity-offline', from, until, detail }).catch(() => {}),
  });
  /** Its libraries are loaded where somebody signs in by SAML. */
  async function samlOf(config: SamlProvider) {
    const { createSamlClient } = await import('../identity/saml/client.ts');
    return createSamlClient(config, given);
  }
  const logins = new Logins({
    people,
    binding,
    samlOf,
    clock,
    newId: () => randomBytes(16).toString('base64url'),
    schedule: timers.schedule,
  });

  function admit(): Identity {
    const refusal = people.refusal();
    if (refusal !== null) throw new CountersignError('IDENTITY_REQUIRED', `Nothing is forwarded: ${refusal}`);
    return people.current();
  }

  return {
    people,
    admit,
    guard(policy) {
      const refused = (reason: string): Verdict => ({
        effect: 'deny',
        policyIds: [],
        policyHash: policy.hash,
        reason,
        level: 'click',
        expiresSeconds: 1,
        grantable: false,
      });
      const orElse = ({ kind }: Identity, decide: () => Verdict) => {
        // A workload acts for nobody who would have to be signed in.
        const refusal = kind === 'workload' ? null : people.refusal();
        return refusal === null ? decide() : refused(`Nothing is forwarded: ${refusal}`);
      };
      return {
        get hash() {
          return policy.hash;
        },
        decide: (input) => orElse(input.identity, () => policy.decide(input)),
        decideAction: (input) => orElse(input.identity, () => policy.decideAction(input)),
      };
    },
    handlers: {
      identity: () => people.view(),
      async putProvider({ provider, secret }: RouteInput<'putProvider'>) {
        await people.putProvider(ProviderConfig.parse(provider), secret ?? null);
        return people.view();
      },
      async deleteProvider({ id }) {
        await people.removeProvider(id);
        return people.view();
      },
      async providerMetadata({ id }) {
        const { config } = await people.clientOf(id);
        if (!isSaml(config))
          throw new CountersignError(
            'IDENTITY_CONFIG',
            `${id} is an OpenID Connect provider, which takes no metadata.`,
          );
        const { issuer, clientId, saml } = config;
        const xml = await (await samlOf(config)).metadata();
        return { entityId: clientId, acs: saml.acs, issuer, xml };
      },
      signIn: ({ provider, how }) => logins.begin(provider ?? null, how),
      signInState: ({ id }) => logins.view(id),
      async signOut() {
        await people.logout();
        return people.view();
      },
    },
    close() {
      logins.close();
      people.close();
    },
  };
}

const identityNames = async (device: Device): Promise<Set<string>> =>
  new Set((await device.identityObjects()).map(({ name }) => name));

/** An ID token binds a key once: its object in the store is made once, and the key is bound from then on. */
async function deviceBinding(device: Device): Promise<PeopleDeps['binding']> {
  const nameOf = () => `${toHex(device.signer.vkey.hash)}.oidc.note`;
  let names = await identityNames(device);
  device.onChanged(() => void identityNames(device).then((now) => (names = now)));
  const isBound = () => names.has(nameOf());
  /** The random bytes of an enrolment that a sign-in may answer; null: none is asked for. */
  function enrolling(): string | null {
    const { org, root, asked } = device.file;
    if (isBound() || device.trust?.note == null) return null;
    if (asked?.random != null) return asked.random;
    if (org === null || root === null) return null;
    const random = toBase64(randomBytes(16));
    device.save({ asked: { org, root, random } });
    return random;
  }
  return {
    get bound() {
      return isBound();
    },
    challenge(once = false) {
      const { vkey } = device.key;
      const random = once ? null : enrolling();
      if (random !== null) return { nonce: nonceOf(device), random, vkey, binds: true };
      const fresh = randomBytes(16);
      const nonce = bindingNonce(nodePrimitives, device.signer.vkey.key, fresh);
      return { nonce, random: toBase64(fresh), vkey, binds: false };
    },
    async bind(idToken) {
      await device.change(() => bindByToken(device, idToken));
      names.add(nameOf());
    },
  };
}
