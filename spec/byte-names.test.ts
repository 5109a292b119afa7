import * as assert from 'uvu/assert';
import { ByteNames } from '../core/history/byte-names.js';
import { ObjectIdSlots } from '../core/history/object-id-slots.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const names = suite('byte names');

const inverse = (odd: number): number => {
  let x = odd;
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x));
  return x;
};

/** Different ObjectIds for which the table has one hash, made from how it mixes their words. */
const colliding = (count: number): DataView => {
  const view = new DataView(new ArrayBuffer(12 * count));
  for (let i = 0; i < count; i++) {
    view.setInt32(12 * i, Math.imul(inverse(0x9e3779b1), Math.imul(i, 0x85ebca6b)), true);
    view.setInt32(12 * i + 4, i, true);
  }
  return view;
};

const random = (count: number): DataView => {
  const chance = seeded(1);
  const view = new DataView(new ArrayBuffer(12 * count));
  for (let i = 0; i < 3 * count; i++) view.setInt32(4 * i, chance.int(2 ** 32), true);
  return view;
};

for (const [kind, make] of Object.entries({ colliding, random }))
  names(`${kind} ObjectIds each have a slot of their own, and keep it`, () => {
    const count = 5000;
    const view = make(count);
    const slots = new ObjectIdSlots();
    const first = Array.from({ length: count }, (_, i) => slots.find(view, 12 * i));
    assert.is(new Set(first).size, count);
    assert.equal(
      Array.from({ length: count }, (_, i) => slots.find(view, 12 * i)),
      first,
    );
  });

names('ObjectIds chosen to collide are searched for in so many steps at most, however many there are', () => {
  const count = 3000;
  const view = colliding(count);
  const slots = new ObjectIdSlots();
  const table = slots as unknown as { places: Int32Array };
  let looks = 0;
  const counted = (places: Int32Array): Int32Array =>
    new Proxy(places, {
      get: (target, name) => {
        if (typeof name === 'string' && /^\d/.test(name)) looks++;
        return Reflect.get(target, name);
      },
      set: (target, name, value) => Reflect.set(target, name, value),
    });
  let wrapped: Int32Array | null = null;
  let most = 0;
  for (let i = 0; i < 2 * count; i++) {
    if (table.places !== wrapped) {
      wrapped = counted(table.places);
      table.places = wrapped;
    }
    looks = 0;
    slots.find(view, 12 * (i % count));
    most = Math.max(most, looks);
  }
  // The first look, then as many as a search has.
  assert.ok(most > 10 && most <= 65, `${most}`);
});

names('equal bytes have one number, wherever they stand, and are numbered as they come', () => {
  const chance = seeded(2);
  const known = new Map<string, number>();
  const table = new ByteNames();
  const bytes = new Uint8Array(64);
  for (let i = 0; i < 20_000; i++) {
    const start = chance.int(30);
    const end = start + 1 + chance.int(4);
    for (let p = start; p < end; p++) bytes[p] = 97 + chance.int(12);
    const text = String.fromCharCode(...bytes.subarray(start, end));
    const expected = known.get(text) ?? known.size;
    known.set(text, expected);
    assert.is(table.number(bytes, start, end), expected);
    assert.is(table.text(expected), text);
  }
  assert.is(table.count, known.size);
});

names('bytes chosen to have one hash are told apart', () => {
  const mix = (word: number): number => {
    const h = Math.imul(word, 0x9e3779b1);
    return h ^ (h >>> 15);
  };
  const count = 3000;
  const view = new DataView(new ArrayBuffer(8 * count));
  for (let i = 0; i < count; i++) {
    view.setInt32(8 * i, i, true);
    // What is mixed in last is the same for all.
    view.setInt32(8 * i + 4, mix(8 ^ i) ^ 0x12345, true);
  }
  const bytes = new Uint8Array(view.buffer);
  const table = new ByteNames();
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < count; i++) assert.is(table.number(bytes, 8 * i, 8 * i + 8), i);
  assert.is(table.count, count);
});

names.run();
