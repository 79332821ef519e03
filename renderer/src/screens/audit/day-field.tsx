import { TextInput } from '@mantine/core';
import { strings } from '../../strings.ts';

interface Props {
  label: string;
  /** YYYY-MM-DD, or nothing. */
  value: string;
  onChange(value: string): void;
}

/** A day, by the clock that evidence has. */
export function DayField({ label, value, onChange }: Props) {
  return (
    <TextInput
      type="date"
      label={`${label} (${strings.audit.sessions.utc})`}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Where the day begins, as the API takes times. */
export const dayStart = (day: string): string => `${day}T00:00:00Z`;
