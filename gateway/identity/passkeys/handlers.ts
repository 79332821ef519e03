import type { ControlHandlers } from '../../control/handlers.ts';
import type { Passkeys } from './passkeys.ts';

type PasskeyRoute = 'passkeys' | 'beginPasskey' | 'finishPasskey' | 'removePasskey' | 'passkeyRequest';

/** The routes about passkeys. Presence was established by the server. @param changed which there are. */
export function createPasskeyHandlers(passkeys: Passkeys, changed: () => void): Pick<ControlHandlers, PasskeyRoute> {
  return {
    passkeys: () => passkeys.list(),
    beginPasskey: ({ name }) => passkeys.begin(name),
    async finishPasskey(made) {
      const view = await passkeys.finish(made);
      changed();
      return view;
    },
    removePasskey({ credentialId }) {
      passkeys.remove(credentialId);
      changed();
      return {};
    },
    passkeyRequest: ({ id, digest }) => passkeys.request(id, digest),
  };
}
