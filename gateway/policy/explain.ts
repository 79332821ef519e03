import { needsInWords } from '../contract/approvers.ts';
import { Cedar } from './cedar.ts';
import { type CompiledPolicy, compilePolicies, errorSentence, PolicySet } from './policy-set.ts';

/** One policy in words. */
export function sentenceOf(policy: CompiledPolicy): string {
  const where = policy.place === null ? '' : ` (line ${policy.place.line})`;
  const condition = conditionOf(policy.text);
  const reason = policy.reason === null ? '' : ` Says: ${policy.reason}`;
  if (policy.effect === 'permit') return `${policy.id}${where}: permits ${condition}.${reason}`;
  if (policy.require === null) return `${policy.id}${where}: always denies ${condition}.${reason}`;
  const grant = policy.grantable ? ', and a wider grant can be chosen' : '';
  return `${policy.id}${where}: asks ${whomOf(policy)} (${policy.require}, within ${policy.expires} seconds${grant}) about ${condition}.${reason}`;
}

function whomOf({ approvers }: CompiledPolicy): string {
  if (approvers === null) return 'a person';
  const { group, count, notRequester } = approvers;
  return `${needsInWords([{ group, count }])}${notRequester ? ' other than the requester' : ''}`;
}

/** The policy's scope and condition on one line, as written. */
function conditionOf(text: string): string {
  const body = text
    .replace(/\/\/.*$/gm, '')
    .replace(/@\w+(\("(?:[^"\\]|\\.)*"\))?/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  const scope = /^(?:permit|forbid) ?\(([\s\S]*?)\) ?(?=when|unless|;)/.exec(body);
  const rest = scope === null ? body : body.slice(scope[0].length);
  const subject = (scope?.[1] ?? '').trim();
  const conditions = rest.replace(/;$/, '').trim();
  const plain = /^principal, action(?: == Action::"run")?, resource$/.test(subject);
  const whose = plain ? 'every statement' : `what is (${subject})`;
  return conditions === '' ? whose : `${whose} ${conditions}`;
}

/** Validates a text: errors with line and column, or each policy in words. Needs no gateway. */
export function checkPolicy(text: string): { errors: string[]; policies: string[] } {
  const set = compilePolicies(text, new Cedar());
  return set instanceof PolicySet
    ? { errors: [], policies: set.policies.map(sentenceOf) }
    : { errors: set.errors.map(errorSentence), policies: [] };
}
