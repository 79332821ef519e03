import { Button, Menu } from '@mantine/core';
import { IconChevronDown, IconLock } from '@tabler/icons-react';
import { type Approval, type GrantScope, isStanding } from '../../../../gateway/contract/decision.ts';
import { strings } from '../../strings.ts';
import { visibleString } from '../../text/visible-text.ts';
import { Visible } from '../visible.tsx';
import classes from './approval-actions.module.css';
import { narrowLimits } from './limits.ts';
import { limitsStrings } from './limits-strings.ts';
import { reachSentence, scopeKey, scopeSentence, scopeSpan, widerScopes } from './scopes.ts';

const t = strings.approvals;
const ONCE: GrantScope = { kind: 'once' };

interface Props {
  approval: Approval;
  scope: GrantScope;
  size: 'sm' | 'md';
  choose(scope: GrantScope): void;
  disabled: boolean;
}

/** The other half of the split button. Choosing lets nothing through yet: it changes what the button says. */
export function ScopeMenu({ approval, scope, size, choose, disabled }: Props) {
  const limits = narrowLimits(approval);
  const item = (candidate: GrantScope) => ({
    value: scopeKey(candidate),
    checked: scopeKey(candidate) === scopeKey(scope),
    onChange: () => choose(candidate),
    closeMenuOnClick: true,
  });
  const wider = widerScopes(approval);
  const group = ({ reach, scopes }: (typeof wider)[number]) => (
    <div key={reach} className={classes.reach}>
      <Menu.Label className={classes.reachHead}>
        <span className={classes.scopeName}>{t.reachName[reach]}</span>
        <span className={classes.reachText}>
          <Visible>{reachSentence(reach, approval)}</Visible>
        </span>
      </Menu.Label>
      {scopes.map((candidate) => (
        <Menu.RadioItem
          key={scopeKey(candidate)}
          {...item(candidate)}
          aria-label={`${scopeSpan(candidate)}: ${visibleString(scopeSentence(candidate, approval))}`}
          rightSection={isStanding(candidate) ? <IconLock size={14} aria-hidden /> : null}
        >
          {scopeSpan(candidate)}
        </Menu.RadioItem>
      ))}
    </div>
  );
  return (
    <Menu
      position="top-end"
      width="min(360px, calc(100vw - 24px))"
      withinPortal={false}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <Button className={classes.more} size={size} px={10} aria-label={t.approveMore} disabled={disabled}>
          <IconChevronDown size={18} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown className={classes.scopes}>
        <Menu.Label>{t.scopeIntro}</Menu.Label>
        <Menu.RadioItem {...item(ONCE)}>
          <span className={classes.scopeName}>{t.approve}</span>
          <span className={classes.scopeText}>{scopeSentence(ONCE, approval)}</span>
        </Menu.RadioItem>
        {wider.filter(({ reach }) => reach === 'exact').map(group)}
        {limits !== null && (
          <Menu.RadioItem {...item(scope.kind !== 'once' && scope.reach === 'pattern' ? scope : limits)}>
            <span className={classes.scopeName}>{limitsStrings.name}</span>
            <span className={classes.scopeText}>{limitsStrings.hint}</span>
          </Menu.RadioItem>
        )}
        {wider.filter(({ reach }) => reach !== 'exact').map(group)}
      </Menu.Dropdown>
    </Menu>
  );
}
