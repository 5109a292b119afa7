/** Classes with a property of every shape, on a store of their own, for tests of documents. */
import { systemClock } from '../../transports/clock.js';
import { memoryServerStore } from '../../transports/stores/memory.js';
import { documentWorld } from './document-world.js';
import { rejection } from './driver-world.js';

export const taskSchema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: {
      _id: 'string',
      title: 'string?',
      votes: 'int',
      weight: 'double',
      price: 'decimal?',
      due: 'timestamp?',
      done: 'bool',
      tags: 'string[]',
      codes: 'int<>',
      limits: 'int{}',
      anything: 'mixed',
      place: 'Place?',
      steps: 'Place[]',
      parent: 'Task?',
      others: 'Task[]',
    },
  },
  { name: 'Place', kind: 'embedded', properties: { street: 'string?', number: 'int' } },
  { name: 'Owned', primaryKey: '_id', properties: { _id: 'objectId', region: 'string?', text: 'string' } },
];

export const openTasks = (key: Readonly<Record<string, unknown>> = {}) =>
  documentWorld({ store: memoryServerStore(), clock: systemClock, schema: schemaFor(key), key });

/** A property that has the name of a required key requires a value, too. */
const schemaFor = ({ required }: Readonly<Record<string, unknown>>) =>
  required !== true
    ? taskSchema
    : taskSchema.map((each) =>
        each.name === 'Owned' ? { ...each, properties: { ...each.properties, region: 'string' } } : each,
      );

/** An error in one text: its name, its code and its message. */
export const failure = async (work: Promise<unknown>): Promise<string> => {
  const error = await rejection(work);
  return error instanceof Error && 'code' in error
    ? `${error.name} ${String(error.code)}: ${error.message}`
    : String(error);
};
