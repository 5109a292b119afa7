/** Automerge: plain objects and an array behind proxies. It has no move: an element that moves is deleted and inserted. */
import * as Automerge from '@automerge/automerge';
import { documentOf, performInPlace } from './plain-document.mjs';

const written = (base, side, changes) => {
  let doc = Automerge.clone(base);
  for (const writes of side) {
    doc = Automerge.change(doc, (draft) => writes.forEach((write) => performInPlace(draft, write)));
    changes?.push(Automerge.getLastLocalChange(doc));
  }
  return doc;
};

export const open = (workload) => {
  const { left, right } = workload;
  const base = Automerge.from(documentOf(workload));
  const updates = [];
  written(base, right, updates);
  const mine = written(base, left);
  return {
    updates: updates.map((change) => [change]),
    bulk: updates,
    replica: () => ({ doc: Automerge.clone(mine) }),
    receive: (replica, changes) => {
      [replica.doc] = Automerge.applyChanges(replica.doc, changes);
    },
  };
};
