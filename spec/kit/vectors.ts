/**
 * Merge vectors: merges computed by the reference implementation, one JSON object per line, read into our
 * model. The form is that of the README beside the vectors.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Changeset } from '../../core/model/changeset.js';
import type { Instruction } from '../../core/model/instruction.js';
import { printValue } from '../../core/model/notation.js';

import {
  type Contents,
  columnLine,
  dictionaryText,
  listText,
  objectLine,
  objectText,
  propertyLine,
  setText,
  tableLine,
} from './contents-text.js';
import {
  bytesOf,
  collectionType,
  elementType,
  instructionOf,
  type JsonInstruction,
  type JsonValue,
  keyOfText,
  payloadOf,
  tableSpec,
} from './vector-json.js';

export interface VectorChangeset extends Changeset {
  /** The reference's binary form. */
  readonly encoded: Uint8Array;
}

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
