import { HookFiles, HookInput, HookOutput, HookPreview } from '../hooks.ts';
import { Nothing, route } from './route.ts';

/** An event of 8 MiB, and what belongs to it. */
const MAX_HOOK = 12 * 1024 * 1024;

export const hooksRoutes = {
  /**
   * One event of an agent, from the hook that the agent runs. Held while a person decides. It gives no leave: it
   * asks for it, as any client does.
   */
  hook: { ...route('POST', '/api/hooks/:agent', 'session', HookInput, HookOutput), maxBody: MAX_HOOK },
  /** What the hook's client found at the paths that it was asked to look at. */
  hookFiles: { ...route('POST', '/api/hook-files', 'session', HookFiles, HookOutput), maxBody: MAX_HOOK },
  /** It helps the person, and decides nothing. */
  hookPreview: route('POST', '/api/hook-previews', 'session', HookPreview, Nothing),
} as const;
