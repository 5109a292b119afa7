/**
 * The entries of a recording. A recording may hold several machines: each is a track, with a number.
 *
 *     about        first of a segment: who recorded, and under which limits
 *     checkpoint   the whole machine, before its next step; the form of it follows
 *     step         an event, of which the form follows, and the digest of what it led to
 *     threw        an event, of which the form follows, that the machine threw at
 *     state        the digest of the data after the last step
 *     gap          a step that was not recorded; a checkpoint comes before the next one
 *     leftOut      a machine whose checkpoint is too large to be recorded
 */
import { bool, type Form, list, oneOf, record, text, uint, union, word } from './form.js';

export type Kind = 'client' | 'server';

export interface Limit {
  readonly name: string;
  readonly value: number;
}

export interface About {
  /** The library's version, and that of its protocol. */
  readonly library: string;
  readonly protocol: number;
  /** `limits` at the time. */
  readonly limits: readonly Limit[];
}

interface OfTrack {
  readonly track: number;
}

export type EntryHead =
  | (OfTrack & {
      readonly type: 'step';
      readonly isMoreComing: boolean;
      /** What kind of digest it is (`effect-digest.ts`). */
      readonly isDeep: boolean;
      readonly digest: number;
    })
  | (OfTrack & { readonly type: 'threw'; readonly isMoreComing: boolean; readonly message: string })
  | (OfTrack & { readonly type: 'checkpoint'; readonly kind: Kind; readonly name: string })
  | (OfTrack & { readonly type: 'state'; readonly digest: string })
  | (OfTrack & { readonly type: 'gap'; readonly reason: string })
  | (OfTrack & {
      readonly type: 'leftOut';
      readonly kind: Kind;
      readonly name: string;
      readonly bytes: number;
    })
  | (About & { readonly type: 'about' });

const kind = oneOf<Kind>(['client', 'server']);

export const headForm: Form<EntryHead> = union<EntryHead>({
  step: record({ track: uint, isMoreComing: bool, isDeep: bool, digest: word }),
  threw: record({ track: uint, isMoreComing: bool, message: text }),
  checkpoint: record({ track: uint, kind, name: text }),
  state: record({ track: uint, digest: text }),
  gap: record({ track: uint, reason: text }),
  leftOut: record({ track: uint, kind, name: text, bytes: uint }),
  about: record({
    library: text,
    protocol: uint,
    limits: list(record<Limit>({ name: text, value: uint })),
  }),
});
