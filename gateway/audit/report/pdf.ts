import PDFDocument from 'pdfkit';
import type { ReportData, ReportFigure, ReportFinding, ReportReference, ReportSession } from './data.ts';
import { PdfSheet } from './pdf-sheet.ts';
import { isInFonts, PdfText } from './pdf-text.ts';
import {
  anchorOfSession,
  anchorOfStatement,
  anchors,
  bytes,
  COMPLETENESS,
  figureValue,
  groups,
  number,
  shortId,
  time,
  verdict,
} from './words.ts';

const KINDS = { high: 'bad', medium: 'warn', low: 'muted', info: 'accent' } as const;
const STATUS = { complete: 'good', incomplete: 'bad', 'not-checked': 'warn' } as const;

/**
 * The report as PDF, A4, with the fonts that every reader has. Characters that these fonts lack (all
 * beyond Western European) stand as their code points, and the report says so on its first page.
 */
export function reportPdf(data: ReportData): Promise<Uint8Array> {
  const document = new PDFDocument({
    size: 'A4',
    margins: { top: 56, bottom: 56, left: 48, right: 48 },
    bufferPages: true,
    info: {
      Title: data.title,
      Author: data.madeBy,
      Creator: `Countersign ${data.version}`,
      CreationDate: new Date(data.madeAt),
    },
    lang: 'en',
    displayTitle: true,
  });
  const chunks: Uint8Array[] = [];
  document.on('data', (chunk: Uint8Array) => chunks.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  document.on('end', () => resolve(Buffer.concat(chunks)));
  document.on('error', reject);
  new PdfReport(data, new PdfSheet(document, new PdfText())).write();
  document.end();
  return promise;
}

class PdfReport {
  readonly #data: ReportData;
  readonly #sheet: PdfSheet;
  readonly #anchor: (reference: ReportReference) => string | null;

  constructor(data: ReportData, sheet: PdfSheet) {
    this.#data = data;
    this.#sheet = sheet;
    this.#anchor = anchors(data);
  }

  write(): void {
    this.#head();
    this.#scope();
    this.#method();
    this.#completeness();
    this.#findings();
    this.#statistics();
    this.#statements();
    this.#sessions();
    this.#sheet.footers(`${this.#data.title} · ${time(this.#data.madeAt)}`);
  }

  #head(): void {
    const { title, madeAt, madeBy, version, sessions, completeness, findings, figures } = this.#data;
    const sheet = this.#sheet;
    sheet.title('Countersign · audit report', title, `Made ${time(madeAt)} by ${madeBy} with Countersign ${version}`);
    const verified = sessions.filter((session) => session.verified).length;
    const weighty = findings.filter(({ severity }) => severity === 'high' || severity === 'medium').length;
    sheet.cards([
      {
        value: `${number(verified)} of ${number(sessions.length)}`,
        label: 'sessions verified',
        kind: verified === sessions.length ? 'good' : 'bad',
      },
      { value: COMPLETENESS[completeness.status], label: 'evidence', kind: STATUS[completeness.status] },
      {
        value: number(figures.find(({ label }) => label === 'Statements')?.value ?? 0),
        label: 'statements',
        kind: 'accent',
      },
      {
        value: number(weighty),
        label: weighty === 1 ? 'finding to look at' : 'findings to look at',
        kind: weighty === 0 ? 'good' : 'warn',
      },
    ]);
    if (!isInFonts(JSON.stringify(this.#data))) {
      sheet.note(
        'Some names or texts hold characters that the fonts of this file do not have; they stand as their code points, such as <4E2D>. The HTML report shows them as they are.',
      );
    }
  }

  #scope(): void {
    const { sentence, since, until, devices } = this.#data.scope;
    this.#sheet.heading('Scope');
    this.#sheet.paragraph(sentence);
    this.#sheet.table(
      [
        { head: 'From', share: 2 },
        { head: 'Until', share: 2 },
        { head: 'Devices', share: 4 },
      ],
      [
        [
          since === null ? 'the first session' : time(since),
          until === null ? 'the last session' : time(until),
          devices.length === 0 ? 'this machine' : devices.join(', '),
        ].map((text) => ({ text })),
      ],
    );
  }

  #method(): void {
    this.#sheet.heading('Method');
    this.#sheet.bullets(this.#data.method);
    this.#sheet.subheading('What nobody could check here');
    this.#sheet.bullets(this.#data.notChecked);
  }

  #completeness(): void {
    const { status, sentence, devices } = this.#data.completeness;
    this.#sheet.heading('Completeness');
    this.#sheet.badged(STATUS[status], COMPLETENESS[status], sentence);
    if (devices.length === 0) return;
    this.#sheet.table(
      [
        { head: 'Device', share: 3 },
        { head: 'Sessions', share: 2 },
        { head: 'Missing and gaps', share: 5 },
      ],
      devices.map(({ device, name, logged, present, missing, gaps }) => [
        { text: name, small: device },
        { text: `${number(present)} of ${number(logged)}` },
        {
          text:
            [...missing, ...gaps.map((gap) => `${time(gap.from)} to ${time(gap.until)}: ${gap.sentence}`)].join('\n') ||
            'none',
        },
      ]),
    );
  }

  #findings(): void {
    this.#sheet.heading('Findings');
    const { findings } = this.#data;
    if (findings.length === 0) this.#sheet.paragraph('Nothing was found that calls for attention.');
    for (const finding of findings) this.#finding(finding);
  }

  #finding({ severity, title, sentence, evidence }: ReportFinding): void {
    this.#sheet.box(KINDS[severity], severity, title, sentence, this.#references(evidence, 6));
  }

  #references(
    { first, more }: ReportFigure['evidence'],
    most: number,
  ): {
    links: { text: string; to: string | null }[];
    more: string;
  } {
    const links = first.slice(0, most).map((reference) => ({
      text: `${shortId(reference.session)}${reference.seq === null ? '' : ` · ${reference.seq}`}`,
      to: this.#anchor(reference),
    }));
    const left = first.length - links.length + more;
    return { links, more: left > 0 ? `and ${number(left)} more` : '' };
  }

  #statistics(): void {
    this.#sheet.heading('Statistics');
    this.#sheet.paragraph(
      'Behind each figure: the sessions (their last characters) and events it comes from, the first of them.',
    );
    for (const [name, figures] of groups(this.#data.figures)) {
      const most = Math.max(1, ...figures.map(({ value }) => value));
      this.#sheet.subheading(name);
      this.#sheet.table(
        [
          { head: 'What', share: 5 },
          { head: 'How many', share: 3, right: true },
          { head: 'From session · event', share: 6 },
        ],
        figures.map((figure) => {
          const { links, more } = this.#references(figure.evidence, 2);
          return [
            { text: figure.label, ...(name === 'Totals' ? {} : { bar: figure.value / most }) },
            { text: figureValue(figure), bold: true },
            {
              text: '',
              links,
              after: more,
            },
          ];
        }),
      );
    }
  }

  #statements(): void {
    const { statements, statementsLeft } = this.#data;
    this.#sheet.heading('Statements of note');
    this.#sheet.paragraph(
      'What was asked, denied or only observed, and what destroys, raises privileges, executes code or could not be understood.',
    );
    if (statements.length === 0) {
      this.#sheet.paragraph('None: every statement was an ordinary one that policy allowed.');
      return;
    }
    this.#sheet.table(
      [
        { head: 'Session · event', share: 4 },
        { head: 'Time', share: 4 },
        { head: 'Statement', share: 7 },
        { head: 'Decision', share: 4 },
        { head: 'Outcome', share: 3 },
      ],
      statements.map((one) => [
        {
          text: '',
          anchor: anchorOfStatement(one.session, one.index),
          links: [
            {
              text: `${shortId(one.session)}${one.seq === null ? '' : ` · ${one.seq}`}`,
              to: anchorOfSession(one.session),
            },
          ],
          small: `#${one.index}`,
        },
        { text: time(one.at) },
        {
          text: one.op,
          bold: true,
          small: [[one.class, ...one.objects].join(' · '), one.text?.slice(0, 600) ?? '']
            .filter((part) => part !== '')
            .join('\n'),
        },
        { text: verdict(one) },
        { text: one.sqlstate === null ? `${number(one.rows)} rows` : `error ${one.sqlstate}` },
      ]),
    );
    if (statementsLeft > 0)
      this.#sheet.paragraph(`${number(statementsLeft)} more are in the sessions and not listed here.`);
  }

  #sessions(): void {
    this.#sheet.heading('Sessions');
    for (const session of this.#data.sessions) this.#session(session);
  }

  #session(session: ReportSession): void {
    const who = `${session.person}${session.verifiedPerson ? '' : ' (not proven)'}, by ${session.agent}, on ${session.connection}/${session.database} as ${session.role}`;
    const failed = session.checks.filter(({ status }) => status === 'failed');
    const lines = [
      `${time(session.openedAt)} to ${session.closedAt === null ? 'open' : time(session.closedAt)} (${session.state}); ${session.mode}, ${session.protection}; policy ${session.policyHash.slice(0, 16)}…`,
      `${number(session.statements)} statements, ${number(session.asked)} asked, ${number(session.denied)} denied, ${number(session.errors)} failed; ${number(session.rows)} rows, ${bytes(session.bytesUp)} sent, ${bytes(session.bytesDown)} returned`,
      ...failed.map(({ name, sentence }) => `FAILED ${name}: ${sentence}`),
      ...(failed.length === 0
        ? [
            `${session.checks.filter(({ status }) => status === 'ok').length} checks hold; ${session.checks.filter(({ status }) => status === 'not-checked').length} could not be made`,
          ]
        : []),
    ];
    this.#sheet.session(anchorOfSession(session.id), session.verified, session.id, who, lines);
  }
}
