/** The kinds of machines that there are, for those that do not care which they have. */

import type { RuleSet } from '../merge/rule.js';
import { realm, syncline } from '../merge/rule-set.js';
import { clientSubject } from './client-subject.js';
import type { Kind } from './entry.js';
import { serverSubject } from './server-subject.js';
import type { FindRules, Subject } from './subject.js';

export type AnySubject = Subject<unknown, unknown, unknown, unknown>;

/** `rules`: sets beside ours and the reference's. */
export const subjectsFor = (rules: readonly RuleSet[]): Readonly<Record<Kind, AnySubject>> => {
  const find: FindRules = (name) => [...rules, syncline, realm].find((set) => set.name === name);
  return {
    client: clientSubject(find) as unknown as AnySubject,
    server: serverSubject(find) as unknown as AnySubject,
  };
};
