import { createContext, useContext } from 'react';
import type { ConsoleHost } from '../../../gateway/contract/routes/console.ts';

/** Which program answers: known before anything else is shown. */
export const HostContext = createContext<ConsoleHost>('gateway');
export const useHost = (): ConsoleHost => useContext(HostContext);
