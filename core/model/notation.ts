/**
 * The notation: how people, tests, traces and failures write instructions and changesets. One canonical
 * line stands for one instruction; printing and then parsing gives back what was printed, bit for bit
 * (`identical` of `value.ts`).
 *
 *     changeset 12 base 3 at 1700000000 from 2
 *       AddTable Airport topLevel _id: string       topLevel or asymmetric, `?` after a nullable key type
 *       AddTable Legacy topLevel keyless            objects known by global keys
 *       AddTable Address embedded
 *       EraseTable Airport
 *       AddColumn Airport.visits: int?[]            `?` nullable, then `[]` list, `<>` set, `{}` dictionary
 *       AddColumn Airport.hub: link(Airport)?       `link` alone points to any class
 *       EraseColumn Airport.visits
 *       CreateObject Airport["JFK"]
 *       EraseObject Airport[5]
 *       Update Airport["JFK"].name = "Kennedy" default
 *       Update Airport["JFK"].tags[0] = "big" of 4          a list element, and the size of the list before
 *       Update Airport["JFK"].address["street"] = erased
 *       AddInteger Airport["JFK"].visits += 5
 *       ArrayInsert Airport["JFK"].tags[0] = "new" of 3
 *       ArrayMove Airport["JFK"].tags[0] -> 2 of 4
 *       ArrayErase Airport["JFK"].tags[3] of 4
 *       Clear Airport["JFK"].tags list              list, dictionary, set or single
 *       SetInsert Airport["JFK"].codes 5
 *       SetErase Airport["JFK"].codes 5
 *
 *     keys      null   5   "text"   objectId(24 hex)   uuid(8-4-4-4-12 hex)   global(hi-lo)
 *     values    null   true   false   5   "text"   double(1.5)   float(1.5)   decimal(32 hex)   binary(hex)
 *               timestamp(seconds, nanoseconds)   objectId(…)   uuid(…)   link(Class, key)
 *     markers   object   erased   list   dictionary   set
 *
 * Doubles and floats may be -0, Infinity, -Infinity and NaN; other NaNs stand as bits, 0x and 16 or 8 hex
 * digits. Strings are JSON's. A name that is not an identifier of ASCII stands between backquotes, with
 * JSON's escapes and \` besides. Hex is lower case. Texts are valid Unicode on single lines whatever they
 * stand for: lone surrogates and control characters are escaped.
 */
export { parseChangeset, parseChangesets, parseInstruction, parseInstructions } from './parse.js';
export {
  printChangeset,
  printChangesets,
  printColumnSpec,
  printInstruction,
  printKey,
  printName,
  printObject,
  printPath,
  printPlace,
  printTableSpec,
  printValue,
} from './print.js';
export { type ParseError, printParseError } from './scan.js';
