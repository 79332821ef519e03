import { Button, Progress } from '@mantine/core';
import { IconDownload, IconPlayerStop } from '@tabler/icons-react';
import { useState } from 'react';
import { type AuditJob, MADE_FILES, type MadeFile } from '../../../../gateway/contract/audit.ts';
import { fetchFile } from '../../api/client.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { Notice, type Tone, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { bytes, timeOfDay } from '../../text/format.ts';
import classes from './job.module.css';

const t = strings.audit.job;
const TONES: Readonly<Record<AuditJob['state'], Tone>> = {
  running: 'info',
  done: 'good',
  stopped: 'late',
  failed: 'bad',
};

/** Work of these kinds, newest first; `running` is whatever runs, of any kind: there is one at a time. */
export function useJobs(kinds: readonly AuditJob['kind'][]) {
  const query = useApi('auditJobs', {});
  const items = query.data?.items ?? [];
  return {
    latest: items.find(({ kind }) => kinds.includes(kind)) ?? null,
    running: items.find(({ state }) => state === 'running') ?? null,
  };
}

/** A file that was made, to be kept somewhere else. */
export function FileLine({ file }: { file: MadeFile }) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const download = () => {
    setBusy(true);
    setError(null);
    fetchFile(MADE_FILES, file.name)
      .catch(setError)
      .finally(() => setBusy(false));
  };
  return (
    <>
      <div className={classes.file}>
        <strong>
          <Visible>{file.name}</Visible>
        </strong>
        <span className={classes.when}>{bytes(file.bytes)}</span>
        <span className={classes.path}>
          {strings.audit.files.lies} <Visible>{file.path}</Visible>
        </span>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconDownload size={15} />}
          loading={busy}
          onClick={download}
          aria-label={strings.audit.files.downloadOf(file.name)}
        >
          {strings.audit.files.download}
        </Button>
      </div>
      {error !== null && <Failure error={error} />}
    </>
  );
}

/** What is under way, or what came of it. Its height hardly changes while it runs. */
export function JobView({ job, named = true }: { job: AuditJob; named?: boolean }) {
  const now = useNow(1000);
  const stop = useApiMutation('stopJob', ['auditJobs']);
  const { done, of, sentence } = job.progress;
  const running = job.state === 'running';
  return (
    <section className={classes.job} aria-label={t.kinds[job.kind]} aria-busy={running}>
      <div className={classes.head}>
        <ToneBadge tone={TONES[job.state]}>{`${t.kinds[job.kind]}: ${t[job.state]}`}</ToneBadge>
        {named && (
          <span className={classes.what}>
            <Visible>{job.what}</Visible>
          </span>
        )}
        <span className={classes.when}>{timeOfDay(job.endedAt ?? job.startedAt, now)}</span>
        {running && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPlayerStop size={15} />}
            loading={stop.isPending}
            onClick={() => stop.mutate({ id: job.id })}
          >
            {t.stop}
          </Button>
        )}
      </div>
      {running && (
        <>
          <Progress
            value={of === null || of === 0 ? 100 : (100 * done) / of}
            animated={of === null}
            striped={of === null}
            aria-label={t.kinds[job.kind]}
          />
          <div className={classes.progress} role="status">
            <Visible>{sentence === '' ? t.begins : sentence}</Visible>
          </div>
        </>
      )}
      {job.error !== null && (
        <Notice tone="bad" role="alert">
          <Visible>{job.error.message}</Visible>
        </Notice>
      )}
      {job.sentences.length > 0 && (
        <ul className={classes.sentences}>
          {job.sentences.map((line) => (
            <li key={line}>
              <Visible>{line}</Visible>
            </li>
          ))}
        </ul>
      )}
      {job.file !== null && <FileLine file={job.file} />}
      {stop.error !== null && <Failure error={stop.error} />}
    </section>
  );
}
