/** How partitions are named, and the configuration of partition-based sync. */
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { decodePartitionConfig } from '../core/access/config.js';
import {
  type PartitionValue,
  partitionName,
  partitionOfField,
  partitionOfName,
} from '../core/access/partition-value.js';
import { objectId, uuid } from '../core/model/value.js';
import { suite } from './kit/suite.js';

const config = suite('partition config');

config('names partitions one to one', () => {
  const values: fc.Arbitrary<PartitionValue> = fc.oneof(
    fc.constant(null),
    fc.string({ unit: 'binary' }),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.stringMatching(/^[0-9a-f]{24}$/).map(objectId),
    fc.stringMatching(/^[0-9a-f]{32}$/).map(uuid),
  );
  const typeOf = (value: PartitionValue) =>
    typeof value === 'bigint' ? 'long' : typeof value === 'object' && value !== null ? value.type : 'string';
  fc.assert(
    fc.property(values, values, (one, other) => {
      const read = partitionOfName(partitionName(one), typeOf(one), false);
      assert.equal(read, E.right(one));
      if (partitionName(one) === partitionName(other)) assert.equal(one, other);
    }),
  );
});

config('refuses a partition of another type, and says both', () => {
  const refused = partitionOfName('"Store 42"', 'objectId', true);
  assert.ok(E.isLeft(refused));
  assert.is(refused.left.name, 'IllegalRealmPath');
  assert.is(
    refused.left.message,
    'this partition cannot be opened: expected a partition value of type objectId, but found string',
  );
  assert.ok(E.isLeft(partitionOfName('null', 'string', true)));
  assert.ok(E.isRight(partitionOfName('null', 'string', false)));
  for (const name of [
    '',
    'Store 42',
    '"a" ',
    '"\\u0061"',
    '{"$oid":"5F4863E4D49BD2191FF1E623"}',
    '{"$numberLong":"007"}',
    '{"$numberLong":"9223372036854775808"}',
  ])
    for (const type of ['string', 'objectId', 'long', 'uuid'] as const)
      assert.ok(E.isLeft(partitionOfName(name, type, false)), name);
  assert.is(partitionOfField('x', 'long'), undefined);
  assert.is(partitionOfField(7n, 'long'), 7n);
  assert.is(partitionOfField(null, 'long'), null);
});

const template = {
  type: 'partition',
  state: 'enabled',
  development_mode_enabled: true,
  service_name: 'mongodb-atlas',
  database_name: 'my-test-database',
  partition: {
    key: 'owner_id',
    type: 'string',
    permissions: {
      read: { $or: [{ '%%user.id': '%%partition' }, { '%%user.custom_data.shared': '%%partition' }] },
      write: { '%%user.id': '%%partition' },
    },
  },
};

config('reads the documented configuration', () => {
  const decoded = decodePartitionConfig(template);
  assert.ok(E.isRight(decoded));
  const { partition, ...rest } = decoded.right;
  assert.equal(rest, {
    state: 'enabled',
    isDevelopment: true,
    serviceName: 'mongodb-atlas',
    databaseName: 'my-test-database',
    lastDisabled: null,
    clientMaxOfflineDays: 30,
    isRecoveryDisabled: false,
  });
  assert.equal([partition.key, partition.type, partition.isRequired], ['owner_id', 'string', false]);
});

config('tells all that is wrong with a configuration at once', () => {
  const decoded = decodePartitionConfig({
    type: 'flexible',
    state: 'on',
    development_mode: true,
    partition: { key: '_id', type: 'int', permissions: { read: { '%%user': 1 }, write: 'yes' } },
    last_disabled: '2021',
    client_max_offline_days: -1,
    is_recovery_mode_disabled: 0,
  });
  assert.ok(E.isLeft(decoded));
  assert.equal(decoded.left.map(({ path }) => path).sort(), [
    'config.client_max_offline_days',
    'config.development_mode',
    'config.is_recovery_mode_disabled',
    'config.last_disabled',
    'config.partition.key',
    'config.partition.permissions.read["%%user"]',
    'config.partition.permissions.write',
    'config.partition.type',
    'config.state',
    'config.type',
  ]);
  assert.ok(E.isLeft(decodePartitionConfig(null)));
});

config.run();
