/** The heads of the parts (`segment.ts`) of a history that is gone through from its end: part 0 is the last. */
import type { Changeset } from '../model/changeset.js';
import type { Stamp } from './compact-place.js';
import type { Parts } from './segment-format.js';

type Head = Pick<Changeset, 'version' | 'base' | 'timestamp' | 'origin'>;

export class Heads {
  /** No part so far is newer than the one behind it. */
  isOrdered = true;
  private readonly versions: number[] = [];
  private readonly bases: number[] = [];
  private readonly timestamps: number[] = [];
  private readonly origins: number[] = [];

  /** Begins a part. Answers its number. */
  begin({ version, base, timestamp, origin }: Head): number {
    const part = this.versions.push(version) - 1;
    this.bases.push(base);
    this.timestamps.push(timestamp);
    this.origins.push(origin);
    if (part > 0 && this.isOrdered) this.isOrdered = this.isNotOlder(part - 1, part);
    return part;
  }

  isNotOlder(later: number, part: number): boolean {
    const a = this.timestamps[later] as number;
    const b = this.timestamps[part] as number;
    return a > b || (a === b && (this.origins[later] as number) >= (this.origins[part] as number));
  }

  stampOf(part: number): Stamp {
    return { timestamp: this.timestamps[part] as number, origin: this.origins[part] as number };
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
