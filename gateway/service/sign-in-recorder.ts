import type { SignInEvidence } from '../contract/sign-in.ts';
import type { Recorder } from '../pipeline/ports.ts';

/**
 * Puts the word of the identity provider into the recording of each session of whoever signed in with one. In a unit,
 * so that it can be redacted: the token says more of the person than the session does.
 */
export function signInRecorder(recorder: Recorder, evidence: (subject: string) => SignInEvidence | null): Recorder {
  return {
    open(info) {
      const session = recorder.open(info);
      const { kind, subject } = info.identity;
      const found = kind === 'oidc' || kind === 'saml' ? evidence(subject) : null;
      if (found !== null) session.event('sign-in', found, 'unit');
      return session;
    },
    get failure() {
      return recorder.failure;
    },
    onSealed: (listener) => recorder.onSealed(listener),
    close: () => recorder.close(),
  };
}
