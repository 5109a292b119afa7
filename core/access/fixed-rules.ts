/**
 * What of a configuration cannot change while sync is enabled: the partition key, its rules, and where the data
 * are. Whether it is in development mode, how long devices may be away and whether they may recover concerns
 * nobody's data, and can change at any time; the state has operations of its own.
 *
 * Source: the page on partition-based sync ("The rules of sync cannot be changed").
 */
import { describeFound, isPlainObject } from '../model/edge-kinds.js';
import { type ConfigError, Findings } from '../model/schema-findings.js';

type Fields = Readonly<Record<string, unknown>>;

const pathsOfRules: readonly (readonly string[])[] = [
  ['service_name'],
  ['database_name'],
  ['partition', 'key'],
  ['partition', 'type'],
  ['partition', 'required'],
  ['partition', 'permissions', 'read'],
  ['partition', 'permissions', 'write'],
];

/** Where `after` differs from `before` in what is fixed. Both have been decoded without an error. */
export const changedRules = (before: Fields, after: Fields): readonly ConfigError[] => {
  const findings = new Findings();
  for (const path of pathsOfRules) {
    const was = at(before, path);
    const is = at(after, path);
    if (canonical(was) !== canonical(is))
      findings.add(
        ['config', ...path].join('.'),
        shown(is),
        `${shown(was)}, as long as sync is not terminated`,
      );
  }
  return findings.errors;
};

const at = (config: Fields, path: readonly string[]): unknown => {
  let value: unknown = config;
  for (const name of path) value = isPlainObject(value) ? value[name] : undefined;
  return path.at(-1) === 'required' ? value === true : value;
};

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null ? canonical(value) : describeFound(value);

/** The JSON of a value with the names of each object in order: equal for what says the same. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (isPlainObject(value))
    return `{${Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
      .join(',')}}`;
  return JSON.stringify(value) ?? 'undefined';
};
