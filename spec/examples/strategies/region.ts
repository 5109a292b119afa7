// Region: documents belong to a place, and users have those of the place where they are.

import assert from 'node:assert/strict';
import { ObjectId } from 'bson';
import { contents, refused, same, startApp } from './app.js';

const users: Record<string, object> = {
  Joe: { city: 'New York, NY' },
  Liz: { city: 'Chicago, IL' },
};
const app = await startApp({
  schema: [
    {
      name: 'Restaurant',
      primaryKey: '_id',
      properties: { _id: 'objectId', city: 'string?', name: 'string', menu: 'string[]' },
    },
  ],
  partition: {
    key: 'city',
    type: 'string',
    permissions: { read: { '%%user.custom_data.city': '%%partition' }, write: false },
  },
  users,
});

const restaurants = [
  { city: 'New York, NY', name: "Joe's Pizza", menu: ['Margherita', 'Marinara'] },
  { city: 'New York, NY', name: 'Han Dynasty', menu: ['Dan dan noodles'] },
  { city: 'New York, NY', name: 'Harlem Taste', menu: ['Chicken and waffles'] },
  { city: 'Chicago, IL', name: "Lou Malnati's", menu: ['Deep dish'] },
  { city: 'Chicago, IL', name: "Al's Beef", menu: ['Italian beef'] },
  { city: 'Chicago, IL', name: "Nando's", menu: ['Peri-peri chicken'] },
];
await app.server.collection('Restaurant').insertMany(restaurants);
const at = (place: string) => restaurants.filter(({ city }) => city === place);

const joe = await app.open('Joe', 'New York, NY');
same(contents(joe, 'Restaurant'), at('New York, NY'));
await refused(joe, (tx) => tx.create('Restaurant', { _id: new ObjectId(), name: 'Mine', menu: [] }));
await app.refuses('Joe', 'Chicago, IL');

const liz = await app.open('Liz', 'Chicago, IL');
same(contents(liz, 'Restaurant'), at('Chicago, IL'));
await app.refuses('Liz', 'New York, NY');

// Joe goes to Chicago. Where a user is, the app says.
users['Joe'] = { city: 'Chicago, IL' };
await app.server.reevaluate('Joe');
await assert.rejects(joe.session.waitForDownload(), /may not open partition "New York, NY"/);
same(contents(await app.open('Joe', 'Chicago, IL'), 'Restaurant'), at('Chicago, IL'));

await app.close();
console.log('region: each has the 3 restaurants of the city where they are');
