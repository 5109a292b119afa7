/**
 * A server and its devices as the law of compaction sees them: histories, positions and pending changesets,
 * merged by the real routines, without messages, sessions or stores. A world can be copied, so that one
 * course of events can go on with the history and with the compacted history.
 */
import * as E from 'fp-ts/lib/Either.js';
import { integrate, type LocalForm } from '../../core/history/integrate.js';
import { columnsOf } from '../../core/merge/column-lookup.js';
import { syncline } from '../../core/merge/rule-set.js';
import { edit } from '../../core/model/apply.js';
import type { Changeset } from '../../core/model/changeset.js';
import { digest } from '../../core/model/digest.js';
import type { Instruction } from '../../core/model/instruction.js';
import { printChangesets, printInstruction } from '../../core/model/notation.js';
import type { State } from '../../core/model/state.js';

interface Device {
  readonly ident: number;
  state: State;
  /** Of its last commit. */
  version: number;
  /** Everything up to here has been integrated. */
  position: number;
  /** Its newest version that the server had integrated at `position`. */
  seen: number;
  /** All that it has written and the server may still meet: as it was made, and as it is now. */
  writes: { readonly original: Changeset; readonly current: Changeset }[];
  stamp: number;
}

/** A merge or an application that failed. No law allows it. */
export class WorldError extends Error {}

const applied = (state: State, changesets: readonly Changeset[], what: string): State => {
  const draft = edit(state);
  for (const { instructions } of changesets)
    for (const instruction of instructions) {
      const error = draft.apply(instruction);
      if (error !== null)
        throw new WorldError(`${what}: ${error.message} (${printInstruction(instruction)})`);
    }
  return draft.finish();
};

export class CompactWorld {
  /** The server's main history; position is version - 1. */
  entries: readonly Changeset[] = [];
  state: State;
  readonly devices: Device[];
  readonly base: State;
  private readonly taken = new Map<number, number>();
  /** By ident and version: main entries as the device's next upload meets them. */
  private readonly reciprocals = new Map<number, Map<number, Changeset>>();

  constructor(base: State, idents: readonly number[]) {
    this.base = base;
    this.state = base;
    this.devices = idents.map((ident) => ({
      ident,
      state: base,
      version: 0,
      position: 0,
      seen: 0,
      writes: [],
      stamp: 0,
    }));
  }

  copy(): CompactWorld {
    const copy = new CompactWorld(this.base, []);
    copy.state = this.state;
    copy.entries = this.entries;
    for (const device of this.devices) copy.devices.push({ ...device, writes: device.writes.slice() });
    for (const [ident, version] of this.taken) copy.taken.set(ident, version);
    for (const [ident, forms] of this.reciprocals) copy.reciprocals.set(ident, new Map(forms));
    return copy;
  }

  get head(): number {
    return this.entries.length;
  }

  /** Uploads that the server does not have yet. */
  pending(device: Device): readonly Changeset[] {
    const taken = this.taken.get(device.ident) ?? 0;
    return device.writes.filter(({ original }) => original.version > taken).map(({ original }) => original);
  }

  /** No upload still to come has a base below this version, and nothing up to it will be downloaded again. */
  known(device: Device): number {
    return Math.min(device.position, ...this.pending(device).map(({ base }) => base));
  }

  /** A local transaction. `timestamp` is used as it is; causality is the caller's. */
  write(device: Device, instructions: readonly Instruction[], timestamp: number): void {
    const { position: base, ident: origin } = device;
    const changeset: Changeset = { version: ++device.version, base, timestamp, origin, instructions };
    device.state = applied(device.state, [changeset], `device ${origin} writes`);
    device.stamp = Math.max(device.stamp, timestamp);
    if (instructions.length > 0) device.writes.push({ original: changeset, current: changeset });
  }

  /** The server integrates the next `count` pending changesets of the device. */
  upload(device: Device, count: number): void {
    const incoming = this.pending(device).slice(0, count);
    const [first] = incoming;
    if (first === undefined) return;
    const kept = this.reciprocals.get(device.ident) ?? new Map<number, Changeset>();
    const forms: LocalForm[] = this.entries
      .filter(({ version, origin }) => version > first.base && origin !== device.ident)
      .map((entry) => ({ version: entry.version, changeset: kept.get(entry.version) ?? entry }));
    const merged = integrate(forms, incoming, { rules: syncline, columns: columnsOf(this.state) });
    if (E.isLeft(merged)) throw new WorldError(`upload of ${device.ident}: ${merged.left.message}`);
    this.state = applied(this.state, merged.right.incoming, `upload of ${device.ident}`);
    const reciprocals = new Map<number, Changeset>();
    for (const { version, changeset } of merged.right.locals) reciprocals.set(version, changeset);
    this.reciprocals.set(device.ident, reciprocals);
    let version = this.head;
    this.entries = [
      ...this.entries,
      ...merged.right.incoming.map((changeset) => ({
        ...changeset,
        version: ++version,
        base: changeset.version,
      })),
    ];
    this.taken.set(device.ident, (incoming[incoming.length - 1] as Changeset).version);
  }

  /** The device integrates everything up to `version`. */
  download(device: Device, version: number): void {
    if (version <= device.position) return;
    const incoming: Changeset[] = [];
    for (const entry of this.entries.slice(device.position, version)) {
      if (entry.origin === device.ident) device.seen = entry.base;
      else incoming.push({ ...entry, base: device.seen });
    }
    const locals: LocalForm[] = device.writes.map(({ current }) => ({
      version: current.version,
      changeset: current,
    }));
    const options = { rules: syncline, columns: columnsOf(device.state) };
    const merged = integrate(locals, incoming, options);
    if (E.isLeft(merged)) throw new WorldError(`download to ${device.ident}: ${merged.left.message}`);
    device.state = applied(device.state, merged.right.incoming, `download to ${device.ident}`);
    device.version++;
    device.writes = device.writes
      .map(({ original }, i) => ({ original, current: (merged.right.locals[i] as LocalForm).changeset }))
      .filter(({ original }) => original.version > device.seen);
    device.position = version;
    for (const { timestamp } of incoming) device.stamp = Math.max(device.stamp, timestamp + 1);
  }

  /** Everything is uploaded, then downloaded. */
  settle(): void {
    for (const device of this.devices) this.upload(device, Number.POSITIVE_INFINITY);
    for (const device of this.devices) this.download(device, this.head);
  }

  /** Of the server, then of each device. */
  digests(): string[] {
    return [digest(this.state), ...this.devices.map(({ state }) => digest(state))];
  }

  describe(): string {
    const lines = [`history\n${printChangesets(this.entries)}`];
    for (const device of this.devices)
      lines.push(
        `device ${device.ident} at ${device.position}, pending\n${printChangesets(this.pending(device))}`,
      );
    return lines.join('\n');
  }
}
