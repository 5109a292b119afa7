/** `syncline inspect`: what the store of a server holds, read from the folder of a server that is stopped or running. */
import * as E from 'fp-ts/lib/Either.js';
import * as lmdb from 'lmdb';
import { type PartitionSummary, readCertificate, type StoredCertificate } from '../../core/index.js';
import { livePartitions } from '../drivers/live-partitions.js';
import { readPartition } from '../drivers/partition-host.js';
import type { PartitionStore } from '../ports.js';
import { lmdbServerStore } from '../stores/lmdb.js';
import { existingFolder } from './folder.js';
import { table } from './table.js';

export interface PartitionReport extends PartitionSummary {
  readonly partition: string;
  /** Of the last compactions, the oldest first. */
  readonly certificates: readonly StoredCertificate[];
}

/** One report a partition, in ascending order of name. Rejects where there is no such folder, and makes none. */
export const inspect = async (directory: string): Promise<readonly PartitionReport[]> => {
  const store = await lmdbServerStore({ lmdb, path: existingFolder(directory) });
  try {
    const reports: PartitionReport[] = [];
    for (const { name, stored } of await livePartitions(store)) {
      const partition = await store.partition(stored);
      const summary = await readPartition(partition);
      reports.push({ partition: name, ...summary, certificates: await certificatesOf(partition) });
    }
    return reports;
  } finally {
    await store.close();
  }
};

const certificatesOf = async (store: PartitionStore): Promise<readonly StoredCertificate[]> => {
  const { entries } = await store.load(['certificate']);
  return entries.map((entry) => {
    const certificate = readCertificate(entry);
    if (E.isLeft(certificate)) throw new Error(certificate.left.message);
    return certificate.right;
  });
};

export const printReports = (reports: readonly PartitionReport[]): string =>
  [partitions(reports), ...reports.flatMap(compactions)].join('\n');

const partitions = (reports: readonly PartitionReport[]): string =>
  table(
    ['partition', 'version', 'files', 'objects', 'digest'],
    reports.map((report) => [
      report.partition,
      String(report.version),
      String(report.files),
      [...report.objects].map(([name, count]) => `${name} ${count}`).join(', '),
      report.digest,
    ]),
  );

const compactions = ({ partition, certificates }: PartitionReport): readonly string[] =>
  certificates.length === 0
    ? []
    : [
        `the last compactions of ${partition}`,
        table(
          [
            '',
            'at',
            'versions',
            'folded to',
            'instructions',
            'bytes',
            'digest at the head',
            'passed clients',
          ],
          certificates.map(({ number, at, first, head, cut, before, after, digestAtHead, expires }) => [
            String(number),
            new Date(at).toISOString(),
            `${first} to ${head}`,
            String(cut),
            `${before.instructions} to ${after.instructions}`,
            `${before.bytes} to ${after.bytes}`,
            digestAtHead,
            expires.map(({ ident, version }) => `${ident} at ${version}`).join(', '),
          ]),
        ),
      ];
