/**
 * What the handlers of instructions share during one edit: the state as it has become so far, the right
 * to change it, the rules, and a cursor at the place that the instruction names.
 */
import type { Owner, Trie } from '../base/trie.js';
import type { ApplyRules } from './apply-rules.js';
import type { Cursor } from './cursor.js';
import type { State, Table } from './state.js';

export interface EditState extends State {
  tables: Trie<Table>;
  era: object;
}

export interface Edit {
  readonly state: EditState;
  readonly owner: Owner;
  readonly rules: ApplyRules;
  readonly cursor: Cursor;
}
