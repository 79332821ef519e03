import { PasswordInput, type PasswordInputProps } from '@mantine/core';
import { useApi } from '../api/queries.ts';
import { strings } from '../strings.ts';
import { ConsoleLink } from './console-link.tsx';
import { Notice } from './tone.tsx';

export const PIN_MIN = 6;

interface Props extends Omit<PasswordInputProps, 'value' | 'onChange'> {
  value: string;
  onChange: (value: string) => void;
}

/** Where a PIN is typed; where none is set yet it says how to set one. */
export function PinField({ value, onChange, label = strings.pin.label, ...rest }: Props) {
  const status = useApi('status', {});
  if (status.data !== undefined && !status.data.pinSet) {
    return (
      <Notice tone="warn">
        {strings.pin.missing} <ConsoleLink to="/settings">{strings.pin.missingLink}</ConsoleLink>
      </Notice>
    );
  }
  return (
    <PasswordInput
      {...rest}
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
      inputMode="text"
      maxLength={64}
    />
  );
}
