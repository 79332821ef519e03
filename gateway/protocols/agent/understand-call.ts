import type { AgentAction } from './events.ts';
import { bareTool, canonicalJson } from './pairing.ts';
import { valueWithoutSecrets, withoutSecrets } from './secrets.ts';
import {
  bindingsOf,
  bounded,
  boundText,
  effectsOf,
  factsOf,
  type Surroundings,
  type Understood,
  workOf,
} from './understand.ts';

type CallAction = Extract<AgentAction, { kind: 'call' }>;

const MAX_ARGUMENTS = 200;

/** A call of an MCP tool, or of a tool that is the agent's own and not known here. */
export async function understandCall(action: CallAction, around: Surroundings): Promise<Understood> {
  const { understanding, context } = around;
  const kinds = new Set<string>();
  const input = valueWithoutSecrets(action.input, kinds);
  const exact = canonicalJson(action.input);
  const shown = canonicalJson(input);
  const tool = bareTool(action.tool);
  const server = action.server ?? (action.tool === tool ? context.agent : 'mcp');
  const target = action.target === null ? null : withoutSecrets(action.target).text;
  const effects = effectsOf(
    {
      class: 'unknown',
      ops: [tool],
      flags: [],
      words: [
        `Calls the tool ${tool} of ${server}`,
        ...[...kinds].map((kind) => `Sends what looks like a secret (${kind})`),
      ],
      shape: bounded(`${server} ${tool} ${shown}`),
    },
    understanding,
  );
  if (kinds.size > 0) effects.fingerprint = understanding.keyed(exact).slice(0, 16);
  return {
    question: {
      action: 'callTool',
      effects,
      secrets: [...kinds],
      agent: context.agent,
      server,
      tool,
      arguments: argumentsOf(input),
      readOnly: false,
      destructive: false,
    },
    operation: {
      tool: tool.slice(0, 512),
      place: server.slice(0, 4200),
      text: bounded(shown),
      bindings: bindingsOf([
        ...(target === null ? [] : [['server', target] as const]),
        ...(exact === shown && exact.length < 200_000
          ? []
          : [['arguments', boundText(exact, kinds.size > 0, around)] as const]),
      ]),
    },
    record: { server, target, arguments: input, ...(kinds.size > 0 ? { secrets: [...kinds] } : {}) },
    bound: [],
    objects: [],
    elsewhere: await decidedElsewhere(action, around),
    harmless: false,
  };
}

/** An agent's own tools reach no server. */
async function decidedElsewhere(
  action: CallAction,
  { understanding, context, call }: Surroundings,
): Promise<Understood['elsewhere']> {
  if (action.server === null && action.tool === bareTool(action.tool)) return null;
  const paths = understanding.mcpFiles(context.agent, call.home, context.workspaces);
  if (paths.length === 0) return null;
  const facts = await factsOf(
    paths.map((path) => ({ path, want: 'text' as const })),
    call,
  );
  const texts = paths.map((path) => facts.get(path)?.text ?? null);
  if (!understanding.throughProxy(action.server, texts)) return null;
  return action.server === null ? 'any' : 'named';
}

/** A prompt to the agent, or a task for another one. */
export function understandPrompt(
  tool: string,
  text: string,
  attachments: readonly string[],
  around: Surroundings,
): Understood {
  const { understanding, context, call } = around;
  const cleaned = withoutSecrets(text);
  const place = { cwd: null, home: call.home };
  const secretFiles = attachments.filter((path) => understanding.isSecret(path, place));
  const effects = effectsOf(
    {
      class: secretFiles.length > 0 ? 'secret-read' : 'read',
      ops: [tool],
      flags: secretFiles.length > 0 ? ['secret-read'] : [],
      words: [
        ...cleaned.kinds.map((kind) => `Holds what looks like a secret (${kind})`),
        ...secretFiles.map((path) => `Attaches ${path}, which holds secrets`),
      ],
      shape: bounded(cleaned.text),
    },
    understanding,
  );
  return {
    question: { action: 'sendPrompt', effects, secrets: cleaned.kinds, ...workOf(context) },
    operation: {
      tool,
      place: context.workspaces[0] ?? '',
      text: bounded(cleaned.text),
      bindings: bindingsOf([
        ...attachments.slice(0, 50).map((path) => ['attachment', path] as const),
        ...(cleaned.kinds.length === 0 ? [] : [['text', boundText(text, true, around)] as const]),
      ]),
    },
    record: {
      text: cleaned.text,
      ...(attachments.length > 0 ? { attachments } : {}),
      ...(cleaned.kinds.length > 0 ? { secrets: cleaned.kinds } : {}),
    },
    bound: [],
    objects: secretFiles,
    harmless: true,
  };
}

/** As policies see them: `name=value` of what is a text, a number or a boolean. */
function argumentsOf(input: unknown): string[] {
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return [];
  return Object.entries(input)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .slice(0, MAX_ARGUMENTS)
    .map(([name, value]) => `${name}=${String(value)}`.slice(0, 4000));
}
