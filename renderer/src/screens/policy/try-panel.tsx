import { Button, SegmentedControl, Select, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { PolicyTrial, PolicyTrialInput } from '../../../../gateway/contract/policy.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { hasMod, Keys } from '../../components/keys.tsx';
import { ClassBadge } from '../../components/operation-class.tsx';
import { Failure } from '../../components/page.tsx';
import { type Tone, ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './policy-side.module.css';

const t = strings.policy.trial;
type What = PolicyTrialInput['what'];
const TONES: Readonly<Record<PolicyTrial['verdict']['effect'], Tone>> = { allow: 'good', ask: 'ask', deny: 'bad' };

function Verdict({ name, trial, error }: { name: string; trial: PolicyTrial | undefined; error: unknown }) {
  if (error !== null && error !== undefined) return <Failure error={error} />;
  if (trial === undefined) return null;
  const { verdict } = trial;
  return (
    <div className={classes.verdict}>
      <div className={classes.verdictHead}>
        <span className={classes.muted}>{name}</span>
        <ToneBadge tone={TONES[verdict.effect]}>{t.effects[verdict.effect]}</ToneBadge>
        {verdict.effect === 'ask' && <span className={classes.muted}>{strings.approvals.levels[verdict.level]}</span>}
      </div>
      <p className={classes.reason}>
        <Visible>{verdict.reason}</Visible>
      </p>
      {verdict.policyIds.length > 0 && (
        <p className={classes.muted}>
          {strings.session.policy} <Visible>{verdict.policyIds.join(', ')}</Visible>
        </p>
      )}
    </div>
  );
}

/** Tries a statement or a command on the text as it is in the editor, and on the one in force. */
export function TryPanel({ text, inForce }: { text: string; inForce: string }) {
  const [kind, setKind] = useState<What['kind']>('statement');
  const [asked, setAsked] = useState({ statement: '', command: '' });
  const [cwd, setCwd] = useState('/workspace');
  const [connectionId, setConnectionId] = useState<string | null>(null);
  const connections = useApi('connections', {});
  const now = useApiMutation('tryPolicy');
  const then = useApiMutation('tryPolicy');
  const changed = text !== inForce;
  const typed = asked[kind];
  const run = () => {
    if (typed.trim() === '') return;
    const what: What =
      kind === 'statement'
        ? { kind, text: typed, ...(connectionId === null ? {} : { connectionId }) }
        : { kind, text: typed, cwd: cwd.trim() === '' ? '/workspace' : cwd.trim() };
    now.mutate({ what });
    if (changed) then.mutate({ what, policy: text });
    else then.reset();
  };
  const shown = then.data ?? now.data;
  return (
    <section aria-label={t.title} className={classes.section}>
      <h2 className={classes.title}>{t.title}</h2>
      <p className={classes.muted}>{t.lead}</p>
      <form
        className={classes.form}
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          run();
        }}
      >
        <SegmentedControl
          fullWidth
          size="xs"
          aria-label={t.kind}
          value={kind}
          onChange={(value) => {
            setKind(value as What['kind']);
            now.reset();
            then.reset();
          }}
          data={Object.entries(t.kinds).map(([value, label]) => ({ value, label }))}
        />
        <Textarea
          label={t.kinds[kind]}
          placeholder={t.placeholders[kind]}
          value={typed}
          onChange={(event) => setAsked({ ...asked, [kind]: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !hasMod(event.nativeEvent)) return;
            event.preventDefault();
            run();
          }}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={16_000}
          spellCheck={false}
          classNames={{ input: classes.mono ?? '' }}
        />
        {kind === 'statement' ? (
          <Select
            label={t.on}
            placeholder={connections.data?.items[0]?.id ?? t.madeUp}
            data={(connections.data?.items ?? []).map(({ id }) => id)}
            value={connectionId}
            onChange={setConnectionId}
            clearable
          />
        ) : (
          <TextInput
            label={t.cwd}
            value={cwd}
            onChange={(event) => setCwd(event.currentTarget.value)}
            maxLength={4096}
          />
        )}
        <Button
          type="submit"
          variant="default"
          disabled={typed.trim() === ''}
          loading={now.isPending || then.isPending}
          rightSection={<Keys keys={['mod', 'Enter']} />}
          aria-keyshortcuts="Control+Enter Meta+Enter"
        >
          {t.run}
        </Button>
      </form>
      <div role="status" className={classes.answers}>
        {changed && (then.data !== undefined || then.error !== null) && (
          <Verdict name={t.withThis} trial={then.data} error={then.error} />
        )}
        <Verdict name={t.withInForce} trial={now.data} error={now.error} />
        {shown !== undefined && (
          <div className={classes.effects}>
            <div className={classes.verdictHead}>
              <ClassBadge value={shown.class} />
              <span className={classes.muted}>
                <Visible>{shown.ops.slice(0, 6).join(', ')}</Visible>
              </span>
            </div>
            <ul>
              {shown.words.slice(0, 6).map((word) => (
                <li key={word}>
                  <Visible>{word}</Visible>
                </li>
              ))}
            </ul>
            {shown.flags.length > 0 && (
              <p className={classes.muted}>
                {t.flags} <Visible>{shown.flags.join(', ')}</Visible>
              </p>
            )}
            {shown.notes.map((note) => (
              <p key={note} className={classes.muted}>
                <Visible>{note}</Visible>
              </p>
            ))}
          </div>
        )}
      </div>
    </section>
  );
}
