import { Button, Checkbox, Modal, Select } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconFileExport } from '@tabler/icons-react';
import { useState } from 'react';
import { AuditExportFormat } from '../../../../gateway/contract/audit.ts';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useApiMutation } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { JobView, useJobs } from '../audit/job.tsx';
import classes from './export-dialog.module.css';

const t = strings.audit.export;

interface Props {
  session: Session;
  /** Whose result, for csv: the statement that is shown. */
  statement: number | null;
}

/** One session for other tools, as the auditor's command line writes it. */
export function ExportDialog({ session, statement }: Props) {
  const [opened, dialog] = useDisclosure(false);
  const [format, setFormat] = useState<AuditExportFormat>('jsonl');
  const [texts, setTexts] = useState(false);
  const start = useApiMutation('startExport', ['auditJobs']);
  const { latest, running } = useJobs(['export']);
  const mine = latest !== null && latest.id === start.data?.id ? latest : null;
  const needsStatement = format === 'csv';
  return (
    <>
      <Button variant="default" leftSection={<IconFileExport size={17} aria-hidden />} onClick={dialog.open}>
        {t.open}
      </Button>
      <Modal
        opened={opened}
        onClose={dialog.close}
        title={t.title}
        size="lg"
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        <div className={classes.body}>
          <Select
            label={t.format}
            description={t.about[format]}
            data={AuditExportFormat.options.map((value) => ({ value, label: t.formats[value] }))}
            value={format}
            onChange={(value) => value !== null && setFormat(value as AuditExportFormat)}
            allowDeselect={false}
            data-autofocus
          />
          {(format === 'ocsf' || format === 'cef') && (
            <Checkbox label={t.texts} checked={texts} onChange={(event) => setTexts(event.currentTarget.checked)} />
          )}
          {needsStatement && (
            <p className={classes.note}>{statement === null ? t.chooseStatement : t.ofStatement(statement + 1)}</p>
          )}
          {start.error !== null && <Failure error={start.error} />}
          <div>
            <Button
              loading={start.isPending}
              disabled={running !== null || (needsStatement && statement === null)}
              onClick={() =>
                start.mutate({
                  sessions: [session.id],
                  format,
                  texts,
                  ...(needsStatement && statement !== null ? { statement } : {}),
                })
              }
            >
              {t.make}
            </Button>
          </div>
          {mine !== null && <JobView job={mine} />}
          <p className={classes.note}>{t.logged}</p>
        </div>
      </Modal>
    </>
  );
}
