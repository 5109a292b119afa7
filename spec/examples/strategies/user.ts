// User: each document is its owner's alone, and those of PUBLIC are there to be read by everybody.
import { ObjectId } from 'bson';
import { contents, refused, same, startApp } from './app.js';

const app = await startApp({
  schema: [
    {
      name: 'Playlist',
      primaryKey: '_id',
      properties: { _id: 'objectId', name: 'string', owner_id: 'string?', song_ids: 'int[]' },
    },
    {
      name: 'Rating',
      primaryKey: '_id',
      properties: { _id: 'objectId', owner_id: 'string?', song_id: 'int', rating: 'int' },
    },
  ],
  partition: {
    key: 'owner_id',
    type: 'string',
    permissions: {
      read: { $or: [{ '%%user.id': '%%partition' }, { '%%partition': 'PUBLIC' }] },
      write: { '%%user.id': '%%partition' },
    },
  },
  users: {},
});

const [dog, cat] = ['dog_enthusiast_95', 'cat_enthusiast_92'] as const;
const playlists = [
  { name: 'Work', owner_id: dog, song_ids: [1, 2] },
  { name: 'Party', owner_id: cat, song_ids: [3] },
  { name: 'Soup Tunes', owner_id: dog, song_ids: [2, 3] },
  { name: 'Disco Anthems', owner_id: 'PUBLIC', song_ids: [1] },
  { name: 'Deep Focus', owner_id: 'PUBLIC', song_ids: [] },
];
const ratings = [
  { owner_id: dog, song_id: 3, rating: -1 },
  { owner_id: cat, song_id: 1, rating: 1 },
  { owner_id: dog, song_id: 1, rating: 1 },
];
await app.server.collection('Playlist').insertMany(playlists);
await app.server.collection('Rating').insertMany(ratings);

const of = <Owned extends { readonly owner_id: string }>(owner: string, all: readonly Owned[]) =>
  all.filter(({ owner_id }) => owner_id === owner);

for (const user of [dog, cat]) {
  const own = await app.open(user, user);
  same(contents(own, 'Playlist'), of(user, playlists));
  same(contents(own, 'Rating'), of(user, ratings));

  const open = await app.open(user, 'PUBLIC');
  same(contents(open, 'Playlist'), of('PUBLIC', playlists));
  same(contents(open, 'Rating'), []);
  await refused(open, (tx) => tx.create('Playlist', { _id: new ObjectId(), name: 'Mine', song_ids: [1] }));
}
await app.refuses(dog, cat);
await app.refuses(cat, dog);

// What a user writes is on the user's other devices, and nowhere else.
const phone = await app.open(dog, dog);
const rating = { song_id: 2, rating: 1 };
await phone.write((tx) => tx.create('Rating', { _id: new ObjectId(), ...rating })).integrated();
same(contents(await app.open(dog, dog), 'Rating'), [...of(dog, ratings), { ...rating, owner_id: dog }]);
same(contents(await app.open(cat, cat), 'Rating'), of(cat, ratings));

await app.close();
console.log('user: each has playlists and ratings of their own, and reads 2 of PUBLIC');
