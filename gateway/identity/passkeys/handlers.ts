import type { ControlHandlers } from '../../control/handlers.ts';
import type { Passkeys } from './passkeys.ts';

type PasskeyRoute = 'passkeys' | 'beginPasskey' | 'finishPasskey' | 'removePasskey' | 'passkeyRequest';

/** The routes about passkeys. Presence was established by the server. */
export function createPasskeyHandlers(passkeys: Passkeys): Pick<ControlHandlers, PasskeyRoute> {
  return {
    passkeys: () => passkeys.list(),
    beginPasskey: ({ name }) => passkeys.begin(name),
    finishPasskey: (made) => passkeys.finish(made),
    removePasskey({ credentialId }) {
      passkeys.remove(credentialId);
      return {};
    },
    passkeyRequest: ({ id, digest }) => passkeys.request(id, digest),
  };
}
