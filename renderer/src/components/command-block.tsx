import { useApi } from '../api/queries.ts';
import { CopyBlock } from './copy.tsx';

/** A command of Countersign's own, as it is called where this gateway runs. */
export function CommandBlock({ label, command }: { label: string; command: string }) {
  const here = useApi('about', {}).data?.command ?? 'countersign';
  return <CopyBlock label={label} text={command.replace(/^countersign\b/, here)} />;
}
