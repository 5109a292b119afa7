/**
 * `syncline sync`: asks a running server, by its admin API, for the state of sync, or changes it. The token is
 * read from the environment variable SYNCLINE_ADMIN_TOKEN, so that it is in no list of processes.
 */
import { readFileSync } from 'node:fs';
import { table } from './table.js';

export interface SyncCommand {
  /** `status`, `enable`, `disable` or `terminate`. */
  readonly action: string;
  /** Where the admin API is. */
  readonly url: string | undefined;
  readonly token: string | undefined;
  /** Files with what is to hold after `enable`. */
  readonly config: string | undefined;
  readonly schema: string | undefined;
}

const actions = ['status', 'enable', 'disable', 'terminate'];

export const tokenVariable = 'SYNCLINE_ADMIN_TOKEN';

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a file says. @throws an error that names the file */
export const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
};

export interface SyncOutcome {
  /** False where the server refuses. */
  readonly isDone: boolean;
  /** To be printed. */
  readonly text: string;
}

/** Does what is asked for. Rejects where it is not understood, or nobody can be asked. */
export const syncCommand = async (command: SyncCommand): Promise<SyncOutcome> => {
  const { action, url, token, config, schema } = command;
  if (!actions.includes(action)) throw new Error(`sync ${action}: one of ${actions.join(', ')} is expected`);
  if (url === undefined || !URL.canParse(url))
    throw new Error('--url: the address of the admin API is expected, such as http://127.0.0.1:8788');
  if (token === undefined || token === '')
    throw new Error(`the variable ${tokenVariable} is expected to be set`);
  if (action !== 'enable' && (config !== undefined || schema !== undefined))
    throw new Error('--config and --schema: only `sync enable` takes them');
  const body = {
    ...(config === undefined ? {} : { config: readJson(config) }),
    ...(schema === undefined ? {} : { schema: readJson(schema) }),
  };
  const path = action === 'status' ? '/sync' : `/sync/${action}`;
  const request = action === 'status' ? {} : { method: 'POST', body: JSON.stringify(body) };
  const base = url.replace(/\/+$/, '');
  const answer = await asked(`${base}${path}`, token, request);
  if (isRecord(answer['error'])) return { isDone: false, text: refusal(answer['error']) };
  const { partitions } = await asked(`${base}/sync/partitions`, token, {});
  return { isDone: true, text: printed(answer, partitions) };
};

/** What the server says, be it an error. */
const asked = async (
  url: string,
  token: string,
  request: { readonly method?: string; readonly body?: string },
): Promise<Json> => {
  const response = await fetch(url, { ...request, headers: { authorization: `Bearer ${token}` } }).catch(
    (error: unknown) => {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      throw new Error(`${url} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`);
    },
  );
  const text = await response.text();
  const body = parsed(text);
  if (response.ok && body !== null) return body;
  if (body !== null && isRecord(body['error'])) return body;
  throw new Error(`${url} answers ${response.status}, and not as an admin API does`);
};

const refusal = ({ code, message, findings }: Json): string =>
  [
    `${code}: ${message}`,
    ...(Array.isArray(findings) ? findings : []).map(
      (finding) => `  ${isRecord(finding) ? finding['message'] : finding}`,
    ),
  ].join('\n');

const parsed = (text: string): Json | null => {
  try {
    const read: unknown = JSON.parse(text);
    return isRecord(read) ? read : null;
  } catch {
    return null;
  }
};

const printed = (status: Json, partitions: unknown): string => {
  const { state, epoch, config, schema, begun } = status;
  const partition = isRecord(config) && isRecord(config['partition']) ? config['partition'] : {};
  const classes = Array.isArray(schema) ? schema.map((each) => (isRecord(each) ? each['name'] : each)) : [];
  const required = partition['required'] === true ? ', required' : '';
  const lines = [
    `sync is ${state}, in epoch ${epoch}`,
    `partition key ${partition['key']}: ${partition['type']}${required}`,
    `classes ${classes.length === 0 ? 'none' : classes.join(', ')}`,
  ];
  if (isRecord(begun)) lines.push(...begunLines(begun));
  const rows = Array.isArray(partitions) ? partitions.filter(isRecord) : [];
  if (rows.length > 0)
    lines.push(
      table(
        ['partition', 'version', 'files', 'objects'],
        rows.map(({ name, version, files, objects }) => [
          String(name),
          String(version),
          String(files),
          isRecord(objects)
            ? Object.entries(objects)
                .map(([of, count]) => `${of} ${count}`)
                .join(', ')
            : '',
        ]),
      ),
    );
  return lines.join('\n');
};

const begunLines = ({ objects, partitions, unassigned, dropped }: Json): readonly string[] => [
  `${objects} objects in ${partitions} partitions, ${unassigned} without a valid value of the key`,
  ...(Array.isArray(dropped) ? dropped.filter(isRecord) : []).map(({ class: name, property, count }) =>
    property === null
      ? `${count} objects of ${name} have no place in the schema`
      : `${count} values of ${name}.${property} have no place in the schema`,
  ),
];
