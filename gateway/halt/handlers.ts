import type { ControlHandlers } from '../control/handlers.ts';
import type { Halt } from './halt.ts';

/** The control API's routes for stopping everything at once. Presence was established by the server. */
export function createHaltHandlers(halt: Halt): Pick<ControlHandlers, 'pauseAll' | 'panic' | 'resumeAll'> {
  return {
    pauseAll: ({ minutes }, { decidedBy }) => halt.pause(minutes, decidedBy),
    panic: ({ minutes }, { decidedBy }) => halt.panic(minutes, decidedBy),
    resumeAll: (_, { decidedBy }) => {
      halt.resume(decidedBy);
      return {};
    },
  };
}
