/**
 * Verification of a compaction: does the certificate tell the truth about the two histories, and was
 * everything that went justified? Nothing of the compactor's is used: both histories are replayed, what is
 * missing is looked for one by one and justified by what stayed (`verify-removal.ts`), and what was folded is
 * boiled down on both sides and compared (`verify-fold.ts`).
 *
 * Where nothing is found, law 4 holds for the two histories as far as the rules of absorption are right; those
 * are tested against the merge itself.
 */
import { columnsOf } from '../merge/column-lookup.js';
import { edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { encodeChangeset, encodeInstructions } from '../model/codec.js';
import { digest } from '../model/digest.js';
import { printInstruction } from '../model/print.js';
import type { ColumnSpec } from '../model/schema.js';
import { toInstructions } from '../model/snapshot.js';
import { emptyState, type State } from '../model/state.js';
import type { Certificate, ClientPosition, Extent } from './certificate.js';
import { serverIdent } from './partition.js';
import { unexplained } from './verify-changes.js';
import type { Shapes } from './verify-removal.js';

/**
 *     range            the certificate is about other versions
 *     extent           counts or bytes are not those of the histories
 *     versions         a changeset above the cut is missing, was added, or has another version, base, time or origin
 *     replay           a history cannot be applied
 *     digest           the state at the cut or at the head is not the one that the certificate names
 *     snapshot         what stands for the prefix is not the canonical snapshot of the state at the cut
 *     removal          an instruction is gone that nothing behind it makes superfluous
 *     change           an instruction is there that was not, and that no folding explains
 *     positions        it claims to be safe for positions that it is not safe for, or expires the wrong clients
 */
export type FindingCode =
  | 'range'
  | 'extent'
  | 'versions'
  | 'replay'
  | 'digest'
  | 'snapshot'
  | 'removal'
  | 'change'
  | 'positions';

export interface Finding {
  readonly code: FindingCode;
  /** Of the changeset that it is about; null where it is about the whole. */
  readonly version: number | null;
  /** What was found and what was expected. */
  readonly message: string;
}

export interface VerifyOptions {
  /** The state before the first changeset; by default the empty one. */
  readonly from?: State;
  /** All client files that are not expired, where it is to be checked which of them would be. */
  readonly clients?: readonly ClientPosition[];
}

/** What does not hold; empty where all does. Time in proportion to both histories and the state, for the most part. */
export const verifyCompaction = (
  before: readonly Changeset[],
  after: readonly Changeset[],
  certificate: Certificate,
  { from = emptyState, clients }: VerifyOptions = {},
): readonly Finding[] => {
  const verification = new Verification(certificate);
  verification.range(before);
  verification.extent('before', before, certificate.before);
  verification.extent('after', after, certificate.after);
  verification.positions(clients);
  const { cut } = certificate;
  const prefix = before.filter(({ version }) => version <= cut);
  const rest = before.slice(prefix.length);
  const atCut = verification.replayed(from, prefix);
  if (atCut === null) return verification.findings;
  verification.digest('cut', atCut);
  const folds = cut > 0 ? 1 : 0;
  if (cut > 0) verification.snapshot(after[0], prefix, atCut);
  const atHead = verification.replayed(atCut, rest);
  if (atHead !== null) verification.digest('head', atHead);
  const compactedHead = verification.replayed(cut > 0 ? emptyState : from, after);
  if (compactedHead !== null) verification.digest('head', compactedHead);
  const kept = after.slice(folds);
  if (verification.sameHeads(rest, kept)) verification.changes(rest, kept, shapesIn(atCut, rest));
  return verification.findings;
};

class Verification {
  readonly findings: Finding[] = [];
  private readonly certificate: Certificate;

  constructor(certificate: Certificate) {
    this.certificate = certificate;
  }

  private found(code: FindingCode, version: number | null, message: string): void {
    this.findings.push({ code, version, message });
  }

  range(before: readonly Changeset[]): void {
    const { first, head, cut } = this.certificate;
    const from = before[0]?.version ?? 0;
    const to = before[before.length - 1]?.version ?? 0;
    if (first !== from || head !== to)
      this.found('range', null, `a certificate for ${first} to ${head}, the history has ${from} to ${to}`);
    if (cut !== 0 && !before.some(({ version }) => version === cut))
      this.found('range', cut, `a cut at ${cut}, where the history has no changeset`);
  }

  extent(which: string, history: readonly Changeset[], claimed: Extent): void {
    const instructions = history.reduce((sum, changeset) => sum + changeset.instructions.length, 0);
    const bytes = history.reduce((sum, changeset) => sum + encodeChangeset(changeset).length, 0);
    const check = (what: string, given: number, actual: number): void => {
      if (given !== actual)
        this.found('extent', null, `${given} ${what} claimed for the history ${which}, found ${actual}`);
    };
    check('changesets', claimed.changesets, history.length);
    check('instructions', claimed.instructions, instructions);
    check('bytes', claimed.bytes, bytes);
  }

  positions(clients: readonly ClientPosition[] | undefined): void {
    const { cut, safeFrom, expires } = this.certificate;
    if (safeFrom < cut)
      this.found('positions', null, `claimed to be safe from ${safeFrom}, but folded up to ${cut}`);
    for (const { ident, version } of expires)
      if (version >= cut)
        this.found('positions', null, `client ${ident} at ${version} would be expired for a cut at ${cut}`);
    for (const { ident, version } of clients ?? [])
      if (version < cut && !expires.some((client) => client.ident === ident))
        this.found(
          'positions',
          null,
          `client ${ident} at ${version} is below the cut at ${cut}, and not named`,
        );
  }

  /** Null where the history cannot be applied. */
  replayed(from: State, history: readonly Changeset[]): State | null {
    const draft = edit(from);
    for (const { version, instructions } of history)
      for (const instruction of instructions) {
        const error = draft.apply(instruction);
        if (error === null) continue;
        this.found('replay', version, error.message);
        return null;
      }
    return draft.finish();
  }

  digest(where: 'cut' | 'head', state: State): void {
    const { digestAtCut, digestAtHead } = this.certificate;
    const claimed = where === 'cut' ? digestAtCut : digestAtHead;
    const actual = digest(state);
    if (claimed !== actual)
      this.found('digest', null, `the digest at the ${where} is ${actual}, the certificate says ${claimed}`);
  }

  snapshot(snapshot: Changeset | undefined, prefix: readonly Changeset[], state: State): void {
    const { cut } = this.certificate;
    const timestamp = prefix.reduce((greatest, changeset) => Math.max(greatest, changeset.timestamp), 0);
    if (snapshot === undefined) this.found('snapshot', cut, 'nothing stands for the prefix');
    else if (
      snapshot.version !== cut ||
      snapshot.origin !== serverIdent ||
      snapshot.timestamp !== timestamp
    ) {
      const { version, origin } = snapshot;
      const found = `version ${version} at ${snapshot.timestamp} from ${origin}`;
      this.found('snapshot', cut, `${found}, expected version ${cut} at ${timestamp} from ${serverIdent}`);
    } else if (!isEqual(encodeInstructions(snapshot.instructions), encodeInstructions(toInstructions(state))))
      this.found('snapshot', cut, 'the instructions are not those of the state at the cut');
  }

  sameHeads(before: readonly Changeset[], after: readonly Changeset[]): boolean {
    if (before.length !== after.length) {
      this.found('versions', null, `${after.length} changesets above the cut, expected ${before.length}`);
      return false;
    }
    const head = ({ version, base, timestamp, origin }: Changeset): string =>
      `version ${version} of base ${base} at ${timestamp} from ${origin}`;
    let same = true;
    before.forEach((changeset, i) => {
      const other = after[i] as Changeset;
      if (head(changeset) === head(other)) return;
      this.found('versions', changeset.version, `found ${head(other)}, expected ${head(changeset)}`);
      same = false;
    });
    return same;
  }

  changes(before: readonly Changeset[], after: readonly Changeset[], shapes: Shapes): void {
    for (const { changeset, gone, come } of unexplained(before, after, shapes)) {
      const { version } = changeset;
      for (const instruction of gone)
        this.found(
          'removal',
          version,
          `${printInstruction(instruction)} is gone and nothing makes up for it`,
        );
      for (const instruction of come)
        this.found('change', version, `${printInstruction(instruction)} is there and nothing explains it`);
    }
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Every shape that a property has in the state or gets in the history. */
const shapesIn = (state: State, history: readonly Changeset[]): Shapes => {
  const added = new Map<string, ColumnSpec[]>();
  const name = (table: string, field: string): string => `${table.length}:${table}${field}`;
  for (const { instructions } of history)
    for (const instruction of instructions)
      if (instruction.kind === 'AddColumn') {
        const key = name(instruction.table, instruction.field);
        added.set(key, [...(added.get(key) ?? []), instruction.column]);
      }
  const known = columnsOf(state);
  return (table, field) => {
    const before = known(table, field);
    const others = added.get(name(table, field)) ?? [];
    return before === null ? others : [before, ...others];
  };
};
