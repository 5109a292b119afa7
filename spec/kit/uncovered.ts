/**
 * Branches that nothing takes, as lines of text, and the page that gives the reason of each.
 *
 * A line is the file and the line of code, with what was not run between « and », shortened where it is long. So it stays what it is when lines move, and changes when they do.
 *
 *     core/base/hash.ts: word = (word << 8) | (bytes[i] «?? 0»);
 *
 * The page has a heading for each reason, and the lines in blocks of text; what is there twice says how often.
 */

interface Position {
  readonly line: number;
  readonly column: number;
}

interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** One file of the report that `c8` writes for machines. */
export interface FileCoverage {
  readonly branchMap: Readonly<Record<string, { readonly loc: Range }>>;
  /** Times that each branch was taken, by the same keys. */
  readonly b: Readonly<Record<string, readonly number[]>>;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

export const isReport = (value: unknown): value is Readonly<Record<string, FileCoverage>> =>
  isObject(value) &&
  Object.values(value).every((file) => isObject(file) && isObject(file['branchMap']) && isObject(file['b']));

/** Characters of what is not run that are shown where it is more than one line. */
const SHOWN = 100;

/** What is not run of a range of code; null where it is no code, but the end of a block. */
const marked = (lines: readonly string[], { start, end }: Range): string | null => {
  const line = lines[start.line - 1] ?? '';
  const from = Math.max(0, start.column);
  const before = line.slice(0, from).trimStart();
  if (start.line === end.line) {
    const fragment = line.slice(from, end.column);
    const space = /^\s/.test(fragment) && before !== '' ? ' ' : '';
    return /\w/.test(fragment)
      ? `${before}${space}«${fragment.trim()}»${line.slice(end.column).trimEnd()}`
      : null;
  }
  const inner = lines.slice(start.line, end.line - 1).map((each) => each.trim());
  const last = (lines[end.line - 1] ?? '').slice(0, end.column).trim();
  const whole = [line.slice(from).trim(), ...inner, last].filter((each) => each !== '').join(' ');
  if (!/\w/.test(whole)) return null;
  return `${before}«${whole.length > SHOWN ? `${whole.slice(0, SHOWN)}…` : whole}»`;
};

/** How often each line is there. */
export type Marks = ReadonlyMap<string, number>;

const counted = (lines: readonly string[]): Marks => {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
};

/** Of one file, given by its path from the root and its text. */
export const marksOf = (path: string, text: string, { branchMap, b }: FileCoverage): Marks => {
  const lines = text.split('\n');
  const found: string[] = [];
  for (const [key, { loc }] of Object.entries(branchMap)) {
    if (b[key]?.includes(0) !== true) continue;
    const mark = marked(lines, loc);
    if (mark !== null) found.push(`${path}: ${mark}`);
  }
  return counted(found);
};

const TIMES = / \((\d+) times\)$/;

export const printMarks = (marks: Marks): readonly string[] =>
  [...marks].map(([mark, times]) => (times === 1 ? mark : `${mark} (${times} times)`)).sort();

/** Of all the reasons of the page. */
export const explainedBy = (page: string): Marks => {
  const explained = new Map<string, number>();
  for (const [, block = ''] of page.matchAll(/^```text\n([\s\S]*?)^```$/gm))
    for (const line of block.split('\n').filter((each) => each !== ''))
      explained.set(line.replace(TIMES, ''), Number(TIMES.exec(line)?.[1] ?? 1));
  return explained;
};

/** What `marks` has that `others` has not, or more often. */
export const beyond = (marks: Marks, others: Marks): Marks =>
  new Map(
    [...marks].flatMap(([mark, times]) => {
      const more = times - (others.get(mark) ?? 0);
      return more > 0 ? [[mark, more] as const] : [];
    }),
  );
