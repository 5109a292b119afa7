// Several strategies in one app: the partition key holds a query string, and a function of the app reads it.
import { ObjectId } from 'bson';
import { contents, refused, same, startApp } from './app.js';

interface Person {
  readonly teams: readonly string[];
  readonly city: string;
}
const people: Record<string, Person> = {
  abcdefg: { teams: ['1234'], city: 'New York, NY' },
  hijklmn: { teams: ['1234'], city: 'Chicago, IL' },
  opqrstu: { teams: [], city: 'New York, NY' },
};

/** Whether a user is all that a partition asks for: `user_id`, `team_id`, `city`, and nothing else. */
const mayOpen = (user: unknown, partition: unknown): boolean => {
  const person = people[String(user)];
  if (person === undefined || typeof partition !== 'string' || partition === '') return false;
  return [...new URLSearchParams(partition)].every(([name, written]) => {
    const value = written.replace(/^'(.*)'$/, '$1');
    if (name === 'user_id') return value === user;
    if (name === 'team_id') return person.teams.includes(value);
    return name === 'city' && value === person.city;
  });
};

const rule = { '%%true': { '%function': { name: 'mayOpen', arguments: ['%%user.id', '%%partition'] } } };
const app = await startApp({
  schema: [
    {
      name: 'Note',
      primaryKey: '_id',
      properties: { _id: 'objectId', _partition: 'string?', text: 'string' },
    },
  ],
  partition: {
    key: '_partition',
    type: 'string',
    permissions: { read: { $or: [{ '%%partition': 'PUBLIC' }, rule] }, write: rule },
  },
  users: {},
  functions: { mayOpen },
});

const own = 'user_id=abcdefg';
const office = "team_id=1234&city='New York, NY'";
const notes = [
  { _partition: own, text: 'Mine alone' },
  { _partition: office, text: 'For the team in New York' },
  { _partition: 'PUBLIC', text: 'For everybody' },
];
await app.server.collection('Note').insertMany(notes);

const open: Record<string, readonly string[]> = {
  abcdefg: [own, office, 'PUBLIC'],
  hijklmn: ['PUBLIC'],
  opqrstu: ['PUBLIC'],
};
for (const [user, partitions] of Object.entries(open))
  for (const partition of [own, office, 'PUBLIC']) {
    if (!partitions.includes(partition)) {
      await app.refuses(user, partition);
      continue;
    }
    const device = await app.open(user, partition);
    same(
      contents(device, 'Note'),
      notes.filter(({ _partition }) => _partition === partition),
    );
    if (partition === 'PUBLIC')
      await refused(device, (tx) => tx.create('Note', { _id: new ObjectId(), text: 'Me, too' }));
    else await device.write((tx) => tx.create('Note', { _id: new ObjectId(), text: 'More' })).integrated();
  }
// Whatever the function does not know opens nothing.
await app.refuses('abcdefg', "team_id=1234&city='New York, NY'&role=admin");
await app.refuses('stranger', 'user_id=stranger');

await app.close();
console.log('combined: query strings are read by a function, and what it does not know opens nothing');
