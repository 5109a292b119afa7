/**
 * Instructions and changesets of tests, written in the notation. Both are called with a text, or stand as
 * the tag of a template whose backslashes go to the notation as they are.
 *
 *     instructions`
 *       CreateObject Airport["JFK"]
 *       Update Airport["JFK"].visits = ${5n}
 *     `
 *
 * They throw on a text that is not notation, with the place and the text.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Changeset } from '../../core/model/changeset.js';
import type { Instruction } from '../../core/model/instruction.js';
import {
  type ParseError,
  parseChangesets,
  parseInstructions,
  printParseError,
} from '../../core/model/notation.js';

type Insert = string | number | bigint;
type Reader<A> = (text: string | TemplateStringsArray, ...inserts: Insert[]) => A;

const reader =
  <A>(parse: (text: string) => E.Either<ParseError, A>): Reader<A> =>
  (template, ...inserts) => {
    const text = typeof template === 'string' ? template : String.raw(template, ...inserts);
    const parsed = parse(text);
    if (E.isLeft(parsed)) throw new Error(`${printParseError(parsed.left)}, in:\n${text}`);
    return parsed.right;
  };

export const instructions: Reader<readonly Instruction[]> = reader(parseInstructions);
export const changesets: Reader<readonly Changeset[]> = reader(parseChangesets);
