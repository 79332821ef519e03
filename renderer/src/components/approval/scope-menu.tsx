import { Button, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import type { Approval, GrantScope } from '../../../../gateway/contract/decision.ts';
import { strings } from '../../strings.ts';
import { Visible } from '../visible.tsx';
import classes from './approval-actions.module.css';
import { scopeKey, scopeLabel, scopeSentence, scopesOf } from './scopes.ts';

const t = strings.approvals;

interface Props {
  approval: Approval;
  scope: GrantScope;
  size: 'sm' | 'md';
  choose(scope: GrantScope): void;
  disabled: boolean;
}

/** The other half of the split button. Choosing lets nothing through yet: it changes what the button says. */
export function ScopeMenu({ approval, scope, size, choose, disabled }: Props) {
  return (
    <Menu
      position="top-end"
      width="min(340px, calc(100vw - 24px))"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <Button className={classes.more} size={size} px={10} aria-label={t.approveMore} disabled={disabled}>
          <IconChevronDown size={18} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t.scopeIntro}</Menu.Label>
        {scopesOf(approval).map((candidate) => (
          <Menu.RadioItem
            key={scopeKey(candidate)}
            value={scopeKey(candidate)}
            checked={scopeKey(candidate) === scopeKey(scope)}
            onChange={() => choose(candidate)}
            closeMenuOnClick
          >
            <span className={classes.scopeName}>{scopeLabel(candidate)}</span>
            <span className={classes.scopeText}>
              <Visible>{scopeSentence(candidate, approval)}</Visible>
            </span>
          </Menu.RadioItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
