import { Link, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { desktop } from '../api/desktop.ts';

/** To a page of the console; from the popup it opens there, and the popup stays what it is. */
export function ConsoleLink({ to, children }: { to: '/policy' | '/settings'; children: ReactNode }) {
  const popup = useRouterState({ select: (state) => state.location.pathname === '/popup' });
  if (!popup) return <Link to={to}>{children}</Link>;
  return (
    <a
      href={to}
      target="_blank"
      rel="noreferrer"
      onClick={(event) => {
        if (desktop === null) return;
        event.preventDefault();
        desktop.openConsole(to);
      }}
    >
      {children}
    </a>
  );
}
