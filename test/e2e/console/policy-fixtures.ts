import type { RouteOutput } from '../../../gateway/contract/api.ts';
import type { PolicyTrialInput } from '../../../gateway/contract/policy.ts';

const hash = (seed: string) =>
  [...seed.repeat(64)]
    .map((c) => (c.charCodeAt(0) % 16).toString(16))
    .join('')
    .slice(0, 64);

/** Wrong where it says `permitt`; each @id is a policy. */
export function checked(text: string): RouteOutput<'checkPolicy'> {
  const lines = text.split('\n');
  const wrong = lines.findIndex((line) => line.includes('permitt'));
  if (wrong !== -1) {
    const column = lines[wrong]!.indexOf('permitt') + 1;
    const message = 'unexpected token `permitt`; expected `permit` or `forbid`';
    return { hash: hash(text), errors: [{ line: wrong + 1, column, message }], policies: [] };
  }
  const policies = lines.flatMap((line, index) => {
    const id = /@id\("([^"]+)"\)/.exec(line)?.[1];
    const sentence = `${id} (line ${index + 1}): asks a person (click, within 600 seconds) about every statement. Says: Changes need a person.`;
    return id === undefined ? [] : [{ id, line: index + 1, sentence }];
  });
  return { hash: hash(text), errors: [], policies };
}

export function trial(text: string | undefined, what: PolicyTrialInput['what']): RouteOutput<'tryPolicy'> {
  const strict = text !== undefined;
  return {
    class: what.kind === 'statement' ? 'destructive' : 'network',
    ops: what.kind === 'statement' ? ['DELETE'] : ['git'],
    flags: ['destructive', 'no-where'],
    words: ['Deletes every row of orders (no WHERE)'],
    verdict: {
      effect: strict ? 'deny' : 'ask',
      policyIds: [strict ? 'deny-drop-database' : 'ask-writes'],
      policyHash: hash('policy'),
      reason: strict ? 'The new text never lets this through.' : 'Changes to data need a person.',
      level: 'pin',
      expiresSeconds: 300,
      grantable: false,
    },
    notes: ['The target was not asked: what its views, functions and rules do is not part of this.'],
  };
}

export function history(now: number): RouteOutput<'policyHistory'>['items'] {
  return [3, 2, 1].map((number) => ({
    number,
    hash: number === 3 ? hash('policy') : hash(`policy ${number}`),
    acceptedAt: new Date(now - (4 - number) * 86_400_000).toISOString(),
    inForce: number === 3,
  }));
}
