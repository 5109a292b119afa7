/**
 * ot-json1: a plain document, and operations that are transformed over what was done here. Both sides are
 * composed into one operation in the bulk form; one by one, each incoming operation is transformed over all
 * of the left side, composed, and that over it.
 */
import json1 from 'ot-json1';
import { documentOf, performInPlace } from './plain-document.mjs';

const { type, insertOp, moveOp, removeOp, replaceOp } = json1;

/** The operation of one write, on a document that it is performed on. */
const operation = (doc, write) => {
  switch (write.kind) {
    case 'set': {
      const path = ['objects', String(write.object), `field${write.field}`];
      const known = doc.objects[write.object][`field${write.field}`];
      return known === undefined ? insertOp(path, write.value) : replaceOp(path, known, write.value);
    }
    case 'create':
      return insertOp(['objects', String(write.object)], { field0: write.value });
    case 'insert':
      return insertOp(['list', write.index], write.value);
    case 'erase':
      return removeOp(['list', write.index], true);
    case 'move':
      return moveOp(['list', write.index], ['list', write.to]);
  }
};

/** Halves with halves: composing one after the other would copy the whole each time. */
const composed = (operations) => {
  if (operations.length === 0) return null;
  let level = operations;
  while (level.length > 1) {
    const next = [];
    for (let k = 0; k < level.length; k += 2)
      next.push(k + 1 < level.length ? type.compose(level[k], level[k + 1]) : level[k]);
    level = next;
  }
  return level[0];
};

/** Applying copies the way to the change, so what one write changes is changed in place here. */
const operationsOf = (doc, side) =>
  side.map((writes) =>
    composed(
      writes.map((write) => {
        const made = operation(doc, write);
        performInPlace(doc, write);
        return made;
      }),
    ),
  );

export const open = (workload) => {
  const mine = documentOf(workload);
  const left = operationsOf(mine, workload.left);
  const right = operationsOf(documentOf(workload), workload.right);
  const ours = composed(left);
  return {
    updates: right.map((each) => ({ one: each })),
    bulk: { all: right },
    replica: () => ({ doc: mine, ours }),
    receive: (replica, { one, all }) => {
      const incoming = one ?? composed(all);
      const pending = one === undefined ? composed(left) : replica.ours;
      replica.doc = type.apply(replica.doc, type.transformNoConflict(incoming, pending, 'right'));
      replica.ours = type.transformNoConflict(pending, incoming, 'left');
    },
  };
};
