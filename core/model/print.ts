/**
 * Printer of the notation (`notation.ts`): one canonical line of valid text for each thing. Printing is
 * total: a value that breaks the invariants of its type prints too, but does not parse.
 */
import { hexOf } from '../base/bytes.js';
import type { Changeset } from './changeset.js';
import { type Instruction, isPathInstruction, type Path } from './instruction.js';
import { type Key, keyType } from './key.js';
import type { ColumnSpec, TableSpec } from './schema.js';
import { type Float, floatToNumber, type Payload } from './value.js';

// JSON leaves these bare, but some tools end a line at them, hide them or reorder the text around them.
const treacherous = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;
const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON escapes, which cover lone surrogates; the result is between double quotes. */
const quoted = (text: string): string => JSON.stringify(text).replace(treacherous, escapeUnit);

const bareName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A class or property name: bare where it is an identifier of ASCII, else between backquotes. */
export const printName = (name: string): string => {
  if (bareName.test(name)) return name;
  const inside = quoted(name)
    .slice(1, -1)
    .replace(/\\.|`/g, (found) => (found === '\\"' ? '"' : found === '`' ? '\\`' : found));
  return `\`${inside}\``;
};

const dashed = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;

/** A key: `null`, `5`, `"text"`, `objectId(…)`, `uuid(…)`, `global(hi-lo)`. */
export const printKey = (key: Key): string => {
  const content = key.slice(1);
  switch (keyType(key)) {
    case 'null':
      return 'null';
    case 'int':
      return content;
    case 'string':
      return quoted(content);
    case 'objectId':
      return `objectId(${content})`;
    case 'uuid':
      return `uuid(${dashed(content)})`;
    case 'globalKey':
      return `global(${content})`;
  }
};

const ORDINARY_FLOAT_NAN = 0x7fc00000;

const printNumber = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** The shortest decimal whose nearest float this is; a NaN other than the ordinary one by its bits. */
const printFloat = (value: Float): string => {
  const number = floatToNumber(value);
  if (Number.isNaN(number)) {
    return value.bits === ORDINARY_FLOAT_NAN ? 'NaN' : `0x${value.bits.toString(16).padStart(8, '0')}`;
  }
  if (number === 0) return printNumber(number);
  let digits = 1;
  // Nine digits tell any two floats apart.
  while (digits < 9 && !Object.is(Math.fround(Number(number.toPrecision(digits))), number)) digits++;
  return printNumber(Number(number.toPrecision(digits)));
};

/** A value or a marker. */
export const printValue = (payload: Payload): string => {
  switch (typeof payload) {
    case 'string':
      return quoted(payload);
    case 'bigint':
      return payload.toString();
    case 'number':
      return `double(${printNumber(payload)})`;
    case 'boolean':
      return payload ? 'true' : 'false';
    default:
  }
  if (payload === null) return 'null';
  switch (payload.type) {
    case 'binary':
      return `binary(${hexOf(payload.bytes)})`;
    case 'timestamp':
      return `timestamp(${payload.seconds}, ${payload.nanoseconds})`;
    case 'float':
      return `float(${printFloat(payload)})`;
    case 'double':
      return `double(0x${payload.bits.toString(16).padStart(16, '0')})`;
    case 'decimal':
      return `decimal(${payload.hex})`;
    case 'objectId':
      return `objectId(${payload.hex})`;
    case 'uuid':
      return `uuid(${dashed(payload.hex)})`;
    case 'link':
      return `link(${printName(payload.table)}, ${printKey(payload.key)})`;
    case 'objectValue':
      return 'object';
    default:
      return payload.type;
  }
};

/** What follows a field: `[0]["street"]`, and nothing for the property itself. */
export const printPath = (path: Path): string => {
  let text = '';
  for (const element of path) text += typeof element === 'number' ? `[${element}]` : `[${quoted(element)}]`;
  return text;
};

/** `Airport["JFK"]` */
export const printObject = (table: string, object: Key): string => `${printName(table)}[${printKey(object)}]`;

/** `Airport["JFK"].tags[0]["street"]` */
export const printPlace = (place: {
  readonly table: string;
  readonly object: Key;
  readonly field: string;
  readonly path: Path;
}): string => `${printObject(place.table, place.object)}.${printName(place.field)}${printPath(place.path)}`;

/** `topLevel _id: string?`, `asymmetric _id: objectId`, `topLevel keyless`, `embedded` */
export const printTableSpec = (spec: TableSpec): string => {
  if (spec.type === 'embedded') return 'embedded';
  const type = spec.asymmetric ? 'asymmetric' : 'topLevel';
  const key = spec.primaryKey;
  return key === null
    ? `${type} keyless`
    : `${type} ${printName(key.name)}: ${key.type}${key.nullable ? '?' : ''}`;
};

const collectionSuffix = { single: '', list: '[]', set: '<>', dictionary: '{}' } as const;

/** `int`, `mixed?{}`, `link(Airport)?[]` */
export const printColumnSpec = (column: ColumnSpec): string => {
  const target = column.target === null ? '' : `(${printName(column.target)})`;
  return `${column.type}${target}${column.nullable ? '?' : ''}${collectionSuffix[column.collection]}`;
};

/** The kind of an instruction and the place that it is about, in the notation: the beginning of its line. */
export const printSubject = (instruction: Instruction): string => {
  const { kind } = instruction;
  if (isPathInstruction(instruction)) return `${kind} ${printPlace(instruction)}`;
  if ('object' in instruction) return `${kind} ${printObject(instruction.table, instruction.object)}`;
  const table = printName(instruction.table);
  return `${kind} ${'field' in instruction ? `${table}.${printName(instruction.field)}` : table}`;
};

/** One line, without a line break. */
export const printInstruction = (instruction: Instruction): string => {
  const subject = printSubject(instruction);
  switch (instruction.kind) {
    case 'AddTable':
      return `${subject} ${printTableSpec(instruction.spec)}`;
    case 'AddColumn':
      return `${subject}: ${printColumnSpec(instruction.column)}`;
    case 'EraseTable':
    case 'EraseColumn':
    case 'CreateObject':
    case 'EraseObject':
      return subject;
    case 'Update': {
      const end = instruction.priorSize === null ? '' : ` of ${instruction.priorSize}`;
      const flag = instruction.isDefault ? ' default' : '';
      return `${subject} = ${printValue(instruction.value)}${flag}${end}`;
    }
    case 'AddInteger':
      return `${subject} += ${instruction.value}`;
    case 'ArrayInsert':
      return `${subject} = ${printValue(instruction.value)} of ${instruction.priorSize}`;
    case 'ArrayMove':
      return `${subject} -> ${instruction.to} of ${instruction.priorSize}`;
    case 'ArrayErase':
      return `${subject} of ${instruction.priorSize}`;
    case 'Clear':
      return `${subject} ${instruction.collection}`;
    case 'SetInsert':
    case 'SetErase':
      return `${subject} ${printValue(instruction.value)}`;
  }
};

/** `changeset 12 base 3 at 1700000000 from 2`, then one indented line per instruction; no line break at the end. */
export const printChangeset = (changeset: Changeset): string => {
  let text = `changeset ${changeset.version} base ${changeset.base} at ${changeset.timestamp} from ${changeset.origin}`;
  for (const instruction of changeset.instructions) text += `\n  ${printInstruction(instruction)}`;
  return text;
};

/** One after the other, each starting a line; no line break at the end. */
export const printChangesets = (changesets: readonly Changeset[]): string =>
  changesets.map(printChangeset).join('\n');
