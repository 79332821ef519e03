import { Button, Checkbox, Loader, MultiSelect, SegmentedControl, TextInput } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Card, Failure, Page } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { visibleString } from '../../text/visible-text.ts';
import classes from './audit.module.css';
import { DayField, dayStart } from './day-field.tsx';
import { FileLine, JobView, useJobs } from './job.tsx';

const t = strings.audit.report;

export function ReportScreen() {
  const devices = useApi('auditDevices', {});
  const files = useApi('madeFiles', {});
  const report = useApiMutation('startReport', ['auditJobs']);
  const { latest, running } = useJobs(['report']);
  const [title, setTitle] = useState<string>(t.nameDefault);
  const [since, setSince] = useState('');
  const [until, setUntil] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [texts, setTexts] = useState(false);
  const [form, setForm] = useState<'html' | 'pdf'>('pdf');

  const submit = (event: FormEvent) => {
    event.preventDefault();
    report.mutate({
      form,
      title: title.trim(),
      devices: chosen,
      texts,
      ...(since === '' ? {} : { since: dayStart(since) }),
      ...(until === '' ? {} : { until: dayStart(until) }),
    });
  };

  return (
    <Page title={t.title} lead={t.lead}>
      <Card>
        <form className={classes.form} onSubmit={submit}>
          <TextInput
            label={t.name}
            value={title}
            onChange={(event) => setTitle(event.currentTarget.value)}
            maxLength={200}
          />
          <div className={classes.row}>
            <DayField label={t.since} value={since} onChange={setSince} />
            <DayField label={t.until} value={until} onChange={setUntil} />
            <MultiSelect
              className={classes.grow}
              label={t.devices}
              placeholder={chosen.length === 0 ? strings.audit.sessions.any : ''}
              clearable
              searchable
              data={(devices.data?.items ?? []).map(({ device, name }) => ({
                value: device,
                label: visibleString(name === null ? device : `${name} (${device})`),
              }))}
              value={chosen}
              onChange={setChosen}
            />
          </div>
          <Checkbox label={t.texts} checked={texts} onChange={(event) => setTexts(event.currentTarget.checked)} />
          <div className={classes.row}>
            <SegmentedControl
              aria-label={t.form}
              value={form}
              onChange={(value) => setForm(value as 'html' | 'pdf')}
              data={[
                { value: 'pdf', label: 'PDF' },
                { value: 'html', label: 'HTML' },
              ]}
            />
            <Button
              type="submit"
              leftSection={<IconFileText size={17} />}
              loading={report.isPending}
              disabled={running !== null || title.trim() === ''}
            >
              {t.make}
            </Button>
            <span className={classes.muted}>{t.verifies}</span>
          </div>
          {report.error !== null && <Failure error={report.error} />}
        </form>
      </Card>
      {latest !== null && (
        <Card>
          <JobView job={latest} />
        </Card>
      )}
      <Card label={t.files}>
        <h2 className={classes.subtitle}>{t.files}</h2>
        {files.error !== null && <Failure error={files.error} retry={() => void files.refetch()} />}
        {files.isPending && <Loader size="sm" />}
        {files.isSuccess && files.data.items.length === 0 && <p className={classes.muted}>{t.noFiles}</p>}
        <ul className={classes.plain}>
          {files.data?.items.map((file) => (
            <li key={file.name}>
              <FileLine file={file} />
            </li>
          ))}
        </ul>
      </Card>
    </Page>
  );
}
