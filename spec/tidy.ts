/**
 * The rules of the house that a compiler and a linter do not hold: what each room may import, what `core`
 * must not know, and what must not be left lying about. Rules of one file are functions of its source,
 * rules of the project are functions of all sources; all give findings, a line of text each.
 */
import { importsOf, lineAt, readSource, resolve, type Source } from './source.js';

/** `core/a.ts:12: what is wrong` */
export type Finding = string;
export type FileRule = (source: Source) => Finding[];

const finding = (source: Source, line: number, message: string): Finding =>
  `${source.path}:${line}: ${message}`;

const matches = (source: Source, text: string, pattern: RegExp, say: (found: string) => string): Finding[] =>
  [...text.matchAll(pattern)].map((match) => finding(source, lineAt(source, match.index), say(match[0])));

/** What the world outside sees of `core`: all of it, and narrower views for what is bundled. */
const coreIndexes: readonly string[] = ['index', 'client', 'recovery', 'recording'].map(
  (name) => `core/${name}.ts`,
);

/** Folders of `core`, and which others each may import besides itself. Indexes import all. */
const coreFolders: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  merge: ['model', 'base'],
  history: ['merge', 'model', 'base'],
  reset: ['history', 'merge', 'model', 'base'],
  replay: ['session', 'reset', 'history', 'merge', 'model', 'base', 'protocol', 'access'],
  session: ['reset', 'history', 'merge', 'model', 'base', 'protocol', 'access', 'query'],
  protocol: ['model', 'base'],
  query: ['model', 'base'],
  access: ['query', 'model', 'base'],
};

const corePackages = /^(?:fp-ts\/lib\/[A-Za-z]+\.js|bson|msgpackr(?:\/pack)?|sift\/lib\/index\.js|re2js)$/;

/** Why a file of `core` may not import another source, or null. */
const refusedByCore = (path: string, target: string): string | null => {
  const [room, folder = ''] = target.split('/');
  if (room !== 'core') return 'core imports only itself';
  if (coreIndexes.includes(path)) return null;
  const own = path.split('/')[1] ?? '';
  const allowed = coreFolders[own];
  if (allowed === undefined) return `core/${own} is no folder that the rules know`;
  if (folder === own || allowed.includes(folder)) return null;
  return `core/${own} may import ${allowed.length === 0 ? 'nothing else' : allowed.join(', ')}`;
};

/** An adapter is the files of `links` or `stores` whose names start with its own: `lmdb.ts`, `lmdb-keys.ts`, `lmdb/…`. */
const adapters = ['memory', 'websocket', 'long-poll', 'lmdb', 'postgres', 'indexeddb'];
const adapterOf = (path: string): string | undefined =>
  adapters.find((adapter) => new RegExp(`^[a-z]+/[a-z]+/${adapter}\\b`).test(path));

/** What links and stores may know beside themselves: the platform's clock is what runs one that is given none. */
const forAdapters: readonly string[] = [
  'transports/ports.ts',
  'transports/clock.ts',
  'transports/retry-hint.ts',
  'transports/versions.ts',
];

/** Why a file of `transports` may not import another source, or null. */
const refusedByTransports = (path: string, target: string): string | null => {
  const room = target.split('/')[0];
  if (room === 'core')
    return coreIndexes.includes(target) ? null : 'transports import core by one of its indexes only';
  if (room !== 'transports') return 'transports import core and transports only';
  const folder = /^transports\/(?:links|stores)\//.exec(path)?.[0];
  if (folder === undefined || forAdapters.includes(target)) return null;
  if (!target.startsWith(folder))
    return 'links and stores know ports.ts and the small files beside it, and neither each other nor the drivers';
  const adapter = adapterOf(target);
  return adapter === undefined || adapter === adapterOf(path) ? null : 'adapters do not know each other';
};

/** Source: design, section 1, rules between rooms. */
export const imports: FileRule = (source) => {
  const findings: Finding[] = [];
  const room = source.path.split('/')[0];
  for (const { target, isRelative, line } of importsOf(source)) {
    let refused: string | null = null;
    if (!isRelative) {
      if (room === 'core' && !corePackages.test(target))
        refused = 'core imports fp-ts/lib/X.js, bson and msgpackr';
    } else if (room === 'core') refused = refusedByCore(source.path, target);
    else if (room === 'transports') refused = refusedByTransports(source.path, target);
    if (refused !== null) findings.push(finding(source, line, `imports ${target}, but ${refused}`));
  }
  return findings;
};

const worldly = new RegExp(
  [
    String.raw`\bDate\.now\b`,
    String.raw`(?<![.\w$])(?<!\bnew\s+)Date\s*\(`,
    String.raw`\bnew\s+Date\b(?!\s*\(\s*[^\s)])`,
    // Engines may round these differently, and states would differ with them.
    String.raw`\bMath\.(?:random|a?(?:sin|cos|tan)h?|atan2|exp|expm1|log|log1p|log10|log2|pow|cbrt|hypot)\b`,
    String.raw`(?<![.\w$])(?:setTimeout|setInterval|setImmediate|queueMicrotask|performance|console|process|crypto)\b(?!\s*:)`,
    String.raw`(?<![.\w$])(?:Buffer|TextEncoder|TextDecoder|URL|fetch|globalThis|require|structuredClone)\b(?!\s*:)`,
    String.raw`\bimport\.meta\b`,
    String.raw`(?<![.\w$])(?:async|await|Promise)\b(?!\s*:)`,
  ].join('|'),
  'g',
);

/** Core knows no clock, chance, timer, console, promise or host. A date made of a given instant is a value, and a property may have any name. */
export const purity: FileRule = (source) =>
  source.path.startsWith('core/')
    ? matches(source, source.code, worldly, (found) => `core must not know ${found.replace(/\s*\($/, '()')}`)
    : [];

const isTest = (source: Source): boolean => source.path.endsWith('.test.ts');

/** A suite that is not run passes in silence, and so does a test added after the run. */
export const suitesRun: FileRule = (source) => {
  const { code } = source;
  const end = code.split('\n').length;
  const imported = importsOf(source).some(({ target }) => target === 'uvu' || target === 'spec/kit/suite.ts');
  const findings: Finding[] = [];
  if (isTest(source) && !/\.run\(\)/.test(code)) findings.push(finding(source, end, 'runs no suite'));
  if (!imported) return findings;
  const declared = [...code.matchAll(/\b(?:const|let)\s+(\w+)\s*(?::[^=\n]+)?=\s*suite\b[^(\n]*\(/g)];
  const calls = [...code.matchAll(/(?<![.\w$])suite\s*(?:<[^(\n]*>)?\(/g)];
  if (calls.length > declared.length) {
    findings.push(
      finding(source, lineAt(source, calls.at(-1)?.index ?? 0), 'a suite without a name cannot be run'),
    );
  }
  const names = declared.map((match) => match[1] ?? '');
  if (/\bimport\s*\{[^}]*\btest\b[^}]*\}\s*from\b/.test(code)) names.push('test');
  for (const name of names) {
    const uses = [...code.matchAll(new RegExp(`(?<![.\\w$])${name}((?:\\.\\w+)*)\\(`, 'g'))];
    const run = uses.findLast((use) => use[1] === '.run');
    const last = uses.at(-1);
    if (run === undefined) findings.push(finding(source, end, `the suite ${name} is never run`));
    else if (last !== undefined && last !== run) {
      findings.push(finding(source, lineAt(source, last.index), `the suite ${name} has been run already`));
    }
  }
  return findings;
};

/** Tests are skipped or singled out only with the reason on the line before. */
export const skips: FileRule = (source) => {
  if (!source.path.startsWith('spec/')) return [];
  const lines = source.comments.split('\n');
  return [...source.code.matchAll(/\.(?:only|skip)\s*\(/g)]
    .map((match) => ({ call: match[0], line: lineAt(source, match.index) }))
    .filter(({ line }) => (lines[line - 2] ?? '').trim() === '')
    .map(({ call, line }) => finding(source, line, `${call}) without a comment on the line before`));
};

// The brackets keep the pattern from finding itself.
const markers = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/g;

/** What is left to do stands in an issue, not in a source. */
export const leftovers: FileRule = (source) =>
  matches(source, source.text, markers, (found) => `${found} is left over`);

/** Ways around the compiler and the linter. In `spec`, an error may be expected: that is how types are tested. */
export const wayRounds: FileRule = (source) => [
  ...matches(source, source.code, /(?<![.\w$])any\b(?!\s*\??:)/g, () => 'the type any'),
  ...matches(source, source.comments, /@ts-(?:ignore|nocheck)|biome-ignore/g, (found) => found),
  ...(source.path.startsWith('spec/')
    ? []
    : matches(source, source.comments, /@ts-expect-error/g, (found) => found)),
];

/** The order and form of strings must not depend on the machine. */
export const locales: FileRule = (source) =>
  matches(
    source,
    source.code,
    /\blocaleCompare\b|\btoLocale\w+|\bIntl\./g,
    (found) => `${found} differs between machines`,
  );

/** A source begins with what it is about; examples stand in the documentation, which says so. */
export const openings: FileRule = (source) =>
  isTest(source) || source.path.startsWith('spec/examples/') || /^(?:#!.*\n)?\/\*\*/.test(source.text)
    ? []
    : [finding(source, 1, 'begins without a comment on what it is')];

export const LINES = 450;

/** Files that may be longer, and why. */
export type Excuses = Readonly<Record<string, string>>;

/** No file is longer than `LINES`, but those excused; and no excuse outlives its file's length. */
export const lengths = (sources: readonly Source[], excuses: Excuses): Finding[] => {
  const long = sources
    .map((source) => ({ path: source.path, lines: source.text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > LINES);
  return [
    ...long
      .filter(({ path }) => !Object.hasOwn(excuses, path))
      .map(({ path, lines }) => `${path}:${lines}: longer than ${LINES} lines`),
    ...Object.keys(excuses)
      .filter((path) => !long.some((file) => file.path === path))
      .map((path) => `${path}:1: excused for its length, but not longer than ${LINES} lines`),
  ];
};

/** Sources that a text such as `package.json` names, through what they are compiled to. */
export const entryPoints = (packageText: string): Set<string> =>
  new Set([...packageText.matchAll(/\bdist\/([\w./-]+)\.js\b/g)].map((match) => `${match[1]}.ts`));

/** Entry points without a source. */
export const missing = (sources: readonly Source[], entries: ReadonlySet<string>): Finding[] =>
  [...entries]
    .filter((entry) => !sources.some(({ path }) => path === entry))
    .map((entry) => `${entry}:1: package.json names it, and it does not exist`);

/** Every source is a test, an entry point, or named by another source: imported, or started by its path. */
export const orphans = (sources: readonly Source[], entries: ReadonlySet<string>): Finding[] => {
  const named = new Set(entries);
  for (const source of sources) {
    const targets = entryPoints(source.text);
    for (const { text } of source.strings) {
      if (/^\.\.?\/.*\.js$/.test(text)) targets.add(resolve(source.path, text));
    }
    targets.delete(source.path);
    for (const target of targets) named.add(target);
  }
  return sources
    .filter((source) => !isTest(source) && !named.has(source.path))
    .map((source) => finding(source, 1, 'nothing imports, starts or names it'));
};

const furniture = new Set([
  'core',
  'transports',
  'bench',
  'spec',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'biome.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'NOTICE',
]);

/** Whether a name in the root is of the four rooms or the furniture. */
export const rootEntries = (names: readonly string[]): Finding[] =>
  names
    .filter((name) => !furniture.has(name) && !name.startsWith('.'))
    .map((name) => `${name}:1: does not belong at the top level`);

export const fileRules: Readonly<Record<string, FileRule>> = {
  imports,
  purity,
  suitesRun,
  skips,
  leftovers,
  wayRounds,
  locales,
  openings,
};

/** A rule on a path and a text, for snippets. */
export const check = (rule: FileRule, path: string, text: string): Finding[] => rule(readSource(path, text));
