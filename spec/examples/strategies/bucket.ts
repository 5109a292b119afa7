// Bucket: documents belong to a range of something, here of their age, and what falls out of one is moved to the next.

import assert from 'node:assert/strict';
import { ObjectId } from 'bson';
import { contents, refused, same, startApp } from './app.js';

const [young, old] = ['0s<t<=60s', '60s<t<=300s'] as const;
const app = await startApp({
  schema: [
    {
      name: 'Reading',
      primaryKey: '_id',
      properties: { _id: 'objectId', bucket: 'string?', timestamp: 'int', data: 'double{}' },
    },
  ],
  partition: {
    key: 'bucket',
    type: 'string',
    permissions: { read: true, write: { '%%user.custom_data.isSensor': true } },
  },
  users: { thermometer: { isSensor: true }, Joe: {} },
});
const { server } = app;

const readings = [
  { bucket: young, timestamp: 1625773000383, data: { celsius: 21.5 } },
  { bucket: young, timestamp: 1625772970383, data: { celsius: 21.25 } },
  { bucket: young, timestamp: 1625772965383, data: { celsius: 21 } },
  { bucket: old, timestamp: 1625772953383, data: { celsius: 20.5 } },
  { bucket: old, timestamp: 1625772933383, data: { celsius: 20.25 } },
];
await server.collection('Reading').insertMany(readings);
const inBucket = (bucket: string) => readings.filter((each) => each.bucket === bucket);

const recent = await app.open('Joe', young);
const earlier = await app.open('Joe', old);
same(contents(recent, 'Reading'), inBucket(young));
same(contents(earlier, 'Reading'), inBucket(old));
await refused(recent, (tx) => tx.create('Reading', { _id: new ObjectId(), timestamp: 0, data: {} }));

// A sensor uploads what it reads into the first bucket, and cannot put it into another.
const sensor = await app.open('thermometer', young);
const reading = { timestamp: 1625773030383, data: { celsius: 22 } };
await sensor.write((tx) => tx.create('Reading', { _id: new ObjectId(), ...reading })).integrated();
assert.throws(
  () => sensor.write((tx) => tx.create('Reading', { _id: new ObjectId(), ...reading, bucket: old })),
  /partition/,
);

/** The trigger: what is older than a bucket has room for goes to the next one, or away. */
const turn = async (now: number): Promise<void> => {
  const all = server.collection('Reading');
  await all.deleteMany({ bucket: old, timestamp: { $lt: now - 300_000 } });
  await all.updateMany({ bucket: young, timestamp: { $lt: now - 60_000 } }, { $set: { bucket: old } });
};

// 31 seconds after the youngest of the readings above: two of them are older than a minute.
await turn(1625773031383);
await Promise.all([recent, earlier].map((device) => device.session.waitForDownload()));
const moved = readings.slice(1, 3).map((each) => ({ ...each, bucket: old }));
same(contents(recent, 'Reading'), [readings[0] ?? {}, { ...reading, bucket: young }]);
same(contents(earlier, 'Reading'), [...moved, ...inBucket(old)]);

// And five minutes later.
await turn(1625773300383);
await Promise.all([recent, earlier].map((device) => device.session.waitForDownload()));
same(contents(recent, 'Reading'), []);
same(contents(earlier, 'Reading'), [
  { ...readings[0], bucket: old },
  { ...reading, bucket: old },
]);

await app.close();
console.log('bucket: readings go from one bucket to the next, and devices with them');
