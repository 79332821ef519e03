import { createHash } from 'node:crypto';
import type { AuthorizationAnswer, DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
import type { Cedar } from './cedar.ts';
import { type PolicyNotes, readAnnotations } from './decisions/annotations.ts';
import type { CedarRequest } from './decisions/request.ts';
import type { Evaluation } from './decisions/verdict.ts';
import { fromByteOffset, type Place, placeOf, tooNested } from './nesting.ts';
import { SCHEMA } from './schema.ts';

/** What is wrong with a text, and where. */
export interface PolicyError {
  place: Place | null;
  message: string;
}

export interface CompiledPolicy extends PolicyNotes {
  text: string;
  place: Place | null;
}

const MAX_TEXT = 1_000_000;
const MAX_POLICIES = 2000;

export function errorSentence({ place, message }: PolicyError): string {
  return place === null ? message : `line ${place.line}, column ${place.column}: ${message}`;
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A text that compiled: evaluates requests, parsing its policies again whenever Cedar had to be respawned. */
export class PolicySet {
  readonly text: string;
  readonly hash: string;
  readonly policies: readonly CompiledPolicy[];
  /** Whether a policy may look at a call's arguments: it names them, or takes the context as a whole. */
  readonly readsArguments: boolean;
  /** The same of a command's words. */
  readonly readsCommand: boolean;
  readonly #cedar: Cedar;
  readonly #byId: ReadonlyMap<string, CompiledPolicy>;
  #generation = 0;

  constructor(text: string, policies: readonly CompiledPolicy[], cedar: Cedar) {
    this.text = text;
    this.hash = hashOf(text);
    this.policies = policies;
    // A backslash may begin an escape in a name.
    const whole = /\\|\bcontext\b(?!\s*(\.|\[|has\b))/.test(text);
    this.readsArguments = whole || text.includes('arguments');
    this.readsCommand = whole || /\b(?:form|command)\b/.test(text);
    this.#cedar = cedar;
    this.#byId = new Map(policies.map((policy) => [policy.id, policy]));
  }

  /** Throws what Cedar's WASM throws; the caller denies. */
  evaluate(request: CedarRequest): Evaluation {
    const answer = this.#cedar.run((cedar): AuthorizationAnswer => {
      if (this.#generation !== this.#cedar.generation) {
        cedar.preparseSchema('countersign', SCHEMA);
        const staticPolicies = Object.fromEntries(this.policies.map((policy) => [policy.id, policy.text]));
        const parsed = cedar.preparsePolicySet(this.hash, { staticPolicies });
        if (parsed.type === 'failure') throw new Error(parsed.errors[0]?.message ?? 'the policies do not parse');
        this.#generation = this.#cedar.generation;
      }
      return cedar.statefulIsAuthorized({
        ...request,
        preparsedSchemaName: 'countersign',
        preparsedPolicySetId: this.hash,
        validateRequest: true,
      });
    });
    if (answer.type === 'failure')
      return { allowed: false, policies: [], errors: answer.errors.map((error) => error.message) };
    const { decision, diagnostics } = answer.response;
    return {
      allowed: decision === 'allow',
      policies: diagnostics.reason.flatMap((id) => this.#byId.get(id) ?? []),
      errors: diagnostics.errors.map((error) => `${error.policyId}: ${error.error.message}`),
    };
  }
}

/** Parses and validates a text. Never throws. */
export function compilePolicies(text: string, cedar: Cedar): PolicySet | { errors: readonly PolicyError[] } {
  const only = (message: string, place: Place | null = null): { errors: PolicyError[] } => ({
    errors: [{ place, message }],
  });
  if (text.length > MAX_TEXT) return only(`is longer than ${MAX_TEXT} characters`);
  if (!text.isWellFormed()) return only('is not well-formed Unicode');
  const nested = tooNested(text);
  if (nested !== null) return only('is nested too deeply', nested);
  try {
    return cedar.run((module) => {
      const parts = module.policySetTextToParts(text);
      if (parts.type === 'failure') return { errors: parts.errors.map((error) => located(text, 0, error)) };
      if (parts.policy_templates.length > 0) return only('templates (?principal, ?resource) are not supported');
      if (parts.policies.length === 0) return only('holds no policy, so nothing would be permitted');
      if (parts.policies.length > MAX_POLICIES) return only(`holds more than ${MAX_POLICIES} policies`);
      return compileParts(text, parts.policies, cedar);
    });
  } catch (error) {
    return only(`could not be read by Cedar: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function compileParts(text: string, parts: readonly string[], cedar: Cedar): PolicySet | { errors: PolicyError[] } {
  const errors: PolicyError[] = [];
  const policies: CompiledPolicy[] = [];
  const offsets = new Map<string, number>();
  const module = cedar.module;
  for (const part of parts) {
    // Cedar returns policies verbatim, in no particular order.
    const found = text.indexOf(part);
    const offset = found === -1 ? null : found;
    const place = offset === null ? null : placeOf(text, offset);
    const json = module.policyToJson(part);
    if (json.type === 'failure') {
      errors.push(...json.errors.map((error) => located(text, offset ?? 0, error)));
      continue;
    }
    const { notes, errors: wrong } = readAnnotations(json.json.effect, json.json.annotations ?? {});
    errors.push(...wrong.map((message) => ({ place, message })));
    if (offsets.has(notes.id)) errors.push({ place, message: `the id "${notes.id}" is there twice` });
    offsets.set(notes.id, offset ?? 0);
    policies.push({ ...notes, text: part, place });
  }
  if (errors.length > 0) return { errors: sortedByPlace(errors) };
  sortedByPlace(policies);
  const staticPolicies = Object.fromEntries(policies.map((policy) => [policy.id, policy.text]));
  const answer = module.validate({ schema: SCHEMA, policies: { staticPolicies } });
  const found =
    answer.type === 'failure'
      ? answer.errors.map((error) => located(text, 0, error))
      : answer.validationErrors.map(({ policyId, error }) => located(text, offsets.get(policyId) ?? 0, error));
  return found.length > 0 ? { errors: sortedByPlace(found) } : new PolicySet(text, policies, cedar);
}

function sortedByPlace<T extends { place: Place | null }>(items: T[]): T[] {
  const key = ({ place }: T): number => (place === null ? 0 : place.line * 1e6 + place.column);
  return items.sort((a, b) => key(a) - key(b));
}

/** @param base UTF-16 offset in `text` of what Cedar was given. */
function located(text: string, base: number, error: DetailedError): PolicyError {
  const source = error.sourceLocations?.[0];
  const place = source === undefined ? null : placeOf(text, base + fromByteOffset(text.slice(base), source.start));
  const expected = source?.label ? `; ${source.label}` : '';
  const help = error.help ? `; ${error.help}` : '';
  return { place, message: `${error.message}${expected}${help}` };
}
