/** Configurations, filters and updates as people write them, for what damages them. */

const rule = { $or: [{ '%%user.id': '%%partition' }, { '%%user.data.role': { $in: ['admin', 'owner'] } }] };

export const partitionConfig = {
  type: 'partition',
  state: 'enabled',
  development_mode_enabled: true,
  service_name: 'mongodb-atlas',
  database_name: 'db',
  partition: { key: 'owner', type: 'string', permissions: { read: rule, write: { '%%true': true } } },
  last_disabled: 1,
  client_max_offline_days: 30,
  is_recovery_mode_disabled: false,
};

export const filters: readonly unknown[] = [
  { votes: { $gt: 3, $lte: 10 }, region: { $in: ['n', 's', null] } },
  { $and: [{ _id: 'a' }, { $or: [{ votes: null }, { 'place.street': { $exists: true } }] }] },
  { tags: { $all: ['x'], $size: 2 }, _id: { $regex: '^a+$', $options: 'i' } },
  { tags: { $elemMatch: { $nin: ['z'] } }, $nor: [{ votes: { $not: { $eq: 1 } } }] },
];

export const updates: readonly unknown[] = [
  { $set: { votes: 3, 'place.street': 'x', region: 'n' }, $unset: { tags: '' } },
  { $inc: { votes: -2 }, $push: { tags: { $each: ['x', 'y'] } }, $addToSet: { tags: 'z' } },
  { $pull: { tags: { $in: ['x'] } }, $set: { 'marks.a': 1 } },
  { votes: 1, tags: ['x'], place: { street: 'y' }, region: 's' },
];
