/**
 * The books that a simulated app keeps in its own data, so that losses and doublings show.
 *
 * Each transaction leaves a mark: an object `Mark` with a key of its own, and, in the same transaction, one
 * more in `Total.count`, its key in a list, in a set and in a dictionary of `Total`. Nothing ever removes a
 * mark. So wherever a state is looked at, all five tell of the same marks; and all marks are there that must be.
 * Some transactions also overwrite a `Slot` with their key: of writes to one slot all but one are overruled.
 */
import type { Transaction } from '../../core/session/transaction.js';
import type { Client } from '../../transports/client.js';
import { pick, type Random } from '../kit/random.js';

export const ledgerSchema = [
  { name: 'Mark', primaryKey: '_id', properties: { _id: 'string', by: 'string' } },
  {
    name: 'Total',
    primaryKey: '_id',
    properties: { _id: 'string', count: 'int', order: 'string[]', members: 'string<>', byKey: 'string{}' },
  },
  { name: 'Slot', primaryKey: '_id', properties: { _id: 'string', value: 'string?' } },
];

/**
 * The same where partitions come from a key, by either of two names, which may be required, and where there are also objects that only the
 * back end makes and moves: what devices and the back end add to `Item.count` leaves its name in `Item.by`.
 */
export const syncedLedger = (isRequired: boolean): readonly unknown[] => {
  const key = isRequired ? 'string' : 'string?';
  const keys = { owner: key, region: key };
  const count = { count: 'int', by: 'string<>', moves: 'int' };
  return [
    ...ledgerSchema.map(({ properties, ...rest }) => ({ ...rest, properties: { ...properties, ...keys } })),
    { name: 'Item', primaryKey: '_id', properties: { _id: 'string', ...keys, ...count } },
  ];
};

/** Where the books of a partition are. */
export interface Home {
  /** Key of the total. */
  readonly total: string;
  /** What its objects have besides. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Where partitions have names only. */
export const freeHome: Home = { total: 'all', fields: {} };

/** Where they come from a key: keys are to be unique among all partitions. */
export const homeOf = (value: string): Home => ({
  total: `all of ${value}`,
  fields: { owner: value, region: value },
});

export interface Mark {
  readonly id: string;
  readonly device: string;
  readonly partition: string;
  /** Which slot it overwrote, and the mark that was there. */
  readonly slot: string | null;
  readonly before: string | null;
  /** When it was made, in true time. */
  readonly at: number;
  /** What else it was added to, and how often that had moved. */
  readonly item: { readonly id: string; readonly moves: number } | null;
  /** The disk of the device has it. */
  isSaved: boolean;
  /** The server has said that it has it. */
  isAcknowledged: boolean;
  /** Why it may be missing, or may be there; null where it must be there once it was saved. */
  excuse: string | null;
}

export const notSaved = 'it was not saved';
export const restored = 'the server was restored';

/** Makes the entries of one mark. Answers what the slot held. */
export const enter = (
  tx: Transaction,
  { total, fields }: Home,
  id: string,
  device: string,
  slot: string | null,
): string | null => {
  tx.create('Mark', { _id: id, by: device, ...fields });
  if (tx.object('Total', total) === null) tx.create('Total', { _id: total, ...fields });
  tx.increment('Total', total, ['count'], 1);
  const order = tx.list('Total', total, ['order']);
  order.push(id);
  tx.setOf('Total', total, ['members']).add(id);
  tx.dictionary('Total', total, ['byKey']).set(id, device);
  if (slot === null) return null;
  const held = tx.object('Slot', slot);
  if (held === null) tx.create('Slot', { _id: slot, ...fields });
  tx.set('Slot', slot, ['value'], id);
  const before = held?.['value'];
  return typeof before === 'string' ? before : null;
};

/** Adds to one of the back end's objects, where there is one. */
export const addToItem = (tx: Transaction, random: Random, id: string): Mark['item'] => {
  const items = [...tx.objects('Item')];
  if (items.length === 0) return null;
  const item = pick(random, items);
  const key = String(item['_id']);
  tx.increment('Item', key, ['count'], 1);
  tx.setOf('Item', key, ['by']).add(id);
  return { id: key, moves: Number(item['moves']) };
};

/** What is wrong with the back end's objects on a device; null where nothing is. */
export const wrongItem = (client: Client): string | null => {
  for (const item of client.objects('Item')) {
    const by = strings(item['by']);
    if (Number(item['count']) !== by.length)
      return `item ${item['_id']} is at ${item['count']}, and ${by.length} were added: ${by.join(' ')}`;
  }
  return null;
};

const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

export interface Books {
  readonly marks: ReadonlySet<string>;
  /** Slot by key, and the mark that it holds. */
  readonly slots: ReadonlyMap<string, string>;
}

/**
 * How much of the books must agree.
 *
 *     exact       all of it
 *     folded      a new file may have met a history that was folded: there a counter is a value, which overrules
 *                 what was added to it before the first contact (and the merge says so), so that it may lack some
 *     recovered   a client reset may have carried a write over of which the server has lost what it stood on: of
 *                 the five entries of a mark only those that still had a place are there
 */
export type Rigor = 'exact' | 'folded' | 'recovered';

/** What the books of a device say; a sentence where they contradict each other. */
export const readBooks = (client: Client, rigor: Rigor, { total }: Home): Books | string => {
  const marks = new Set<string>();
  for (const mark of client.objects('Mark')) marks.add(String(mark['_id']));
  const slots = new Map<string, string>();
  for (const slot of client.objects('Slot')) slots.set(String(slot['_id']), String(slot['value']));
  const found = client.object('Total', total);
  if (found === null && rigor === 'recovered') return { marks, slots };
  if (found === null)
    return marks.size === 0 ? { marks, slots } : `there are ${marks.size} marks and no total`;
  const count = Number(found['count']);
  if (rigor !== 'recovered' && (rigor === 'exact' ? count !== marks.size : count > marks.size))
    return `${marks.size} marks were counted ${count} times`;
  const order = strings(found['order']);
  const { byKey, members } = found;
  const views: readonly (readonly [string, readonly string[]])[] = [
    ['list', order],
    ['set', strings(members)],
    ['dictionary', Object.keys(typeof byKey === 'object' && byKey !== null ? byKey : {})],
  ];
  for (const [name, ids] of views) {
    const doubled = ids.find((id, i) => ids.indexOf(id) !== i);
    if (doubled !== undefined) return `the ${name} holds mark ${doubled} twice`;
    if (rigor === 'recovered') continue;
    const foreign = ids.find((id) => !marks.has(id));
    if (foreign !== undefined) return `the ${name} holds mark ${foreign}, which does not exist`;
    for (const id of marks) if (!ids.includes(id)) return `the ${name} lacks mark ${id}`;
  }
  return { marks, slots };
};
