/** Automerge: plain objects and an array behind proxies. It has no move: an element that moves is deleted and inserted. */
import * as Automerge from '@automerge/automerge';

const perform = (doc, write) => {
  switch (write.kind) {
    case 'set':
      doc.objects[write.object][`field${write.field}`] = write.value;
      break;
    case 'create':
      doc.objects[write.object] = { field0: write.value };
      break;
    case 'insert':
      doc.list.splice(write.index, 0, write.value);
      break;
    case 'erase':
      doc.list.splice(write.index, 1);
      break;
    case 'move': {
      const [value] = doc.list.splice(write.index, 1);
      doc.list.splice(write.to, 0, value);
    }
  }
};

const written = (base, side, changes) => {
  let doc = Automerge.clone(base);
  for (const writes of side) {
    doc = Automerge.change(doc, (draft) => writes.forEach((write) => perform(draft, write)));
    changes?.push(Automerge.getLastLocalChange(doc));
  }
  return doc;
};

export const open = ({ objects, list, left, right }) => {
  const base = Automerge.from({
    objects: Object.fromEntries(Array.from({ length: objects }, (_, object) => [object, {}])),
    list: Array.from({ length: list }, (_, k) => k),
  });
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
