/** `syncline inspect`: what the store of a server holds, read from the folder of a server that is stopped or running. */
import { existsSync } from 'node:fs';
import * as lmdb from 'lmdb';
import type { PartitionSummary } from '../../core/index.js';
import { readPartition } from '../drivers/partition-host.js';
import { lmdbServerStore } from '../stores/lmdb.js';
import { table } from './table.js';

export interface PartitionReport extends PartitionSummary {
  readonly partition: string;
}

/** One report a partition, in ascending order of name. Rejects where there is no such folder, and makes none. */
export const inspect = async (directory: string): Promise<readonly PartitionReport[]> => {
  if (!existsSync(directory)) throw new Error(`${directory}: there is no such folder`);
  const store = await lmdbServerStore({ lmdb, path: directory });
  try {
    const reports: PartitionReport[] = [];
    for (const name of await store.partitions())
      reports.push({ partition: name, ...(await readPartition(await store.partition(name))) });
    return reports;
  } finally {
    await store.close();
  }
};

export const printReports = (reports: readonly PartitionReport[]): string =>
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
