/**
 * Instructions, keys and values as vectors write them in JSON, read into our model. The form is that of the
 * README beside the vectors; what it does not allow throws.
 */
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
import type { CollectionType, ElementType, TableSpec } from '../../core/model/schema.js';
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

export interface JsonKey {
  readonly t: 'null' | 'int' | 'string' | 'objectId' | 'uuid' | 'globalKey';
  readonly v: string;
}

export interface JsonValue {
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

export interface JsonInstruction {
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

const unknown = (what: string, found: unknown): never => {
  throw new Error(`${what}: ${JSON.stringify(found)}`);
};

export const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

export const keyOf = ({ t, v }: JsonKey): Key => {
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
export const keyOfText = (text: string): Key => {
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

export const payloadOf = (value: JsonValue): Payload => {
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

export const elementType = (name: string): ElementType => elementTypes[name] ?? unknown('unknown type', name);
export const collectionType = (name: string): CollectionType => name.toLowerCase() as CollectionType;

export const tableSpec = (
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

export const instructionOf = (json: JsonInstruction): Instruction => {
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
