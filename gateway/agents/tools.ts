import type { AgentAction } from '../protocols/agent/events.ts';
import { changeOf, firstText, object, parsedJson } from './adapter.ts';

/** What tools do, by the names that agents give them; all others are asked about under their own name. */
const TOOLS: Readonly<Record<string, 'shell' | 'read' | 'search' | 'write' | 'delete' | 'patch' | 'mcp' | 'harmless'>> =
  Object.fromEntries(
    (
      [
        [
          'shell',
          'Shell Bash bash sh zsh shell local_shell exec_command unified_exec powershell PowerShell run_shell_command run_terminal_cmd run_terminal_command run_in_terminal execute_command',
        ],
        ['read', 'Read ReadFile read_file view NotebookRead read_notebook cat'],
        [
          'search',
          'Grep Glob LS List ListDir SemanticSearch grep glob ls grep_search search_file_content list_dir list_directory file_search find_files codebase_search semantic_search glob_file_search read_many_files',
        ],
        [
          'write',
          'Write StrReplace Edit MultiEdit EditFile NotebookEdit EditNotebook edit_file search_replace write write_file replace create edit str_replace create_file replace_string_in_file multi_replace_string_in_file insert_edit_into_file edit_notebook_file',
        ],
        ['delete', 'Delete DeleteFile delete_file remove_file'],
        ['patch', 'ApplyPatch apply_patch'],
        ['mcp', 'CallMcpTool call_mcp_tool'],
        [
          'harmless',
          'TodoWrite TodoRead UpdateTodos ReadLints AskQuestion AskUserQuestion SwitchMode CreatePlan UpdatePlan EnterPlanMode ExitPlanMode Await BashOutput TaskOutput todo_write write_todos update_plan read_lints manage_todo_list report_intent Task Agent',
        ],
      ] as const
    ).flatMap(([kind, names]) => names.split(' ').map((name) => [name, kind])),
  );

export const isHarmless = (tool: string): boolean => TOOLS[tool] === 'harmless';

export const pathOf = (input: Record<string, unknown>): string | null =>
  firstText(
    input,
    'file_path',
    'path',
    'target_file',
    'filePath',
    'absolute_path',
    'notebook_path',
    'target_notebook',
    'dir_path',
    'target_directory',
  );

/** @param cwd where the agent says that it is; @param folder where it looks when a search names no folder. */
export function toolAction(tool: string, given: unknown, cwd: string | null, folder: string | null): AgentAction {
  const parsed = parsedJson(given);
  const input = object.parse(parsed);
  const name = tool.slice(0, 300) || 'unnamed';
  const unknown: AgentAction = {
    kind: 'call',
    tool: name,
    server: /^mcp__(.+?)__/.exec(name)?.[1] ?? null,
    input: parsed ?? {},
    target: null,
  };
  const path = pathOf(input);
  switch (Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined) {
    case 'shell': {
      const command = commandOf(input);
      if (command === null) return unknown;
      const told = firstText(input, 'working_directory', 'workingDirectory', 'workdir', 'directory', 'dir_path', 'cwd');
      return { kind: 'shell', tool: 'Shell', command, cwd: told || cwd };
    }
    case 'read':
      return path === null ? unknown : { kind: 'read', tool: name, path, content: null };
    case 'search':
      return { kind: 'read', tool: name, path: path ?? folder ?? '.', content: null };
    case 'write':
      return path === null ? unknown : { kind: 'write', tool: name, path, change: changeOf(input) };
    case 'delete':
      return path === null ? unknown : { kind: 'delete', tool: name, path };
    case 'patch': {
      const patch = typeof parsed === 'string' ? parsed : firstText(input, 'command', 'input', 'patch');
      const files = patch === null ? [] : patchedFiles(patch);
      return patch === null || files.length === 0 ? unknown : { kind: 'patch', tool: name, patch, files };
    }
    case 'mcp': {
      const called = firstText(input, 'toolName', 'tool_name', 'tool');
      if (called === null) return unknown;
      const server = firstText(input, 'server', 'serverName', 'server_name');
      return { kind: 'call', tool: `MCP:${called}`, server, input: parsedJson(input.arguments ?? {}), target: null };
    }
    default:
      return unknown;
  }
}

/** A command line; a list of words is one that runs them. */
function commandOf(input: Record<string, unknown>): string | null {
  const { command } = input;
  if (Array.isArray(command)) {
    const words = command.filter((word): word is string => typeof word === 'string');
    if (words.length !== command.length || words.length === 0) return null;
    // `bash -lc SCRIPT` is how some agents run every command.
    if (words.length === 3 && /(^|\/)(ba|z|da)?sh$/.test(words[0]!) && /^-[lc]*c$/.test(words[1]!)) return words[2]!;
    return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
  }
  return firstText(input, 'command', 'cmd', 'command_line');
}

const FILE_LINE = /^\*\*\* (Add|Update|Delete) File: (.+)$/;

/** The files of a patch in the form that models write (`*** Begin Patch`). */
function patchedFiles(patch: string): { path: string; how: 'write' | 'delete'; text: string }[] {
  const files: { path: string; how: 'write' | 'delete'; text: string }[] = [];
  for (const line of patch.split('\n')) {
    const found = FILE_LINE.exec(line.trimEnd());
    const moved = /^\*\*\* Move to: (.+)$/.exec(line.trimEnd())?.[1];
    if (found) files.push({ path: found[2]!, how: found[1] === 'Delete' ? 'delete' : 'write', text: '' });
    else if (moved !== undefined) files.push({ path: moved, how: 'write', text: '' });
    else {
      const last = files.at(-1);
      if (last) last.text += `${line}\n`;
    }
  }
  return files;
}
