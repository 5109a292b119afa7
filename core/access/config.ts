/**
 * The configuration of partition-based sync, as its file has it, checked as a whole.
 *
 *     {
 *       "type": "partition",
 *       "state": "enabled",
 *       "development_mode_enabled": false,
 *       "service_name": "mongodb-atlas",
 *       "database_name": "shop",
 *       "partition": {
 *         "key": "owner_id",
 *         "type": "string",
 *         "required": true,
 *         "permissions": { "read": { "%%user.id": "%%partition" }, "write": false }
 *       },
 *       "last_disabled": 1625773000,
 *       "client_max_offline_days": 30,
 *       "is_recovery_mode_disabled": false
 *     }
 *
 * `required` goes beyond the documented file, where the classes say it: whether objects without a value of the
 * key are ignored, or belong to the null partition (the default).
 *
 * Source: the page on partition-based sync, its configuration.
 */
import * as E from 'fp-ts/lib/Either.js';
import { describeFound, isPlainObject } from '../model/edge-kinds.js';
import { type ConfigError, Findings } from '../model/schema-findings.js';
import type { Expression } from './expression.js';
import { forbiddenNames, parseExpression } from './parse-expression.js';
import { type PartitionType, partitionTypes } from './partition-value.js';
import type { Permissions } from './permissions.js';

export interface PartitionConfig {
  readonly state: 'enabled' | 'disabled';
  /** Unknown classes and properties that devices upload extend the server's schema. */
  readonly isDevelopment: boolean;
  /** Kept for the reader's sake: here, there is one store. */
  readonly serviceName: string | null;
  /** Where development mode puts new classes. */
  readonly databaseName: string | null;
  readonly partition: {
    readonly key: string;
    readonly type: PartitionType;
    readonly isRequired: boolean;
    readonly permissions: Permissions;
  };
  /** Seconds since 1970 at which sync was last paused or disabled. */
  readonly lastDisabled: number | null;
  readonly clientMaxOfflineDays: number;
  readonly isRecoveryDisabled: boolean;
}

const fields = [
  'type',
  'state',
  'development_mode_enabled',
  'service_name',
  'database_name',
  'partition',
  'last_disabled',
  'client_max_offline_days',
  'is_recovery_mode_disabled',
] as const;

/** Latest time that fits a `Date`, in seconds. */
const endOfTime = 8_640_000_000_000;
/** As long as a person may be offline: a hundred years. */
const longestOffline = 36_525;

/**
 * Reads a configuration: it, or everything that is wrong with it, each with its place. `functions`: the names
 * of the functions that rules may call.
 */
export const decodePartitionConfig = (
  input: unknown,
  functions: ReadonlySet<string> = new Set(),
): E.Either<readonly ConfigError[], PartitionConfig> => {
  const findings = new Findings();
  const config = new Reader(functions, findings).config(input);
  return config === null || findings.errors.length > 0 ? E.left(findings.errors) : E.right(config);
};

type Fields = Readonly<Record<string, unknown>>;

class Reader {
  private readonly functions: ReadonlySet<string>;
  private readonly findings: Findings;

  constructor(functions: ReadonlySet<string>, findings: Findings) {
    this.functions = functions;
    this.findings = findings;
  }

  config(input: unknown): PartitionConfig | null {
    if (!isPlainObject(input))
      return this.wrong('config', input, 'an object with the fields of sync/config.json', null);
    this.findings.unknownNames(input, fields, 'config');
    if (input['type'] !== 'partition') this.wrong('config.type', input['type'], '"partition"', null);
    const state = input['state'];
    if (state !== 'enabled' && state !== 'disabled')
      this.wrong('config.state', state, '"enabled" or "disabled"', null);
    const partition = this.partition(input['partition']);
    const isDevelopment = this.flag(input, 'development_mode_enabled');
    const databaseName = this.name(input, 'database_name');
    if (isDevelopment && databaseName === null && input['database_name'] === undefined)
      this.wrong('config.database_name', undefined, 'a name, since development mode is enabled', null);
    const read = {
      state: state === 'enabled' ? 'enabled' : 'disabled',
      isDevelopment,
      serviceName: this.name(input, 'service_name'),
      databaseName,
      lastDisabled: this.number(input, 'last_disabled', 'seconds since 1970', endOfTime, null),
      clientMaxOfflineDays: this.number(input, 'client_max_offline_days', 'days', longestOffline, 30),
      isRecoveryDisabled: this.flag(input, 'is_recovery_mode_disabled'),
    } as const;
    return partition === null ? null : { ...read, partition };
  }

  private partition(input: unknown): PartitionConfig['partition'] | null {
    const path = 'config.partition';
    if (!isPlainObject(input)) return this.wrong(path, input, '{ key, type, permissions }', null);
    this.findings.unknownNames(input, ['key', 'type', 'required', 'permissions'], path);
    const { key, required = false } = input;
    if (typeof key !== 'string' || key === '' || key === '_id' || forbiddenNames.has(key))
      this.wrong(`${path}.key`, key, 'the name of a property other than _id', null);
    if (typeof required !== 'boolean') this.wrong(`${path}.required`, required, 'true or false', null);
    const type = partitionTypes.find((known) => known === input['type']);
    if (type === undefined)
      this.wrong(`${path}.type`, input['type'], partitionTypes.map((name) => `"${name}"`).join(', '), null);
    const permissions = this.permissions(input['permissions'], `${path}.permissions`);
    if (typeof key !== 'string' || type === undefined || permissions === null) return null;
    return { key, type, isRequired: required === true, permissions };
  }

  private permissions(input: unknown, path: string): Permissions | null {
    if (!isPlainObject(input)) return this.wrong(path, input, '{ read, write }', null);
    this.findings.unknownNames(input, ['read', 'write'], path);
    const read = this.expression(input['read'], `${path}.read`);
    const write = this.expression(input['write'], `${path}.write`);
    return read === null || write === null ? null : { read, write };
  }

  private expression(input: unknown, path: string): Expression | null {
    return parseExpression(input, path, this.functions, this.findings);
  }

  private flag(input: Fields, name: string): boolean {
    const value = input[name];
    if (value === undefined || typeof value === 'boolean') return value === true;
    return this.wrong(`config.${name}`, value, 'true or false', false);
  }

  private name(input: Fields, name: string): string | null {
    const value = input[name];
    if (value === undefined) return null;
    return typeof value === 'string' && value !== ''
      ? value
      : this.wrong(`config.${name}`, value, 'a name', null);
  }

  private number<Default>(
    input: Fields,
    name: string,
    what: string,
    most: number,
    rest: Default,
  ): number | Default {
    const value = input[name];
    if (value === undefined) return rest;
    if (typeof value === 'number' && value >= 0 && value <= most) return value;
    return this.wrong(`config.${name}`, value, `${what}, from 0 to ${most}`, rest);
  }

  private wrong<Rest>(path: string, value: unknown, expected: string, rest: Rest): Rest {
    this.findings.add(path, describeFound(value), expected);
    return rest;
  }
}
