/**
 * Merge vectors: merges computed by the reference implementation, one JSON object per line, read into our
 * model. The form is that of the README beside the vectors.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Changeset } from '../../core/model/changeset.js';
import {
  addColumn,
  addInteger,
  addTable,
  arrayErase,
  arrayInsert,
  arrayMove,
  clear,
  createObject,
  eraseColumn,
  eraseObject,
  eraseTable,
  type Instruction,
  type Path,
  setErase,
  setInsert,
  update,
  updateElement,
} from '../../core/model/instruction.js';
import {
  globalKey,
  intKey,
  type Key,
  type KeyType,
  nullKey,
  objectIdKey,
  stringKey,
  uuidKey,
} from '../../core/model/key.js';
import {
  printColumnSpec,
  printKey,
  printName,
  printTableSpec,
  printValue,
} from '../../core/model/notation.js';
import type { CollectionType, ColumnSpec, ElementType, TableSpec } from '../../core/model/schema.js';
import {
  binary,
  decimal,
  dictionary,
  doubleFromBits,
  erased,
  floatFromBits,
  link,
  list,
  objectId,
  objectValue,
  type Payload,
  set,
  timestamp,
  uuid,
  type Value,
} from '../../core/model/value.js';

export interface VectorChangeset extends Changeset {
  /** The reference's binary form. */
  readonly encoded: Uint8Array;
}

/** What a state and its schema hold, a line of notation for each class, column, object and property, sorted. */
export type Contents = readonly string[];

export interface Vector {
  readonly id: string;
  readonly profile: string;
  readonly anomaly: string | null;
  readonly base: readonly Instruction[];
  readonly baseEncoded: Uint8Array;
  /** Of the base. */
  readonly schema: Contents;
  readonly left: readonly VectorChangeset[];
  readonly right: readonly VectorChangeset[];
  readonly third: readonly VectorChangeset[] | null;
  /** Null where the transformation failed. */
  readonly merged: Merged | null;
  /** What the transformation said where it failed, and what it said with the sides exchanged. */
  readonly error: string | null;
  readonly errorReversed: string | null;
  readonly thirdMerged: ThirdMerged | null;
  /** The transformation failed in one of the six orders of arrival. */
  readonly errorThree: string | null;
  /** All six orders of arrival end alike. */
  readonly associative: boolean;
}

export interface Merged {
  readonly left: readonly VectorChangeset[];
  readonly right: readonly VectorChangeset[];
  readonly symmetric: boolean;
  readonly convergent: boolean;
  /** After base, left, merged right; and after base, right, merged left. A text says why applying failed. */
  readonly end: Contents | string;
  readonly endRight: Contents | string;
}

export interface ThirdMerged {
  readonly changesets: readonly VectorChangeset[];
  /** After base, left, merged right, merged third. */
  readonly end: Contents | string;
}

interface JsonKey {
  readonly t: 'null' | 'int' | 'string' | 'objectId' | 'uuid' | 'globalKey';
  readonly v: string;
}

interface JsonValue {
  readonly t: string;
  readonly v?: unknown;
  readonly s?: string;
  readonly ns?: number;
  readonly bits?: string;
  readonly coefficient?: string;
  readonly exponent?: number;
  readonly negative?: boolean;
  readonly table?: string;
  readonly key?: JsonKey;
  readonly unresolved?: boolean;
}

interface JsonInstruction {
  readonly op: string;
  readonly table: string;
  readonly object: JsonKey;
  readonly field: string;
  readonly path: Path;
  readonly value: JsonValue | string;
  readonly prior_size?: number;
  readonly is_default?: boolean;
  readonly ndx_2: number;
  readonly type: string;
  readonly pk_field: string;
  readonly pk_type: string;
  readonly pk_nullable: boolean;
  readonly is_asymmetric: boolean;
  readonly nullable: boolean;
  readonly collection_type: string;
  readonly link_target_table: string;
}

interface JsonChangeset {
  readonly version: number;
  readonly timestamp: number;
  readonly originFileIdent: number;
  readonly instructions: readonly JsonInstruction[];
  readonly encoded: string;
}

interface JsonTable {
  readonly type: 'topLevel' | 'embedded' | 'asymmetric';
  readonly pk: { readonly field: string; readonly type: string; readonly nullable: boolean } | null;
  readonly columns: Readonly<
    Record<string, { type: string; nullable: boolean; collection: string; target?: string }>
  >;
}

type JsonSchema = Readonly<Record<string, JsonTable>>;
type JsonState = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, JsonValue>>>>>>;

interface JsonVector {
  readonly id: string;
  readonly profile: string;
  readonly anomaly?: string;
  readonly schema: JsonSchema;
  readonly base: readonly JsonInstruction[];
  readonly baseEncoded: string;
  readonly left: readonly JsonChangeset[];
  readonly right: readonly JsonChangeset[];
  readonly third?: readonly JsonChangeset[];
  readonly mergedLeft?: readonly JsonChangeset[];
  readonly mergedRight?: readonly JsonChangeset[];
  readonly mergedThird?: readonly JsonChangeset[];
  readonly symmetric?: boolean;
  readonly convergent?: boolean;
  readonly finalState?: JsonState;
  readonly finalSchema?: JsonSchema;
  readonly finalStateRight?: JsonState;
  readonly finalSchemaRight?: JsonSchema;
  readonly finalStateThree?: JsonState;
  readonly finalSchemaThree?: JsonSchema;
  readonly applyError?: string;
  readonly applyErrorRight?: string;
  readonly applyErrorThree?: string;
  readonly error?: string;
  readonly errorReversed?: string | null;
  readonly errorThree?: string;
  readonly associative?: boolean;
}

const unknown = (what: string, found: unknown): never => {
  throw new Error(`${what}: ${JSON.stringify(found)}`);
};

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

const keyOf = ({ t, v }: JsonKey): Key => {
  switch (t) {
    case 'null':
      return nullKey;
    case 'int':
      return intKey(BigInt(v));
    case 'string':
      return stringKey(v);
    case 'objectId':
      return objectIdKey(v);
    case 'uuid':
      return uuidKey(v.replaceAll('-', ''));
    case 'globalKey': {
      const [hi = '', lo = ''] = v.slice(1, -1).split('-');
      return globalKey(BigInt(`0x${hi}`), BigInt(`0x${lo}`));
    }
  }
};

/** `int:5`, as states name their objects. */
const keyOfText = (text: string): Key => {
  const colon = text.indexOf(':');
  return text === 'null'
    ? nullKey
    : keyOf({ t: text.slice(0, colon) as JsonKey['t'], v: text.slice(colon + 1) });
};

/** The binary integer form of a finite decimal128. */
export const finiteDecimal = (coefficient: bigint, exponent: number, negative: boolean): Value => {
  const bits = ((negative ? 1n : 0n) << 127n) | (BigInt(exponent + 6176) << 113n) | coefficient;
  return decimal(bits.toString(16).padStart(32, '0'));
};

const specialDecimals: Readonly<Record<string, string>> = {
  NaN: `7c${'0'.repeat(30)}`,
  Inf: `78${'0'.repeat(30)}`,
  '-Inf': `f8${'0'.repeat(30)}`,
};

const markers: Readonly<Record<string, Payload>> = { erased, objectValue, list, dictionary, set };

const payloadOf = (value: JsonValue): Payload => {
  const { t, v } = value;
  switch (t) {
    case 'null':
      return null;
    case 'int':
      return BigInt(v as string);
    case 'bool':
    case 'string':
      return v as boolean | string;
    case 'binary':
      return binary(bytesOf(v as string));
    case 'timestamp':
      return timestamp(BigInt(value.s as string), value.ns as number);
    case 'float':
      return floatFromBits(Number.parseInt(value.bits as string, 16));
    case 'double':
      return doubleFromBits(BigInt(`0x${value.bits}`));
    case 'decimal': {
      const special = specialDecimals[v as string];
      if (special !== undefined) return decimal(special);
      const coefficient = BigInt(`0x${value.coefficient}`);
      return finiteDecimal(coefficient, value.exponent as number, value.negative as boolean);
    }
    case 'link':
      return link(value.table as string, keyOf(value.key as JsonKey));
    case 'objectId':
      return objectId(v as string);
    case 'uuid':
      return uuid((v as string).replaceAll('-', ''));
    default:
      return markers[t] ?? unknown('unknown value', value);
  }
};

const elementTypes: Readonly<Record<string, ElementType>> = {
  Mixed: 'mixed',
  Int: 'int',
  Bool: 'bool',
  String: 'string',
  Binary: 'binary',
  Timestamp: 'timestamp',
  Float: 'float',
  Double: 'double',
  Decimal: 'decimal',
  Link: 'link',
  ObjectId: 'objectId',
  UUID: 'uuid',
};

const elementType = (name: string): ElementType => elementTypes[name] ?? unknown('unknown type', name);
const collectionType = (name: string): CollectionType => name.toLowerCase() as CollectionType;

const tableSpec = (
  embedded: boolean,
  pkField: string,
  pkType: string,
  nullable: boolean,
  asymmetric: boolean,
): TableSpec => {
  if (embedded) return { type: 'embedded' };
  const primaryKey =
    pkType === 'GlobalKey' ? null : { name: pkField, type: elementType(pkType) as KeyType, nullable };
  return { type: 'topLevel', primaryKey, asymmetric };
};

const instructionOf = (json: JsonInstruction): Instruction => {
  const { op, table, field, path } = json;
  if (op === 'AddTable')
    return addTable(
      table,
      tableSpec(json.type === 'embedded', json.pk_field, json.pk_type, json.pk_nullable, json.is_asymmetric),
    );
  if (op === 'EraseTable') return eraseTable(table);
  if (op === 'EraseColumn') return eraseColumn(table, field);
  if (op === 'AddColumn') {
    const type = elementType(json.type);
    const target = json.link_target_table === '' ? null : json.link_target_table;
    const collection = collectionType(json.collection_type);
    return addColumn(table, field, { type, nullable: json.nullable, collection, target });
  }
  const object = keyOf(json.object);
  switch (op) {
    case 'CreateObject':
      return createObject(table, object);
    case 'EraseObject':
      return eraseObject(table, object);
    case 'AddInteger':
      return addInteger(table, object, field, path, BigInt(json.value as string));
    case 'ArrayMove':
      return arrayMove(table, object, field, path, json.ndx_2, json.prior_size as number);
    case 'ArrayErase':
      return arrayErase(table, object, field, path, json.prior_size as number);
    case 'Clear':
      return clear(table, object, field, path, collectionType(json.collection_type));
  }
  const value = payloadOf(json.value as JsonValue);
  switch (op) {
    case 'Update':
      return json.prior_size === undefined
        ? update(table, object, field, path, value, json.is_default as boolean)
        : updateElement(table, object, field, path, value, json.prior_size);
    case 'ArrayInsert':
      return arrayInsert(table, object, field, path, value, json.prior_size as number);
    case 'SetInsert':
      return setInsert(table, object, field, path, value);
    case 'SetErase':
      return setErase(table, object, field, path, value);
    default:
      return unknown('unknown instruction', json);
  }
};

const changesetOf = (json: JsonChangeset): VectorChangeset => ({
  version: json.version,
  base: 0,
  timestamp: json.timestamp,
  origin: json.originFileIdent,
  instructions: json.instructions.map(instructionOf),
  encoded: bytesOf(json.encoded),
});

const contentText = (value: JsonValue): string => {
  switch (value.t) {
    case 'list':
      return listText((value.v as JsonValue[]).map(contentText));
    case 'set':
      return setText((value.v as JsonValue[]).map(contentText));
    case 'dictionary':
      return dictionaryText(entries(value.v).map(([key, entry]) => [key, contentText(entry)]));
    case 'object':
      return objectText(entries(value.v).map(([key, entry]) => [key, contentText(entry)]));
    default:
      return printValue(payloadOf(value)) + (value.unresolved === true ? ' unresolved' : '');
  }
};

const entries = (value: unknown): [string, JsonValue][] =>
  Object.entries(value as Readonly<Record<string, JsonValue>>);

const sortedEntries = (pairs: readonly (readonly [string, string])[]): string =>
  pairs
    .map(([key, text]) => `${JSON.stringify(key)}: ${text}`)
    .sort()
    .join(', ');

export const listText = (items: readonly string[]): string => `[${items.join(', ')}]`;
export const setText = (members: readonly string[]): string => `<${[...members].sort().join(', ')}>`;
export const dictionaryText = (pairs: readonly (readonly [string, string])[]): string =>
  `{${sortedEntries(pairs)}}`;
export const objectText = (pairs: readonly (readonly [string, string])[]): string =>
  `object{${sortedEntries(pairs)}}`;

export const tableLine = (table: string, spec: TableSpec): string =>
  `class ${printName(table)} ${printTableSpec(spec)}`;
/** Our states refuse a property without a name, which a test of the reference has. It gets this one. */
export const nameOf = (field: string): string => (field === '' ? 'unnamed' : field);
export const columnLine = (table: string, field: string, spec: ColumnSpec): string =>
  `class ${printName(table)} has ${printName(nameOf(field))}: ${printColumnSpec(spec)}`;
export const objectLine = (table: string, key: Key): string => `${printName(table)}[${printKey(key)}]`;
export const propertyLine = (table: string, key: Key, field: string, text: string): string =>
  `${objectLine(table, key)}.${printName(nameOf(field))} = ${text}`;

const schemaContents = (schema: JsonSchema): string[] =>
  Object.entries(schema).flatMap(([table, { type, pk, columns }]) => {
    const spec = tableSpec(
      type === 'embedded',
      pk?.field ?? '',
      pk?.type ?? 'GlobalKey',
      pk?.nullable ?? false,
      type === 'asymmetric',
    );
    const columnLines = Object.entries(columns).map(([field, column]) =>
      columnLine(table, field, {
        type: elementType(column.type),
        nullable: column.nullable,
        collection: collectionType(column.collection),
        target: column.target ?? null,
      }),
    );
    return [tableLine(table, spec), ...columnLines];
  });

const stateContents = (state: JsonState): string[] =>
  Object.entries(state).flatMap(([table, objects]) =>
    Object.entries(objects).flatMap(([text, fields]) => {
      const key = keyOfText(text);
      const properties = Object.entries(fields).map(([field, value]) =>
        propertyLine(table, key, field, contentText(value)),
      );
      return [objectLine(table, key), ...properties];
    }),
  );

const endOf = (
  state: JsonState | undefined,
  schema: JsonSchema | undefined,
  failure: string | undefined,
): Contents | string => {
  if (failure !== undefined) return failure;
  if (state === undefined || schema === undefined) throw new Error('a vector without its end');
  return [...schemaContents(schema), ...stateContents(state)].sort();
};

const vectorOf = (json: JsonVector): Vector => {
  const { mergedLeft, mergedRight, mergedThird } = json;
  let merged: Merged | null = null;
  if (mergedLeft !== undefined && mergedRight !== undefined) {
    const end = endOf(json.finalState, json.finalSchema, json.applyError);
    const differs = json.applyErrorRight !== undefined || json.finalStateRight !== undefined;
    merged = {
      left: mergedLeft.map(changesetOf),
      right: mergedRight.map(changesetOf),
      symmetric: json.symmetric === true,
      convergent: json.convergent === true,
      end,
      endRight: differs ? endOf(json.finalStateRight, json.finalSchemaRight, json.applyErrorRight) : end,
    };
  }
  return {
    id: json.id,
    profile: json.profile,
    anomaly: json.anomaly ?? null,
    base: json.base.map(instructionOf),
    baseEncoded: bytesOf(json.baseEncoded),
    schema: schemaContents(json.schema).sort(),
    left: json.left.map(changesetOf),
    right: json.right.map(changesetOf),
    third: json.third === undefined ? null : json.third.map(changesetOf),
    merged,
    error: json.error ?? null,
    errorReversed: json.errorReversed === undefined ? (json.error ?? null) : json.errorReversed,
    thirdMerged:
      mergedThird === undefined
        ? null
        : {
            changesets: mergedThird.map(changesetOf),
            end: endOf(json.finalStateThree, json.finalSchemaThree, json.applyErrorThree),
          },
    errorThree: json.errorThree ?? null,
    associative: json.associative === true,
  };
};

/** The text of a file of vectors, `.jsonl` or `.jsonl.gz`. */
export const readVectorLines = (file: string): string[] => {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.split('\n').filter((line) => line.trim() !== '');
};

/** Throws on a line that is no vector. */
export const parseVector = (line: string): Vector => vectorOf(JSON.parse(line) as JsonVector);
