import { Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, Ref } from 'react';

interface Props extends ButtonProps, Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps> {
  ref?: Ref<HTMLAnchorElement>;
}

/** A link of the router that looks like a button, with the router's types for path, params and search. */
export const LinkButton = createLink(function AnchorButton(props: Props) {
  return <Button component="a" {...props} />;
});
