// Firehose: everybody has everything. No document has a value of the partition key, so all are in the null partition.
import type { ObjectId } from 'bson';
import { contents, refused, same, startApp } from './app.js';

const app = await startApp({
  schema: [
    {
      name: 'Game',
      primaryKey: '_id',
      properties: { _id: 'objectId', teams: 'string[]', score: 'int{}', date: 'date' },
    },
    { name: 'Team', primaryKey: '_id', properties: { _id: 'objectId', name: 'string' } },
  ],
  partition: { key: '_partition', type: 'string', permissions: { read: true, write: false } },
  users: {},
});

const [miners, rockets, bombers] = ['Brook Ridge Miners', 'Southside Rockets', 'Uptown Bombers'] as const;
const game = (home: string, away: string, scored: number, conceded: number, day: number) => ({
  teams: [home, away],
  score: { [home]: scored, [away]: conceded },
  date: new Date(Date.UTC(2021, 6, day)),
});
const games = [
  game(miners, rockets, 3, 2, 1),
  game(miners, bombers, 0, 5, 2),
  game(miners, rockets, 7, 1, 8),
  game(rockets, bombers, 4, 4, 9),
  game(miners, bombers, 2, 1, 15),
  game(rockets, bombers, 6, 3, 16),
];
const teams = [{ name: miners }, { name: rockets }, { name: bombers }];
await app.server.collection('Game').insertMany(games);
await app.server.collection('Team').insertMany(teams);

for (const user of ['Joe', 'Liz']) {
  const device = await app.open(user, null);
  same(contents(device, 'Game'), games);
  same(contents(device, 'Team'), teams);
  // Results are the league's to write.
  await refused(device, (tx) => {
    for (const { _id } of device.objects('Game')) tx.delete('Game', _id as ObjectId);
  });
}

// There is nothing in any other partition.
const elsewhere = await app.open('Joe', 'MyPartitionValue');
same(contents(elsewhere, 'Game'), []);

await app.close();
console.log('firehose: two devices have 6 games and 3 teams, and neither wrote');
