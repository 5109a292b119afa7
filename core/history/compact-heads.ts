/** The heads of the parts (`segment.ts`) of a history that is gone through from its end: part 0 is the last. */
import type { Changeset } from '../model/changeset.js';
import { PartStamps } from './compact-plain.js';
import type { Parts } from './segment-format.js';

type Head = Pick<Changeset, 'version' | 'base' | 'timestamp' | 'origin'>;

export class Heads extends PartStamps {
  /** No part so far is newer than the one behind it. */
  isOrdered = true;
  private readonly versions: number[] = [];
  private readonly bases: number[] = [];

  constructor() {
    super([], []);
  }

  /** Begins a part. Answers its number. */
  begin({ version, base, timestamp, origin }: Head): number {
    const part = this.versions.push(version) - 1;
    this.bases.push(base);
    this.timestamps.push(timestamp);
    this.origins.push(origin);
    if (part > 0 && this.isOrdered) this.isOrdered = this.isNotOlder(part - 1, part);
    return part;
  }

  /** From the first part to the last. */
  parts(): Parts {
    return {
      versions: reversed(this.versions),
      bases: reversed(this.bases),
      timestamps: reversed(this.timestamps),
      origins: reversed(this.origins),
    };
  }
}

const reversed = (values: readonly number[]): Float64Array => Float64Array.from(values).reverse();
