import * as jose from 'jose';
import { openClient } from 'syncline/client';
import { joseVerifier } from 'syncline/jose';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';

// Who may do what: the file sync/config.json. Everybody reads the inventory of a store, and its employees write.
const config = {
  type: 'partition',
  state: 'enabled',
  partition: {
    key: 'store_number',
    type: 'string',
    permissions: {
      read: { '%%partition': { $regex: '^Store [0-9]+$' } },
      write: { '%%user.custom_data.employedAt': '%%partition' },
    },
  },
};
const schema = [
  {
    name: 'InventoryItem',
    primaryKey: '_id',
    properties: { _id: 'int', store_number: 'string?', name: 'string', quantity: 'int' },
  },
];

// What the app knows of its users, and how they log in.
const users: Record<string, object> = { ann: { employedAt: ['Store 42'] }, ben: {} };
const secret = new TextEncoder().encode('thirty-two bytes that nobody else knows');
const login = (user: string) =>
  new jose.SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('1 h')
    .sign(secret);

const network = memoryNetwork();
const server = await startServer({
  store: memoryServerStore(),
  listeners: [network.listener],
  verifyToken: joseVerifier({ jose, keys: { secret } }),
  sync: { config, schema, customData: ({ id }) => users[id] },
});
const items = server.collection('InventoryItem');
await items.insertOne({ _id: 1, store_number: 'Store 42', name: 'Soap', quantity: 10 });

// A device opens a partition by its value. New objects get that value by themselves.
const open = async (user: string, partitionValue: string) =>
  openClient({
    schema,
    store: memoryClientStore(),
    connector: network.connector,
    partitionValue,
    partitionKey: 'store_number',
    token: { user, token: () => login(user) },
    reset: { mode: 'recover' },
  });

const employee = await open('ann', 'Store 42');
await employee.write((tx) => tx.create('InventoryItem', { _id: 2, name: 'Towel', quantity: 3 })).integrated();
console.log(await items.findOne({ _id: 2 })); // { _id: 2, name: 'Towel', quantity: 3, store_number: 'Store 42' }

// A customer reads. What such a device writes all the same is undone there, and kept aside.
const customer = await open('ben', 'Store 42');
await customer.session.waitForDownload();
console.log([...customer.objects('InventoryItem')].map(({ name }) => name)); // [ 'Soap', 'Towel' ]
const theft = customer.write((tx) => tx.set('InventoryItem', 1, 'quantity', 0));
await theft.integrated().catch((error) => console.log(error.message)); // … was parked in a client reset
console.log(customer.object('InventoryItem', 1)?.['quantity']); // 10
const [parked] = customer.parking.writes;
console.log(parked?.instructions[0]?.reason);

// Nobody opens what no rule names.
const stranger = await open('ann', 'Office');
await stranger.session.waitForDownload().catch((error) => console.log(error.message));

// Why? The rules, with what came of each part.
console.log(await server.explainAccess({ id: 'ben', data: {} }, 'Store 42'));

// Ben is hired. His session goes on, and he may write.
users['ben'] = { employedAt: ['Store 42'] };
await server.reevaluate('ben');
if (parked !== undefined) await customer.parking.reapply(parked.id).integrated();
console.log((await items.findOne({ _id: 1 }))?.['quantity']); // 0

for (const client of [employee, customer, stranger]) await client.close();
await server.close();
