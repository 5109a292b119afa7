/** Damage: to bytes, and to values that stand for JSON or for what an app gives. */
import { once, pick, type Random } from './random.js';

const nasty = [0, 1, 2, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xf8, 0xff];

/** `original` with one to three things done to it; now and then untouched. */
export const damaged = (random: Random, original: Uint8Array): Uint8Array => {
  const bytes = [...original];
  for (let times = random.int(4); times > 0; times--) {
    const at = random.int(Math.max(1, bytes.length));
    const byte = once(random, 2) ? pick(random, nasty) : random.int(256);
    switch (random.int(8)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
        break;
      case 1:
        bytes[at] = byte;
        break;
      case 2:
        bytes[at] = ((bytes[at] ?? 0) + pick(random, [-2, -1, 1, 2])) & 0xff;
        break;
      case 3:
        bytes.splice(at, 0, byte);
        break;
      case 4:
        bytes.splice(at, 1 + random.int(4));
        break;
      case 5:
        bytes.length = at;
        break;
      case 6:
        bytes.splice(random.int(bytes.length + 1), 0, ...bytes.slice(at, at + random.int(20)));
        break;
      default:
        // A length or a count grows by far more than there is.
        bytes.splice(at, 1, 0xff, 0xff, 0xff, 0x07);
    }
  }
  return Uint8Array.from(bytes);
};

const oddities: readonly unknown[] = [
  null,
  undefined,
  true,
  Number.NaN,
  -1,
  1e300,
  '',
  '__proto__',
  'constructor',
  '%%partition',
  '$or',
  [],
  {},
  [[[]]],
  { $regex: '(a+)+$' },
  JSON.parse('{ "__proto__": { "x": 1 } }'),
  Symbol('s'),
  () => 1,
  10n,
];

/** `value` with things in it replaced, renamed, left out or doubled. */
export const mangled = (random: Random, value: unknown, depth: number): unknown => {
  if (once(random, 12)) return pick(random, oddities);
  if (depth > 12 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return value.flatMap((each) => {
      const made = mangled(random, each, depth + 1);
      return once(random, 15) ? [] : once(random, 15) ? [made, made] : [made];
    });
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => {
      if (once(random, 20)) return [];
      const key = once(random, 20) ? String(pick(random, ['', '__proto__', '$and', 'type', 'x'])) : name;
      return [[key, mangled(random, each, depth + 1)]];
    }),
  );
};

/** Undefined is null there, and large integers are what they come to. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each)) ?? 'null';

/** As JSON that has been through other hands. */
export const mangledJson = (random: Random, value: unknown): unknown =>
  JSON.parse(jsonText(mangled(random, value, 0)));
