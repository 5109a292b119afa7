/** The data of the demonstration: about 3,200 films from the package `vega-datasets`, a development dependency. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface Movie {
  readonly _id: number;
  readonly title: string;
  readonly released: string | null;
  readonly genre: string | null;
  readonly director: string | null;
  readonly distributor: string | null;
  readonly minutes: number | null;
  readonly budget: number | null;
  readonly gross: number | null;
  readonly rating: number | null;
}

export const movieSchema = [
  {
    name: 'Movie',
    primaryKey: '_id',
    properties: {
      _id: 'int',
      title: 'string',
      released: 'string?',
      genre: 'string?',
      director: 'string?',
      distributor: 'string?',
      minutes: 'int?',
      budget: 'int?',
      gross: 'int?',
      rating: 'double?',
      likes: { type: 'int', default: 0 },
    },
  },
];

const text = (value: unknown): string | null =>
  value === null || value === undefined ? null : String(value);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Numbered from 1 in the order of the file. */
export const loadMovies = async (): Promise<readonly Movie[]> => {
  // The package exports its entry point only; the data lie in a folder beside it.
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  const path = join(dirname(entry), '../data/movies.json');
  const rows = JSON.parse(await readFile(path, 'utf8')) as readonly Readonly<Record<string, unknown>>[];
  return rows.map((row, i) => ({
    _id: i + 1,
    title: text(row['Title']) ?? 'untitled',
    released: text(row['Release Date']),
    genre: text(row['Major Genre']),
    director: text(row['Director']),
    distributor: text(row['Distributor']),
    minutes: number(row['Running Time min']),
    budget: number(row['Production Budget']),
    gross: number(row['Worldwide Gross']),
    rating: number(row['IMDB Rating']),
  }));
};
