/**
 * What the server machine does about the length of its history: it notes which files it hears of, so that they
 * do not expire, and puts a rewritten log in the place of the old one.
 *
 * A file that begins is noted before it is sent anything, and those that are bound are noted again and again:
 * another server of the same partition sees from that which files are on their way.
 */
import { forEach } from '../base/trie.js';
import { defaultMaxOffline } from '../history/horizon.js';
import type { Rewritten } from '../history/log-rewrite.js';
import { commitBegun, commitRewrite, commitSeen } from '../history/rewrite-commit.js';
import type { PartitionCommit } from '../history/server-commit.js';
import { type ServerConfig, type ServerMachine, type ServerStep, stayAs } from './server-session.js';

export const maxOfflineOf = (config: ServerConfig): number => config.maxOffline ?? defaultMaxOffline;

/** Idents of the files that are bound. O(sessions). */
export const connectedFiles = (machine: ServerMachine): ReadonlySet<number> => {
  const idents = new Set<number>();
  forEach(machine.bound, (_, ident) => {
    idents.add(Number(ident));
  });
  return idents;
};

const after = (machine: ServerMachine, commit: PartitionCommit | null): ServerStep =>
  commit === null
    ? stayAs(machine)
    : {
        machine: { ...machine, partition: commit.partition },
        effects: [{ type: 'commit', batch: commit.batch }],
      };

/** The file has identified itself, and nothing speaks against it. */
export const begun = (machine: ServerMachine, ident: number, now: number): ServerStep =>
  after(machine, commitBegun(machine.partition, ident, now, maxOfflineOf(machine.config)));

/** Now and then, as often as the driver likes. */
export const ticked = (machine: ServerMachine, now: number): ServerStep =>
  after(machine, commitSeen(machine.partition, connectedFiles(machine), now, maxOfflineOf(machine.config)));

/** Nothing happens where the partition has moved on in a way that matters. */
export const rewrittenLog = (machine: ServerMachine, rewritten: Rewritten, now: number): ServerStep => {
  const { partition, config } = machine;
  return after(
    machine,
    commitRewrite(partition, rewritten, now, maxOfflineOf(config), connectedFiles(machine)),
  );
};
