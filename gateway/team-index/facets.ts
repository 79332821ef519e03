import { type Facet, facetKey, facetToken } from '../store/facets.ts';
import type { TeamDb } from './connect.ts';

const MAX_KNOWN = 50_000;

/** Tokens of names in a team's index. learn() first, then token() of what was learnt. */
export class TeamFacets {
  readonly #db: TeamDb;
  readonly #known = new Map<string, number>();

  constructor(db: TeamDb) {
    this.#db = db;
  }

  async learn(facets: Iterable<Facet>): Promise<void> {
    if (this.#known.size > MAX_KNOWN) this.#known.clear();
    const unknown = [...facets].filter((one) => !this.#known.has(facetKey(one))).map(storable);
    if (unknown.length === 0) return;
    const columns = [
      unknown.map(({ kind }) => kind),
      unknown.map(({ value }) => value),
      unknown.map(({ folded }) => folded),
      unknown.map(({ also }) => also),
    ];
    await this.#db.query(
      `INSERT INTO facets (kind, value, folded, also) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
       ON CONFLICT DO NOTHING`,
      columns,
    );
    const { rows } = await this.#db.query<Pick<Facet, 'kind' | 'value' | 'also'> & { id: number }>(
      `SELECT f.id, f.kind, f.value, f.also FROM facets f
       JOIN unnest($1::text[], $2::text[], $3::text[]) AS w (kind, value, also) USING (kind, value, also)`,
      [columns[0], columns[1], columns[3]],
    );
    for (const row of rows) this.#known.set(facetKey(row), row.id);
  }

  readonly token = (one: Facet): string => facetToken(this.#id(one));

  async link(sessions: readonly (readonly [seq: number, facets: readonly Facet[]])[]): Promise<void> {
    const pairs = sessions.flatMap(([seq, facets]) => facets.map((one) => [this.#id(one), seq] as const));
    await this.#db.query(
      `INSERT INTO session_facets (facet, session) SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING`,
      [pairs.map(([id]) => id), pairs.map(([, seq]) => seq)],
    );
  }

  /** Rows were rolled back. */
  forget(): void {
    this.#known.clear();
  }

  #id(one: Facet): number {
    const id = this.#known.get(facetKey(storable(one)));
    if (id === undefined) throw new Error(`the ${one.kind} ${one.value} was not learnt`);
    return id;
  }
}

/** PostgreSQL's text holds no NUL, and no half of a surrogate pair. */
function storable(one: Facet): Facet {
  const plain = (text: string) => text.replaceAll('\0', '\ufffd').toWellFormed();
  return { ...one, value: plain(one.value), folded: plain(one.folded), also: plain(one.also) };
}
