import { z } from 'zod';
import { KeptFile, UndoPlan } from '../undo.ts';
import { Id, Pin, route } from './route.ts';

const Exchange = z.coerce.number().int().nonnegative();

export const undoRoutes = {
  undoPlan: route(
    'GET',
    '/api/sessions/:id/undo/:exchange',
    'session',
    z.object({ id: Id, exchange: Exchange }),
    UndoPlan,
  ),
  /** The contents, for a person who puts them back: it goes round what policy says of the files, so it takes the PIN. */
  undoContents: route(
    'POST',
    '/api/sessions/:id/undo/:exchange',
    'session',
    z.object({ id: Id, exchange: Exchange, pin: Pin }),
    z.object({ files: z.array(KeptFile) }),
  ),
} as const;
