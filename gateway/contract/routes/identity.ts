import { z } from 'zod';
import {
  CredentialId,
  PasskeyCreation,
  PasskeyList,
  PasskeyName,
  PasskeyRegistration,
  PasskeyView,
} from '../passkey.ts';
import { IdentityView, LoginView, ProviderConfig, ServiceMetadata } from '../sign-in.ts';
import { Id, Nothing, Pin, route } from './route.ts';

export const identityRoutes = {
  /** Of whoever approves here now. */
  passkeys: route('GET', '/api/passkeys', 'session', Nothing, PasskeyList),
  /** A passkey is a person's word from then on, so it takes the PIN, and a sign-in of just now where people sign in. */
  beginPasskey: route(
    'POST',
    '/api/passkeys/begin',
    'session',
    z.object({ name: PasskeyName, pin: Pin }),
    PasskeyCreation,
  ),
  /** What the authenticator made of it, for whom the PIN was given. */
  finishPasskey: route('POST', '/api/passkeys', 'session', PasskeyRegistration, PasskeyView),
  removePasskey: route(
    'POST',
    '/api/passkeys/remove',
    'session',
    z.object({ credentialId: CredentialId, pin: Pin }),
    Nothing,
  ),
  identity: route('GET', '/api/identity', 'session', Nothing, IdentityView),
  /** Adds or replaces: who may act is decided by whom this names, so it takes the PIN. */
  putProvider: route(
    'PUT',
    '/api/identity/providers',
    'session',
    z.object({ provider: ProviderConfig, secret: z.string().min(1).max(4096).optional(), pin: Pin }),
    IdentityView,
  ),
  deleteProvider: route(
    'POST',
    '/api/identity/providers/:id/delete',
    'session',
    z.object({ id: Id, pin: Pin }),
    IdentityView,
  ),
  /** What a SAML provider is told of this gateway. */
  providerMetadata: route(
    'GET',
    '/api/identity/providers/:id/metadata',
    'session',
    z.object({ id: Id }),
    ServiceMetadata,
  ),
  /** Begins a sign-in: a person opens the URL. Without a provider: the only one there is. */
  signIn: route(
    'POST',
    '/api/identity/sign-in',
    'session',
    z.object({ provider: Id.optional(), how: z.enum(['browser', 'device']).default('browser') }),
    LoginView,
  ),
  signInState: route('GET', '/api/identity/sign-in/:id', 'session', z.object({ id: Id }), LoginView),
  /** Ends what agents of who is signed in have open. */
  signOut: route('POST', '/api/identity/sign-out', 'session', Nothing, IdentityView),
} as const;
