/**
 * Every lost write is reported. A slot holds one mark. A mark that it does not hold in the end was overwritten
 * by somebody who had seen it, or lost to another one that was made at the same time: then somebody must have
 * said so. Reports are lost with programs that crash and files that are given up, so this is for worlds in
 * which everybody who could report lived.
 */
import type { MakeChecker } from './checkers.js';
import { readBooks } from './ledger.js';
import type { Observation } from './observation.js';
import type { World } from './world.js';

/** The values of discarded instructions of one kind and class, and whether anybody who could tell has not lived. */
export class Reports {
  readonly reported = new Set<string>();
  isBlind: boolean;

  constructor(world: World) {
    this.isBlind = !world.plan.explain;
  }

  see(seen: Observation, kind: 'Update' | 'SetInsert', table: string): null {
    if (seen.type === 'reset' || seen.type === 'switching' || seen.type === 'restored') this.isBlind = true;
    if (seen.type === 'stopped' || seen.type === 'serverStopped') this.isBlind ||= seen.hasCrashed;
    if (seen.type !== 'decided') return null;
    for (const { outcome, loser } of seen.decisions) {
      const { instruction } = loser;
      if (outcome === 'discarded' && instruction.kind === kind && instruction.table === table)
        this.reported.add(String(instruction.value));
    }
    return null;
  }
}

export const lossesAreReported: MakeChecker = (world) => {
  const reports = new Reports(world);
  const { reported } = reports;
  return {
    saw: (seen) => reports.see(seen, 'Update', 'Slot'),
    ended: () => {
      if (reports.isBlind) return null;
      for (const device of world.devices) {
        const books =
          device.client === null ? 'it does not run' : readBooks(device.client, world.rigor, device.home);
        if (typeof books === 'string') return books;
        const marks = world.devices
          .filter(({ partition }) => partition === device.partition)
          .flatMap((each) => each.marks)
          .filter(({ slot, id }) => slot !== null && books.marks.has(id));
        const overwritten = new Set(marks.map(({ before }) => before));
        for (const { id, slot } of marks)
          if (books.slots.get(slot as string) !== id && !overwritten.has(id) && !reported.has(id))
            return `mark ${id} is not in slot ${slot}, nobody who saw it overwrote it, and nobody reported its loss`;
      }
      return null;
    },
  };
};
