import type { PdfText } from './pdf-text.ts';

type Document = PDFKit.PDFDocument;

const COLORS = {
  ink: '#1a1d21',
  muted: '#5c6470',
  line: '#d9dde3',
  soft: '#f4f6f8',
  accent: '#1f4e79',
  good: '#17683e',
  bad: '#a3211a',
  warn: '#7a4d00',
} as const;
export type Kind = 'good' | 'bad' | 'warn' | 'accent' | 'muted';

export interface Column {
  head: string;
  /** Of the width, beside the others' shares. */
  share: number;
  right?: boolean;
}

export interface Cell {
  text: string;
  bold?: boolean;
  /** Below, smaller. */
  small?: string;
  /** 0 to 1, below. */
  bar?: number;
  links?: { text: string; to: string | null }[];
  /** Behind the links. */
  after?: string;
  /** A name that links lead to. */
  anchor?: string;
}

const SIZE = 8.5;
const PAD = 4;

/** Lays a report's parts out on pages; knows the form, not what the parts say. */
export class PdfSheet {
  readonly #doc: Document;
  readonly #text: PdfText;
  readonly #left: number;
  readonly #width: number;

  constructor(document: Document, text: PdfText) {
    this.#doc = document;
    this.#text = text;
    this.#left = document.page.margins.left;
    this.#width = document.page.width - document.page.margins.left - document.page.margins.right;
  }

  get #bottom(): number {
    return this.#doc.page.height - this.#doc.page.margins.bottom;
  }

  #font(size: number, color: keyof typeof COLORS = 'ink', bold = false): Document {
    return this.#doc
      .font(bold ? 'Helvetica-Bold' : 'Helvetica')
      .fontSize(size)
      .fillColor(COLORS[color]);
  }

  /** Goes to the next page when less than that is left. */
  #need(height: number): void {
    if (this.#doc.y + height > this.#bottom) this.#doc.addPage();
    this.#doc.x = this.#left;
  }

  title(brand: string, title: string, by: string): void {
    const doc = this.#doc;
    this.#font(9, 'muted', true).text(this.#text.line(brand), this.#left, doc.y);
    doc.moveDown(0.3);
    this.#font(22, 'ink', true).text(this.#text.line(title), { width: this.#width });
    doc.moveDown(0.2);
    this.#font(9, 'muted').text(this.#text.line(by), { width: this.#width });
    doc.moveDown(0.6);
    doc.rect(this.#left, doc.y, this.#width, 2).fill(COLORS.accent);
    doc.y += 18;
  }

  cards(cards: readonly { value: string; label: string; kind: Kind }[]): void {
    const doc = this.#doc;
    const gap = 10;
    const width = (this.#width - gap * (cards.length - 1)) / cards.length;
    const top = doc.y;
    for (const [i, { value, label, kind }] of cards.entries()) {
      const x = this.#left + i * (width + gap);
      doc.roundedRect(x, top, width, 46, 3).lineWidth(0.7).strokeColor(COLORS.line).stroke();
      doc.rect(x, top, 3.5, 46).fill(COLORS[kind]);
      this.#font(15, 'ink', true).text(this.#text.line(value), x + 12, top + 9, {
        width: width - 16,
        lineBreak: false,
      });
      this.#font(SIZE, 'muted').text(this.#text.line(label), x + 12, top + 29, { width: width - 16, lineBreak: false });
    }
    doc.x = this.#left;
    doc.y = top + 46 + 10;
  }

  heading(text: string): void {
    const doc = this.#doc;
    if (doc.y > doc.page.margins.top) doc.y += 14;
    this.#need(80);
    this.#font(14, 'ink', true).text(this.#text.line(text), this.#left, doc.y);
    doc
      .moveTo(this.#left, doc.y + 1)
      .lineTo(this.#left + this.#width, doc.y + 1)
      .lineWidth(0.7)
      .strokeColor(COLORS.line)
      .stroke();
    doc.y += 8;
    doc.outline.addItem(this.#text.line(text));
  }

  subheading(text: string): void {
    this.#doc.y += 6;
    this.#need(60);
    this.#font(10, 'ink', true).text(this.#text.line(text), this.#left, this.#doc.y);
    this.#doc.y += 3;
  }

  paragraph(text: string): void {
    this.#need(30);
    this.#font(9.5).text(this.#text.line(text), this.#left, this.#doc.y, { width: this.#width, lineGap: 1.5 });
    this.#doc.y += 5;
  }

  note(text: string): void {
    const doc = this.#doc;
    const value = this.#text.line(text);
    this.#font(SIZE, 'warn');
    const height = doc.heightOfString(value, { width: this.#width - 20 }) + 12;
    this.#need(height);
    const top = doc.y;
    doc.roundedRect(this.#left, top, this.#width, height, 3).fill(COLORS.soft);
    this.#font(SIZE, 'warn').text(value, this.#left + 10, top + 6, { width: this.#width - 20 });
    doc.y = top + height + 4;
  }

  bullets(items: readonly string[]): void {
    for (const item of items) {
      const value = this.#text.line(item);
      this.#font(9);
      this.#need(this.#doc.heightOfString(value, { width: this.#width - 14 }));
      const top = this.#doc.y;
      this.#font(9).text('•', this.#left + 2, top, { lineBreak: false });
      this.#font(9).text(value, this.#left + 14, top, { width: this.#width - 14, lineGap: 1.2 });
      this.#doc.y += 3;
    }
  }

  /** @returns where it ends. */
  #badge(kind: Kind, text: string, x: number, y: number): number {
    const doc = this.#doc;
    const value = this.#text.line(text);
    this.#font(7.5, kind, true);
    const width = doc.widthOfString(value) + 10;
    doc.roundedRect(x, y, width, 12, 2.5).lineWidth(0.7).strokeColor(COLORS[kind]).stroke();
    this.#font(7.5, kind, true).text(value, x + 5, y + 3, { lineBreak: false });
    return x + width;
  }

  badged(kind: Kind, word: string, text: string): void {
    this.#need(30);
    const top = this.#doc.y;
    const x = this.#badge(kind, word, this.#left, top) + 8;
    this.#font(9.5).text(this.#text.line(text), x, top + 1.5, { width: this.#left + this.#width - x, lineGap: 1.5 });
    this.#doc.y = Math.max(this.#doc.y, top + 14) + 5;
  }

  box(
    kind: Kind,
    word: string,
    title: string,
    sentence: string,
    { links, more }: { links: { text: string; to: string | null }[]; more: string },
  ): void {
    const doc = this.#doc;
    const width = this.#width - 24;
    const body = this.#text.line(sentence);
    const height = 24 + this.#font(9).heightOfString(body, { width, lineGap: 1.2 }) + (links.length > 0 ? 16 : 4);
    this.#need(height + 8);
    const top = doc.y;
    doc.roundedRect(this.#left, top, this.#width, height, 3).lineWidth(0.7).strokeColor(COLORS.line).stroke();
    doc.rect(this.#left, top, 3.5, height).fill(COLORS[kind]);
    const x = this.#badge(kind, word, this.#left + 12, top + 6) + 7;
    this.#font(10, 'ink', true).text(this.#text.line(title), x, top + 7.5, {
      width: this.#left + this.#width - x - 8,
      height: 12,
      ellipsis: true,
    });
    this.#font(9).text(body, this.#left + 12, top + 23, { width, lineGap: 1.2 });
    if (links.length > 0) this.#links(links, more, this.#left + 12, top + height - 14, width);
    doc.x = this.#left;
    doc.y = top + height + 8;
  }

  /** On one line; what does not fit is left to "more". */
  #links(
    links: readonly { text: string; to: string | null }[],
    more: string,
    left: number,
    y: number,
    width: number,
  ): void {
    const doc = this.#doc;
    let x = left;
    for (const { text, to } of links) {
      const value = this.#text.line(text);
      this.#font(7.5, to === null ? 'muted' : 'accent');
      const needed = doc.widthOfString(value);
      if (x + needed > left + width) return;
      doc.text(value, x, y, { lineBreak: false, ...(to === null ? {} : { goTo: to, underline: true }) });
      x += needed + 8;
    }
    const rest = this.#text.line(more);
    if (rest !== '' && x + this.#font(7.5, 'muted').widthOfString(rest) <= left + width)
      doc.text(rest, x, y, { lineBreak: false });
  }

  session(anchor: string, verified: boolean, id: string, who: string, lines: readonly string[]): void {
    const doc = this.#doc;
    const width = this.#width - 24;
    const texts = [who, ...lines].map((line) => this.#text.line(line));
    const heights = texts.map((line) => this.#font(SIZE).heightOfString(line, { width }) + 2);
    const height = 28 + heights.reduce((sum, one) => sum + one, 0);
    this.#need(height + 8);
    const top = doc.y;
    doc.addNamedDestination(anchor, 'XYZ', this.#left, top, null);
    doc.roundedRect(this.#left, top, this.#width, height, 3).lineWidth(0.7).strokeColor(COLORS.line).stroke();
    const x =
      this.#badge(verified ? 'good' : 'bad', verified ? 'verified' : 'not verified', this.#left + 12, top + 7) + 7;
    doc
      .font('Courier-Bold')
      .fontSize(9)
      .fillColor(COLORS.ink)
      .text(this.#text.line(id), x, top + 9, { lineBreak: false });
    let y = top + 24;
    for (const [i, line] of texts.entries()) {
      this.#font(SIZE, line.startsWith('FAILED') ? 'bad' : i === 0 ? 'ink' : 'muted').text(line, this.#left + 12, y, {
        width,
      });
      y += heights[i]!;
    }
    doc.x = this.#left;
    doc.y = top + height + 8;
  }

  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void {
    const shares = columns.reduce((sum, { share }) => sum + share, 0);
    const widths = columns.map(({ share }) => (this.#width * share) / shares);
    this.#tableHead(columns, widths);
    for (const row of rows) {
      const height = Math.min(Math.max(...row.map((cell, i) => this.#cellHeight(cell, widths[i]!))) + 2 * PAD, 640);
      if (this.#doc.y + height > this.#bottom) {
        this.#doc.addPage();
        this.#tableHead(columns, widths);
      }
      const top = this.#doc.y;
      let x = this.#left;
      for (const [i, cell] of row.entries()) {
        this.#cell(cell, columns[i]!, x, top + PAD, widths[i]!, height - PAD);
        x += widths[i]!;
      }
      this.#doc.x = this.#left;
      this.#doc.y = top + height;
      this.#doc
        .moveTo(this.#left, this.#doc.y)
        .lineTo(this.#left + this.#width, this.#doc.y)
        .lineWidth(0.4)
        .strokeColor(COLORS.line)
        .stroke();
    }
    this.#doc.y += 6;
  }

  #tableHead(columns: readonly Column[], widths: readonly number[]): void {
    this.#need(40);
    const top = this.#doc.y;
    let x = this.#left;
    for (const [i, { head, right }] of columns.entries()) {
      this.#font(SIZE, 'muted', true).text(this.#text.line(head), x, top + 3, {
        width: widths[i]! - 8,
        align: right === true ? 'right' : 'left',
        lineBreak: false,
      });
      x += widths[i]!;
    }
    this.#doc.y = top + 16;
    this.#doc
      .moveTo(this.#left, this.#doc.y)
      .lineTo(this.#left + this.#width, this.#doc.y)
      .lineWidth(1)
      .strokeColor(COLORS.line)
      .stroke();
  }

  #cellHeight({ text, bold, small, bar, links }: Cell, width: number): number {
    const options = { width: width - 8 };
    const main = text === '' ? 0 : this.#font(SIZE, 'ink', bold).heightOfString(this.#text.lines(text), options);
    const below =
      small === undefined || small === '' ? 0 : this.#font(7.5).heightOfString(this.#text.lines(small), options) + 1;
    return main + below + (links === undefined || links.length === 0 ? 0 : 10) + (bar === undefined ? 0 : 7);
  }

  #cell(
    { text, bold, small, bar, links, after, anchor }: Cell,
    { right }: Column,
    x: number,
    top: number,
    width: number,
    height: number,
  ): void {
    const doc = this.#doc;
    const inner = width - 8;
    let y = top;
    if (anchor !== undefined) doc.addNamedDestination(anchor, 'XYZ', this.#left, top - PAD, null);
    if (text !== '') {
      this.#font(SIZE, 'ink', bold).text(this.#text.lines(text), x, y, {
        width: inner,
        height,
        ellipsis: true,
        align: right === true ? 'right' : 'left',
      });
      y = doc.y;
    }
    if (links !== undefined && links.length > 0) {
      this.#links(links, after ?? '', x, y + 1, inner);
      y += 10;
    }
    if (small !== undefined && small !== '') {
      this.#font(7.5, 'muted').text(this.#text.lines(small), x, y + 1, {
        width: inner,
        height: Math.max(10, height - (y - top)),
        ellipsis: true,
      });
      y = doc.y;
    }
    if (bar === undefined) return;
    doc.roundedRect(x, y + 1.5, inner, 3.5, 1.5).fill('#e8ecf1');
    doc.roundedRect(x, y + 1.5, Math.max(2, inner * bar), 3.5, 1.5).fill(COLORS.accent);
  }

  /** On every page, once all are there. */
  footers(text: string): void {
    const { start, count } = this.#doc.bufferedPageRange();
    for (let i = 0; i < count; i += 1) {
      this.#doc.switchToPage(start + i);
      // Below the margin a text would begin a page of its own.
      const { bottom } = this.#doc.page.margins;
      this.#doc.page.margins.bottom = 0;
      const y = this.#doc.page.height - 36;
      this.#font(7.5, 'muted').text(this.#text.line(text), this.#left, y, {
        width: this.#width - 80,
        height: 10,
        ellipsis: true,
        lineBreak: false,
      });
      this.#font(7.5, 'muted').text(`${i + 1} of ${count}`, this.#left + this.#width - 80, y, {
        width: 80,
        align: 'right',
        lineBreak: false,
      });
      this.#doc.page.margins.bottom = bottom;
    }
  }
}
