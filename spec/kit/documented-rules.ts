/**
 * The permissions that the page on partition-based sync shows, each with users whom they let in and whom they do
 * not. For tests and benchmarks.
 */
import type { RuleValue } from '../../core/access/expression.js';

export interface DocumentedUser {
  readonly id: string;
  readonly data?: Readonly<Record<string, RuleValue>>;
  readonly customData?: Readonly<Record<string, RuleValue>>;
}

export interface DocumentedRule {
  readonly name: string;
  readonly rule: unknown;
  /** Whether the user has the right to the partition. */
  readonly cases: readonly (readonly [user: DocumentedUser, partition: string | null, isAllowed: boolean])[];
}

const [first, second, third, stranger] = [
  '5f4863e4d49bd2191ff1e623',
  '5f48640dd49bd2191ff1e624',
  '5f486417d49bd2191ff1e625',
  '5f486417d49bd2191ff1e626',
] as const;

/** What the page's `canReadPartition` finds in its collection `permissions`. */
const permissions: Readonly<Record<string, readonly string[]>> = {
  'Store 42': [first, second],
  'Store 43': [],
};

/** The page's function, which is told the user, too, since there is no context here to find it in. */
export const canReadPartition = async (...given: readonly RuleValue[]): Promise<RuleValue> => {
  const [partition, user] = given.map(String);
  return permissions[partition ?? '']?.includes(user ?? '') ?? false;
};

export const documentedRules: readonly DocumentedRule[] = [
  {
    name: 'everybody, everywhere',
    rule: true,
    cases: [
      [{ id: first }, 'PUBLIC', true],
      [{ id: stranger }, null, true],
    ],
  },
  {
    name: 'nobody, nowhere',
    rule: false,
    cases: [
      [{ id: first }, 'PUBLIC', false],
      [{ id: first }, first, false],
    ],
  },
  {
    name: 'an expression that is always true',
    rule: { '%%true': true },
    cases: [
      [{ id: first }, 'PUBLIC', true],
      [{ id: stranger }, null, true],
    ],
  },
  {
    name: 'one partition',
    rule: { '%%partition': 'PUBLIC' },
    cases: [
      [{ id: first }, 'PUBLIC', true],
      [{ id: first }, 'Public', false],
      [{ id: 'PUBLIC' }, 'Store 42', false],
      [{ id: first }, null, false],
    ],
  },
  {
    name: 'the partition of a store',
    rule: { '%%partition': 'Store 42' },
    cases: [
      [{ id: first }, 'Store 42', true],
      [{ id: first }, 'Store 4', false],
    ],
  },
  {
    name: 'some partitions',
    rule: { '%%partition': { $in: ['PUBLIC (NA)', 'PUBLIC (EMEA)', 'PUBLIC (APAC)'] } },
    cases: [
      [{ id: first }, 'PUBLIC (EMEA)', true],
      [{ id: stranger }, 'PUBLIC (APAC)', true],
      [{ id: first }, 'PUBLIC', false],
    ],
  },
  {
    name: 'one user',
    rule: { '%%user.id': first },
    cases: [
      [{ id: first }, 'whatever', true],
      [{ id: first }, null, true],
      [{ id: second }, first, false],
    ],
  },
  {
    name: 'some users',
    rule: { '%%user.id': { $in: [first, second, third] } },
    cases: [
      [{ id: third }, 'whatever', true],
      [{ id: stranger }, 'whatever', false],
    ],
  },
  {
    name: 'partitions that custom user data list',
    rule: { '%%user.custom_data.readPartitions': '%%partition' },
    cases: [
      [{ id: first, customData: { readPartitions: ['Store 41', 'Store 42'] } }, 'Store 42', true],
      [{ id: first, customData: { readPartitions: ['Store 41', 'Store 42'] } }, 'Store 43', false],
      [{ id: first, customData: { readPartitions: 'Store 42' } }, 'Store 42', true],
      [{ id: first, customData: { readPartitions: [] } }, 'Store 42', false],
      [{ id: first, customData: { readPartitions: [['Store 42']] } }, 'Store 42', false],
      [{ id: first, customData: { writePartitions: ['Store 42'] } }, 'Store 42', false],
      [{ id: first, data: { readPartitions: ['Store 42'] } }, 'Store 42', false],
      [{ id: first }, null, false],
    ],
  },
  {
    name: 'partitions that user data list',
    rule: { '%%user.data.writePartitions': '%%partition' },
    cases: [
      [{ id: first, data: { writePartitions: ['Store 41', 'Store 42'] } }, 'Store 42', true],
      [{ id: first, data: { writePartitions: ['Store 41', 'Store 42'] } }, 'Store 4', false],
      [{ id: first, customData: { writePartitions: ['Store 42'] } }, 'Store 42', false],
    ],
  },
  {
    name: 'a function',
    rule: {
      '%%true': {
        '%function': { name: 'canReadPartition', arguments: ['%%partition', '%%user.id'] },
      },
    },
    cases: [
      [{ id: first }, 'Store 42', true],
      [{ id: stranger }, 'Store 42', false],
      [{ id: first }, 'Store 43', false],
      [{ id: first }, 'toString', false],
    ],
  },
  {
    name: 'owners',
    rule: { '%%user.id': '%%partition' },
    cases: [
      [{ id: first }, first, true],
      [{ id: first }, second, false],
      [{ id: first }, null, false],
    ],
  },
  {
    name: 'owners, and those with whom it is shared',
    rule: { $or: [{ '%%user.id': '%%partition' }, { '%%user.custom_data.shared': '%%partition' }] },
    cases: [
      [{ id: first }, first, true],
      [{ id: second, customData: { shared: [first, third] } }, first, true],
      [{ id: second, customData: { shared: [third] } }, first, false],
      [{ id: stranger }, first, false],
    ],
  },
];
