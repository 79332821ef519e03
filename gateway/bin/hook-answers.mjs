// What agents understand as an answer. `answer` is {permission: 'allow' | 'deny' | null, message, command, approved}.

/** Events by which each agent asks; all others only tell. */
const GATING = {
  cursor: [
    'preToolUse',
    'beforeShellExecution',
    'beforeMCPExecution',
    'beforeReadFile',
    'beforeTabFileRead',
    'beforeSubmitPrompt',
    'subagentStart',
  ],
  'claude-code': ['PreToolUse', 'UserPromptSubmit'],
  codex: ['PreToolUse', 'UserPromptSubmit'],
  copilot: ['preToolUse', 'PreToolUse'],
  'gemini-cli': ['BeforeTool', 'BeforeAgent'],
  windsurf: ['pre_user_prompt', 'pre_read_code', 'pre_write_code', 'pre_run_command', 'pre_mcp_tool_use'],
};

export const AGENTS = Object.keys(GATING);

/** The event's name: agents that do not say it have it in the installed command. */
export function eventNameOf(option, event) {
  const name = option ?? event?.hook_event_name ?? event?.agent_action_name ?? '';
  return typeof name === 'string' ? name : '';
}

/** An event that cannot be read may be one that asks. */
export function isGating(agent, option, event) {
  if (event === null || !(agent in GATING)) return true;
  const name = eventNameOf(option, event);
  return name === '' || GATING[agent].some((one) => one.toLowerCase() === name.toLowerCase());
}

const json = (value, code = 0, stderr = '') => ({ stdout: `${JSON.stringify(value)}\n`, stderr, code });

/** @returns {{stdout: string, stderr: string, code: number}} what the agent takes for that answer. */
export function render(agent, option, event, answer) {
  if (!isGating(agent, option, event)) return json({});
  const allow = answer.permission !== 'deny';
  const { message } = answer;
  switch (agent) {
    case 'claude-code':
    case 'codex':
      return json(likeClaude(eventNameOf(option, event), event, answer));
    case 'copilot':
      if (allow && !answer.approved) return json({});
      return json({
        permissionDecision: allow ? 'allow' : 'deny',
        ...(allow ? {} : { permissionDecisionReason: message }),
      });
    case 'gemini-cli':
      return json(allow ? {} : { decision: 'deny', reason: message });
    case 'windsurf':
      return allow ? json({}) : json({}, 2, `${message}\n`);
    case 'cursor':
      return json(likeCursor(eventNameOf(option, event), event, answer));
    default:
      return json({}, 2, `countersign hook: there is no agent "${agent}"; there are: ${AGENTS.join(', ')}\n`);
  }
}

/** Which of the two messages the model sees differs by version, so both say the same. */
function likeCursor(name, event, { permission, message, command }) {
  const allow = permission !== 'deny';
  const texts = allow ? {} : { user_message: message, agent_message: message };
  if (name === 'beforeSubmitPrompt') return { continue: allow, ...texts };
  const decision = { permission: allow ? 'allow' : 'deny', ...texts };
  // What cannot be read could be any event.
  if (name === '') return { ...decision, continue: allow };
  if (/^[A-Z]/.test(name)) return { ...decision, ...likeClaude(name, event, { permission, message, command: null }) };
  if (!allow || command === null || name !== 'preToolUse') return decision;
  return { ...decision, updated_input: { ...event.tool_input, command } };
}

/** An allow would end the agent's own asking, so it is given only where a person allowed it. */
function likeClaude(name, event, { permission, message, command, approved }) {
  const deny = permission === 'deny';
  if (name === 'UserPromptSubmit') return deny ? { decision: 'block', reason: message } : {};
  if (deny) {
    const hookSpecificOutput = {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: message,
    };
    return name === '' ? { decision: 'block', reason: message, hookSpecificOutput } : { hookSpecificOutput };
  }
  if (!approved && command === null) return {};
  return {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'allow',
      ...(command === null ? {} : { updatedInput: { ...event?.tool_input, command } }),
    },
  };
}
