import type { Outcome } from './attacks.ts';

interface McpAttack {
  by: 'server' | 'agent';
  /** What a registered MCP server does, or an agent that may use one. */
  title: string;
  outcome: Outcome;
  /** What stops it, shows it or limits it. */
  note: string;
}

/** Every attempt of the hostile test of MCP. The table in SECURITY.md is made of this list, and a test compares the two. */
export const MCP_ATTACKS = {
  'server-secret': {
    by: 'server',
    title: 'Puts the secrets that it was given into a result, a key, an error, a notification or a description',
    outcome: 'enforced',
    note: 'What a server was given from the vault is taken out of everything it says, however JSON writes it.',
  },
  'server-secret-encoded': {
    by: 'server',
    title: 'Puts them there in another form (base64)',
    outcome: 'possible',
    note: 'Register servers that you trust with what you give them.',
  },
  'server-description': {
    by: 'server',
    title: 'Describes a tool otherwise between its listing and its call',
    outcome: 'enforced',
    note: 'The description is pinned; the call is asked with the PIN, and shows the difference.',
  },
  'server-lies': {
    by: 'server',
    title: 'Says from the start that a tool only reads, and lets it change things',
    outcome: 'possible',
    note: 'The shipped policy asks for such a tool as for any other; a policy that goes by readOnly believes the server.',
  },
  'server-deep': {
    by: 'server',
    title: 'Answers with JSON that is nested 100,000 levels deep',
    outcome: 'enforced',
    note: '128 levels; what is deeper is no message, and the session goes on.',
  },
  'server-huge': {
    by: 'server',
    title: 'Answers with a message of 20 MB',
    outcome: 'enforced',
    note: '16 MB; its session ends with a sentence, and others go on.',
  },
  'server-twice': {
    by: 'server',
    title: 'Answers the same request twice, or with an answer that has two results',
    outcome: 'enforced',
    note: 'The first answer counts, and the client reads what was looked at and recorded.',
  },
  'server-flood': {
    by: 'server',
    title: 'Sends 100,000 notifications during one call',
    outcome: 'enforced',
    note: 'Each is recorded and passed on as fast as the client reads; other sessions are answered meanwhile.',
  },
  'server-silent': {
    by: 'server',
    title: 'Never answers',
    outcome: 'enforced',
    note: '256 requests at a time; the client may cancel, and other sessions are answered meanwhile.',
  },
  'server-sampling': {
    by: 'server',
    title: 'Asks for the model and for what the user types',
    outcome: 'enforced',
    note: 'Refused, unless the server is registered with it; then policy decides.',
  },
  'agent-cancelled': {
    by: 'agent',
    title: 'Cancels a call that waits, and lets the person approve it all the same',
    outcome: 'enforced',
    note: 'What was cancelled waits no more, and never runs.',
  },
  'agent-id': {
    by: 'agent',
    title: 'Sends another call under the id of one that waits',
    outcome: 'enforced',
    note: 'An id is refused while it is under way; an approval is for the arguments that were shown.',
  },
  'agent-wait': {
    by: 'agent',
    title: 'Fetches the result of another session’s approved call',
    outcome: 'enforced',
    note: 'countersign_wait knows calls of its own session only.',
  },
  'agent-ambiguous': {
    by: 'agent',
    title: 'Sends a call that two parsers read differently (a key twice, another case), nested deeply, or of 20 MB',
    outcome: 'enforced',
    note: 'Refused before anything of it is forwarded.',
  },
  'agent-notification': {
    by: 'agent',
    title: 'Sends a call as a notification, which has no answer',
    outcome: 'enforced',
    note: 'Dropped, and noted in the recording.',
  },
  'agent-headers': {
    by: 'agent',
    title: 'Sends headers that name another tool or argument than the body',
    outcome: 'enforced',
    note: 'Refused; the server gets headers that are made of what was decided on.',
  },
  'agent-session': {
    by: 'agent',
    title: 'Guesses session ids, and uses another agent’s id with a token of its own',
    outcome: 'enforced',
    note: '192 random bits, and bound to the token. What the owner’s own token opens is the owner’s.',
  },
  'agent-resume': {
    by: 'agent',
    title: 'Takes up another session’s stream by an event’s id (Last-Event-ID)',
    outcome: 'enforced',
    note: 'Streams to clients cannot be taken up again.',
  },
  'agent-rebinding': {
    by: 'agent',
    title: 'Reaches the HTTP endpoint from a web page: another Origin, another Host (DNS rebinding)',
    outcome: 'enforced',
    note: 'Answered to its own Host and Origin, and to a token.',
  },
  'agent-slow': {
    by: 'agent',
    title: 'Keeps 200 connections open, on which it sends a byte now and again (slow loris)',
    outcome: 'enforced',
    note: 'Heads have 10 seconds and requests 60; others are answered meanwhile. 512 connections at most.',
  },
  'agent-fake-shim': {
    by: 'agent',
    title: 'Writes a program called countersign into mcp.json, so that its calls look as if they were decided',
    outcome: 'enforced',
    note: 'Only this very installation counts as the proxy; the hook asks for everything else.',
  },
  'agent-around': {
    by: 'agent',
    title: 'Starts the server’s program itself, or calls its address',
    outcome: 'possible',
    note: 'It has none of the secrets that are in the vault. Take the server’s entry out of the agent’s configuration.',
  },
} as const satisfies Record<string, McpAttack>;

export type McpAttackId = keyof typeof MCP_ATTACKS;

/** As it stands in SECURITY.md, between its markers. */
export function mcpAttackTable(): string {
  const rows = (by: McpAttack['by']) =>
    Object.values(MCP_ATTACKS)
      .filter((attack) => attack.by === by)
      .map(
        ({ title, outcome, note }) => `| ${title} | ${outcome === 'enforced' ? outcome : `**${outcome}**`} | ${note} |`,
      );
  return [
    '| A hostile MCP server … | | |',
    '|---|---|---|',
    ...rows('server'),
    '',
    '| A hostile agent that may use one … | | |',
    '|---|---|---|',
    ...rows('agent'),
  ].join('\n');
}
