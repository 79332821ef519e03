import { createHash } from 'node:crypto';
import type { ReportData, ReportFigure, ReportFinding, ReportReference, ReportSession } from './data.ts';
import { STYLE } from './style.ts';
import {
  anchorOfSession,
  anchorOfStatement,
  anchors,
  bytes,
  COMPLETENESS,
  figureValue,
  groups,
  number,
  referenceText,
  shortId,
  shown,
  time as timeText,
  verdict,
} from './words.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Every text goes through here: visible, and nothing of it is markup. */
const e = (text: string): string => shown(text).replaceAll(/[&<>"']/g, (char) => ESCAPES[char]!);

/** What a device says of times is text from outside too. */
const time = (iso: string): string => e(timeText(iso));

/**
 * The report as one HTML file without scripts and without anything from elsewhere; its own
 * Content-Security-Policy allows its style sheet and nothing besides.
 */
export function reportHtml(data: ReportData): string {
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;
  const page = new Page(data);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${e(data.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${page.sections().join('\n')}
</main>
</body>
</html>
`;
}

const row = (cells: readonly string[], attributes = ''): string =>
  `<tr${attributes}>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
const table = (heads: readonly string[], rows: readonly string[], kind = ''): string =>
  `<table${kind === '' ? '' : ` class="${kind}"`}><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
const badge = (kind: string, text: string): string => `<span class="badge ${kind}">${text}</span>`;
const list = (items: readonly string[]): string => `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;

class Page {
  readonly #data: ReportData;
  readonly #anchor: (reference: ReportReference) => string | null;

  constructor(data: ReportData) {
    this.#data = data;
    this.#anchor = anchors(data);
  }

  sections(): string[] {
    return [
      this.#head(),
      this.#section('summary', 'Summary', this.#summary()),
      this.#section('scope', 'Scope', this.#scope()),
      this.#section('method', 'Method', this.#method()),
      this.#section('completeness', 'Completeness', this.#completeness()),
      this.#section('findings', 'Findings', this.#findings()),
      this.#section('statistics', 'Statistics', this.#statistics()),
      this.#section('statements', 'Statements of note', this.#statements()),
      this.#section('sessions', 'Sessions', this.#sessions()),
    ];
  }

  #section(id: string, title: string, content: string): string {
    return `<section id="${id}"><h2>${title}</h2>\n${content}\n</section>`;
  }

  #head(): string {
    const { title, madeAt, madeBy, version } = this.#data;
    return `<header><p class="brand">Countersign · audit report</p><h1>${e(title)}</h1><p class="by">Made ${time(madeAt)} by ${e(madeBy)} with Countersign ${e(version)}</p></header>`;
  }

  #summary(): string {
    const { sessions, completeness, findings, figures } = this.#data;
    const verified = sessions.filter((session) => session.verified).length;
    const statements = figures.find(({ label }) => label === 'Statements');
    const weighty = findings.filter(({ severity }) => severity === 'high' || severity === 'medium').length;
    const card = (value: string, label: string, kind: string, href: string) =>
      `<a class="card ${kind}" href="#${href}"><b>${value}</b><span>${label}</span></a>`;
    return `<div class="cards">${[
      card(
        `${number(verified)} of ${number(sessions.length)}`,
        'sessions verified',
        verified === sessions.length ? 'good' : 'bad',
        'sessions',
      ),
      card(
        COMPLETENESS[completeness.status],
        'evidence',
        { complete: 'good', incomplete: 'bad', 'not-checked': 'warn' }[completeness.status],
        'completeness',
      ),
      card(number(statements?.value ?? 0), 'statements', '', 'statistics'),
      card(
        number(weighty),
        weighty === 1 ? 'finding to look at' : 'findings to look at',
        weighty === 0 ? 'good' : 'warn',
        'findings',
      ),
    ].join('')}</div>`;
  }

  #scope(): string {
    const { sentence, since, until, devices } = this.#data.scope;
    return `<p>${e(sentence)}</p>${table(
      ['From', 'Until', 'Devices'],
      [
        row([
          since === null ? 'the first session' : time(since),
          until === null ? 'the last session' : time(until),
          devices.length === 0 ? 'this machine' : devices.map(e).join(', '),
        ]),
      ],
    )}`;
  }

  #method(): string {
    const { method, notChecked } = this.#data;
    return `${list(method.map(e))}<h3>What nobody could check here</h3>${list(notChecked.map(e))}`;
  }

  #completeness(): string {
    const { status, sentence, devices } = this.#data.completeness;
    const kind = { complete: 'good', incomplete: 'bad', 'not-checked': 'warn' }[status];
    const rows = devices.map(({ device, name, logged, present, missing, gaps, checks }) =>
      row([
        `${e(name)}<br><small>${e(device)}</small>`,
        `${number(present)} of ${number(logged)}`,
        missing.length + gaps.length === 0
          ? 'none'
          : list([
              ...missing.map(e),
              ...gaps.map((gap) => `${time(gap.from)} to ${time(gap.until)}: ${e(gap.sentence)}`),
            ]),
        list(checks.map((check) => `${this.#check(check.status)} ${e(check.name)}: ${e(check.sentence)}`)),
      ]),
    );
    return `<p>${badge(kind, COMPLETENESS[status])} ${e(sentence)}</p>${rows.length === 0 ? '' : table(['Device', 'Sessions', 'Missing and gaps', 'Checks'], rows)}`;
  }

  #check(status: string): string {
    if (status === 'ok') return badge('good', 'ok');
    return status === 'failed' ? badge('bad', 'failed') : badge('warn', 'not checked');
  }

  #references({ first, more }: ReportFigure['evidence']): string {
    if (first.length === 0) return '';
    const links = first.map((reference) => {
      const to = this.#anchor(reference);
      const text = e(`${shortId(reference.session)}${reference.seq === null ? '' : ` · ${reference.seq}`}`);
      return to === null ? text : `<a href="#${to}" title="${e(referenceText(reference))}">${text}</a>`;
    });
    return `<span class="refs">${links.join(' ')}${more > 0 ? ` and ${number(more)} more` : ''}</span>`;
  }

  #findings(): string {
    const { findings } = this.#data;
    if (findings.length === 0) return '<p>Nothing was found that calls for attention.</p>';
    return findings.map((finding) => this.#finding(finding)).join('\n');
  }

  #finding({ id, severity, title, sentence, evidence }: ReportFinding): string {
    const kind = { high: 'bad', medium: 'warn', low: 'low', info: 'info' }[severity];
    return `<article class="finding ${kind}" id="finding-${e(id)}"><h3>${badge(kind, severity)} ${e(title)}</h3><p>${e(sentence)}</p><p class="evidence">${this.#references(evidence)}</p></article>`;
  }

  #statistics(): string {
    const parts = groups(this.#data.figures).map(([name, figures]) => {
      const most = Math.max(1, ...figures.map(({ value }) => value));
      const bars = name !== 'Totals';
      const rows = figures.map((figure) =>
        row(
          [
            e(figure.label),
            ...(bars ? [bar(figure.value / most)] : []),
            `<b>${figureValue(figure)}</b>`,
            this.#references(figure.evidence),
          ],
          ` id="${e(figure.id)}"`,
        ),
      );
      return `<h3>${e(name)}</h3>${table(['What', ...(bars ? [''] : []), 'How many', 'From session · event'], rows, bars ? 'figures bars' : 'figures')}`;
    });
    return parts.join('\n');
  }

  #statements(): string {
    const { statements, statementsLeft } = this.#data;
    if (statements.length === 0) return '<p>None: every statement was an ordinary one that policy allowed.</p>';
    const rows = statements.map((one) =>
      row(
        [
          `<a href="#${anchorOfSession(one.session)}">${e(shortId(one.session))}</a>${one.seq === null ? '' : ` · ${one.seq}`}<br><small>#${one.index}</small>`,
          time(one.at),
          `<b>${e(one.op)}</b><br><small>${e(one.class)}${one.objects.length === 0 ? '' : ` · ${one.objects.map(e).join(', ')}`}</small>${one.text === null ? '' : `<pre>${e(one.text)}</pre>`}`,
          e(verdict(one)),
          one.sqlstate === null ? `${number(one.rows)} rows` : `error ${e(one.sqlstate)}`,
        ],
        ` id="${anchorOfStatement(one.session, one.index)}"`,
      ),
    );
    const left =
      statementsLeft > 0 ? `<p>${number(statementsLeft)} more are in the sessions and not listed here.</p>` : '';
    return `<p>What was asked, denied or only observed, and what destroys, raises privileges, executes code or could not be understood.</p>${table(['Session · event', 'Time', 'Statement', 'Decision', 'Outcome'], rows)}${left}`;
  }

  #sessions(): string {
    return this.#data.sessions.map((session) => this.#session(session)).join('\n');
  }

  #session(session: ReportSession): string {
    const { id, checks } = session;
    const who = `${session.person}${session.verifiedPerson ? '' : ' (not proven)'} → ${session.agent} → ${session.connection}/${session.database} as ${session.role}`;
    const facts: [string, string][] = [
      ['Opened', time(session.openedAt)],
      ['Closed', session.closedAt === null ? 'open' : `${time(session.closedAt)} (${e(session.state)})`],
      ['Device', session.device === null ? 'this machine' : e(session.device)],
      ['Mode', `${e(session.mode)}, ${e(session.protection)}`],
      ['Policy', `<code>${e(session.policyHash.slice(0, 16))}…</code>`],
      [
        'Statements',
        `${number(session.statements)} (${number(session.asked)} asked, ${number(session.denied)} denied, ${number(session.errors)} failed)`,
      ],
      ['Data', `${number(session.rows)} rows, ${bytes(session.bytesUp)} sent, ${bytes(session.bytesDown)} returned`],
    ];
    return `<article class="session" id="${anchorOfSession(id)}"><h3>${badge(session.verified ? 'good' : 'bad', session.verified ? 'verified' : 'not verified')} <code>${e(id)}</code></h3><p>${e(who)}</p><dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>${list(checks.map(({ status, name, sentence }) => `${this.#check(status)} ${e(name)}: ${e(sentence)}`))}</article>`;
  }
}

/** @param share 0 to 1. */
function bar(share: number): string {
  const width = Math.max(1, Math.round(share * 160));
  return `<svg width="160" height="10" role="img" aria-hidden="true"><rect width="160" height="10" rx="2" class="rail"/><rect width="${width}" height="10" rx="2" class="fill"/></svg>`;
}
