import type { Entity } from '../../contract/connection.ts';
import { type Hints, hintsOfName, NO_HINTS } from '../../masking/detectors/findings.ts';
import { createScanner, type Scanner } from '../../masking/detectors/scanner.ts';
import * as recordings from '../../recording/reader.ts';
import { type WalkStep, walkSession } from '../../store/walk.ts';
import { type ColumnChoice, type ColumnReader, columnReader } from './columns.ts';
import { needlesOf } from './needles.ts';
import { Origins } from './origins.ts';

/** What is to be taken out. At least one. */
export interface RedactionRequest {
  values: readonly string[];
  columns: readonly ColumnChoice[];
  entities: readonly Entity[];
  /** By index, from 0: request, result and texts; its result; its parameters. */
  statements: readonly number[];
  results: readonly number[];
  parameters: readonly number[];
}

/** Directions of exchanges that go as a whole. */
export interface ChosenExchanges {
  up: Set<number>;
  down: Set<number>;
  texts: Set<number>;
  /** Statements of the session. */
  statements: number;
  /** Statements that nobody could read, taken out with a column to be safe. */
  notUnderstood: number;
}

export const THRESHOLD = 0.5;
const utf8 = new TextEncoder();

/** Walks the session's statements and results: what is chosen by place, by column, or by decoded value. */
export async function chooseExchanges(folder: string, request: RedactionRequest): Promise<ChosenExchanges> {
  const reader = request.columns.length > 0 ? await columnReader(request.columns) : null;
  try {
    return await new Chooser(request, reader).walk(folder);
  } finally {
    await reader?.close();
  }
}

class Chooser {
  readonly #chosen: ChosenExchanges = {
    up: new Set(),
    down: new Set(),
    texts: new Set(),
    statements: 0,
    notUnderstood: 0,
  };
  readonly #request: RedactionRequest;
  readonly #reader: ColumnReader | null;
  readonly #scanner: Scanner | null;
  readonly #origins = new Origins();
  readonly #places: { all: Set<number>; results: Set<number>; parameters: Set<number> };
  /** Columns of the result that is being told, and whether a cell of it was found. */
  #names: string[] = [];
  #hints: Hints[] = [];
  #cell = false;

  constructor(request: RedactionRequest, reader: ColumnReader | null) {
    this.#request = request;
    this.#reader = reader;
    this.#scanner = request.entities.length > 0 ? createScanner(request.entities, THRESHOLD) : null;
    this.#places = {
      all: new Set(request.statements),
      results: new Set(request.results),
      parameters: new Set(request.parameters),
    };
  }

  async walk(folder: string): Promise<ChosenExchanges> {
    const decoded = this.#request.values.length > 0 || this.#scanner !== null || this.#request.columns.length > 0;
    let last = -1;
    let origins: ReturnType<Origins['see']> = { texts: new Set(), parameters: new Set() };
    for await (const step of walkSession(recordings, folder, { unfinished: true, rows: () => decoded })) {
      if (step.exchange.exchange !== last) {
        last = step.exchange.exchange;
        origins = this.#origins.see(step.exchange);
      }
      for (const one of step.told) this.#told(step, one, origins);
    }
    return this.#chosen;
  }

  #told(
    { exchange: { exchange } }: WalkStep,
    one: WalkStep['told'][number],
    origins: ReturnType<Origins['see']>,
  ): void {
    const { down } = this.#chosen;
    if (one.type === 'columns') {
      this.#names = one.columns.map(({ name }) => name);
      this.#hints = this.#names.map(hintsOfName);
      if (this.#request.columns.some(({ table, column }) => table === null && this.#names.includes(column)))
        down.add(exchange);
    } else if (one.type === 'row') {
      this.#cell ||= one.values.some((value, i) => this.#found(value, this.#hints[i]));
    } else if (one.type === 'notice') {
      if (this.#detected(one.notice.message)) down.add(exchange);
    } else {
      const { statement } = one;
      const index = this.#chosen.statements++;
      // Text values are found by their bytes, unit by unit; binary ones as they are shown.
      if (this.#cell && (this.#scanner !== null || statement.formats.length > 0)) down.add(exchange);
      if (statement.error !== null && this.#detected(statement.error.message)) down.add(exchange);
      if (this.#detected(statement.text)) this.#text(exchange, origins);
      if (statement.parameters.some((value) => this.#found(value))) this.#parameters(exchange, origins);
      if (this.#places.all.has(index)) this.#whole(exchange, origins);
      if (this.#places.results.has(index)) down.add(exchange);
      if (this.#places.parameters.has(index)) this.#parameters(exchange, origins);
      this.#column(exchange, statement.text, origins);
      this.#names = [];
      this.#hints = [];
      this.#cell = false;
    }
  }

  #column(exchange: number, text: string, origins: ReturnType<Origins['see']>): void {
    if (this.#reader === null) return;
    const { touch, understood } = this.#reader.touch(text);
    if (!understood) this.#chosen.notUnderstood += 1;
    if (touch === 'all') this.#whole(exchange, origins);
    else if (touch === 'result') this.#chosen.down.add(exchange);
  }

  #whole(exchange: number, origins: ReturnType<Origins['see']>): void {
    this.#chosen.down.add(exchange);
    this.#text(exchange, origins);
    this.#parameters(exchange, origins);
  }

  #text(exchange: number, { texts }: ReturnType<Origins['see']>): void {
    for (const one of [exchange, ...texts]) {
      this.#chosen.up.add(one);
      this.#chosen.texts.add(one);
    }
  }

  #parameters(exchange: number, { parameters }: ReturnType<Origins['see']>): void {
    for (const one of [exchange, ...parameters]) this.#chosen.up.add(one);
  }

  #found(value: string | null, hints: Hints = NO_HINTS): boolean {
    if (value === null) return false;
    return this.#request.values.some((wanted) => value.includes(wanted)) || this.#detected(value, hints);
  }

  #detected(text: string, hints: Hints = NO_HINTS): boolean {
    if (this.#scanner === null) return false;
    const bytes = utf8.encode(text);
    return this.#scanner.scan(bytes, 0, bytes.length, hints) !== null;
  }
}

export const allNeedles = (values: readonly string[]): Buffer[] => values.flatMap((value) => needlesOf(value));
