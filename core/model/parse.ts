/**
 * Parser of the notation (`notation.ts`): the grammar, by recursive descent over one line at a time. What
 * it returns keeps the invariants that `instruction.ts` and `value.ts` document; everything else is an
 * error that says where, what was found and what was expected.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Changeset } from './changeset.js';
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
  kinds,
  type Path,
  type PathElement,
  setErase,
  setInsert,
  update,
  updateElement,
} from './instruction.js';
import type { Key } from './key.js';
import { readInt, readKey, readPayload } from './parse-value.js';
import { foundAt, type ParseError, Scanner } from './scan.js';
import type { CollectionType, ColumnSpec, TableSpec } from './schema.js';

/** Indices and sizes of lists are 32 bits unsigned: merge-semantics, section 2.1. */
const INDEX_MAX = 2n ** 32n - 1n;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

const size = (scanner: Scanner, expected: string): number =>
  Number(scanner.integer(0n, INDEX_MAX, `${expected} from 0 to ${INDEX_MAX}`));

const readTableSpec = (scanner: Scanner): TableSpec => {
  const type = scanner.oneOf(
    ['topLevel', 'asymmetric', 'embedded'],
    '"topLevel", "asymmetric" or "embedded"',
  );
  if (type === 'embedded') return { type };
  const asymmetric = type === 'asymmetric';
  const word = scanner.peekWord();
  const name = scanner.name('the name of the primary key, or "keyless"');
  if (word === 'keyless' && !scanner.peek(':')) return { type: 'topLevel', primaryKey: null, asymmetric };
  scanner.expect(':');
  const keyType = scanner.oneOf(
    ['int', 'string', 'objectId', 'uuid'],
    'the type of a primary key: int, string, objectId or uuid',
  );
  const nullable = scanner.accept('?');
  return { type: 'topLevel', primaryKey: { name, type: keyType, nullable }, asymmetric };
};

const readCollection = (scanner: Scanner): CollectionType => {
  if (scanner.accept('[]')) return 'list';
  if (scanner.accept('<>')) return 'set';
  return scanner.accept('{}') ? 'dictionary' : 'single';
};

const readColumnSpec = (scanner: Scanner): ColumnSpec => {
  const type = scanner.oneOf(
    [
      'bool',
      'int',
      'double',
      'float',
      'string',
      'binary',
      'timestamp',
      'decimal',
      'objectId',
      'uuid',
      'link',
      'mixed',
    ],
    'the type of a property: bool, int, double, float, string, binary, timestamp, decimal, objectId, uuid, ' +
      'link, link(Class) or mixed',
  );
  let target: string | null = null;
  if (type === 'link' && scanner.accept('(')) {
    target = scanner.name('a class name');
    scanner.expect(')');
  }
  const nullable = scanner.accept('?');
  return { type, nullable, collection: readCollection(scanner), target };
};

const readTable = (scanner: Scanner): string => scanner.name('a class name');

const readField = (scanner: Scanner): string => {
  scanner.expect('.');
  return scanner.name('a property name');
};

const readObject = (scanner: Scanner): { readonly table: string; readonly object: Key } => {
  const table = readTable(scanner);
  scanner.expect('[');
  const object = readKey(scanner);
  scanner.expect(']');
  return { table, object };
};

interface Place {
  readonly table: string;
  readonly object: Key;
  readonly field: string;
  readonly path: Path;
}

const readPlace = (scanner: Scanner): Place => {
  const { table, object } = readObject(scanner);
  const field = readField(scanner);
  const path: PathElement[] = [];
  while (scanner.accept('[')) {
    path.push(
      scanner.peek('"') ? scanner.string() : size(scanner, 'a key between double quotes, or an index'),
    );
    scanner.expect(']');
  }
  return { table, object, field, path };
};

const isElement = (place: Place): boolean => typeof place.path.at(-1) === 'number';

/** A place that ends in an index. */
const readElement = (scanner: Scanner): Place => {
  const place = readPlace(scanner);
  if (!isElement(place)) scanner.fail('an index in brackets, since the place must be a list element');
  return place;
};

const readPriorSize = (scanner: Scanner): number => {
  scanner.expectWord('of', '"of" and the size of the list before');
  return size(scanner, 'the size of the list before,');
};

const readUpdate = (scanner: Scanner): Instruction => {
  const place = readPlace(scanner);
  const { table, object, field, path } = place;
  scanner.expect('=');
  const value = readPayload(scanner);
  if (isElement(place)) return updateElement(table, object, field, path, value, readPriorSize(scanner));
  const isDefault = scanner.acceptWord('default');
  if (!isDefault) scanner.end('the end of the line, or "default"');
  return update(table, object, field, path, value, isDefault);
};

const readInstruction = (scanner: Scanner): Instruction => {
  const kind = scanner.oneOf(kinds, 'an instruction such as Update or CreateObject');
  switch (kind) {
    case 'AddTable':
      return addTable(readTable(scanner), readTableSpec(scanner));
    case 'EraseTable':
      return eraseTable(readTable(scanner));
    case 'AddColumn': {
      const table = readTable(scanner);
      const field = readField(scanner);
      scanner.expect(':');
      return addColumn(table, field, readColumnSpec(scanner));
    }
    case 'EraseColumn':
      return eraseColumn(readTable(scanner), readField(scanner));
    case 'CreateObject': {
      const { table, object } = readObject(scanner);
      return createObject(table, object);
    }
    case 'EraseObject': {
      const { table, object } = readObject(scanner);
      return eraseObject(table, object);
    }
    case 'Update':
      return readUpdate(scanner);
    case 'AddInteger': {
      const { table, object, field, path } = readPlace(scanner);
      scanner.expect('+=');
      return addInteger(table, object, field, path, readInt(scanner, 'an integer of 64 bits'));
    }
    case 'ArrayInsert': {
      const { table, object, field, path } = readElement(scanner);
      scanner.expect('=');
      return arrayInsert(table, object, field, path, readPayload(scanner), readPriorSize(scanner));
    }
    case 'ArrayMove': {
      const { table, object, field, path } = readElement(scanner);
      scanner.expect('->');
      return arrayMove(table, object, field, path, size(scanner, 'an index'), readPriorSize(scanner));
    }
    case 'ArrayErase': {
      const { table, object, field, path } = readElement(scanner);
      return arrayErase(table, object, field, path, readPriorSize(scanner));
    }
    case 'Clear': {
      const { table, object, field, path } = readPlace(scanner);
      const collection = scanner.oneOf(
        ['list', 'dictionary', 'set', 'single'],
        '"list", "dictionary", "set" or "single"',
      );
      return clear(table, object, field, path, collection);
    }
    case 'SetInsert': {
      const { table, object, field, path } = readPlace(scanner);
      return setInsert(table, object, field, path, readPayload(scanner));
    }
    case 'SetErase': {
      const { table, object, field, path } = readPlace(scanner);
      return setErase(table, object, field, path, readPayload(scanner));
    }
  }
};

const count = (scanner: Scanner, keyword: string): number => {
  scanner.expectWord(keyword);
  return Number(scanner.integer(0n, SAFE_MAX, 'a whole number'));
};

const readHead = (scanner: Scanner): Omit<Changeset, 'instructions'> => {
  const version = count(scanner, 'changeset');
  const base = count(scanner, 'base');
  scanner.expectWord('at');
  const at = Number(scanner.integer(-SAFE_MAX, SAFE_MAX, 'milliseconds since 1970'));
  const origin = count(scanner, 'from');
  return { version, base, timestamp: at, origin };
};

const readLine = <A>(line: number, text: string, read: (scanner: Scanner) => A): E.Either<ParseError, A> => {
  const scanner = new Scanner(text);
  const result = read(scanner);
  scanner.end();
  if (scanner.fault === null) return E.right(result);
  const { at, expected } = scanner.fault;
  return E.left({ line, column: at + 1, found: foundAt(text, at), expected });
};

const isBlank = (line: string): boolean => line.trim() === '';

/** One instruction on one line. */
export const parseInstruction = (text: string): E.Either<ParseError, Instruction> =>
  readLine(1, text, readInstruction);

/** One instruction a line; blank lines and indentation say nothing. */
export const parseInstructions = (text: string): E.Either<ParseError, readonly Instruction[]> => {
  const instructions: Instruction[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (isBlank(line)) continue;
    const instruction = readLine(index + 1, line, readInstruction);
    if (E.isLeft(instruction)) return instruction;
    instructions.push(instruction.right);
  }
  return E.right(instructions);
};

const readChangesets = (text: string, max: number): E.Either<ParseError, readonly Changeset[]> => {
  const changesets: Changeset[] = [];
  let instructions: Instruction[] | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (isBlank(line)) continue;
    const scanner = new Scanner(line);
    if (instructions === undefined || scanner.peekWord() === 'changeset') {
      if (changesets.length === max) {
        const found = foundAt(line, scanner.at);
        return E.left({ line: index + 1, column: scanner.at + 1, found, expected: 'no further changeset' });
      }
      const head = readLine(index + 1, line, readHead);
      if (E.isLeft(head)) return head;
      instructions = [];
      changesets.push({ ...head.right, instructions });
    } else {
      const instruction = readLine(index + 1, line, readInstruction);
      if (E.isLeft(instruction)) return instruction;
      instructions.push(instruction.right);
    }
  }
  return E.right(changesets);
};

/** The changesets of a text, each a head and its instructions; none for a blank text. */
export const parseChangesets = (text: string): E.Either<ParseError, readonly Changeset[]> =>
  readChangesets(text, Number.POSITIVE_INFINITY);

/** Exactly one changeset. */
export const parseChangeset = (text: string): E.Either<ParseError, Changeset> => {
  const changesets = readChangesets(text, 1);
  if (E.isLeft(changesets)) return changesets;
  const [changeset] = changesets.right;
  return changeset === undefined
    ? E.left({ line: 1, column: 1, found: 'no text', expected: '"changeset"' })
    : E.right(changeset);
};
