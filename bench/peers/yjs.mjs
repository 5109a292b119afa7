/** Yjs: a map of maps, and an array. It has no move: an element that moves is deleted and inserted. */
import * as Y from 'yjs';

const perform = (doc, write) => {
  const objects = doc.getMap('objects');
  const list = doc.getArray('list');
  switch (write.kind) {
    case 'set':
      objects.get(String(write.object)).set(`field${write.field}`, write.value);
      break;
    case 'create':
      objects.set(String(write.object), new Y.Map([['field0', write.value]]));
      break;
    case 'insert':
      list.insert(write.index, [write.value]);
      break;
    case 'erase':
      list.delete(write.index, 1);
      break;
    case 'move': {
      const value = list.get(write.index);
      list.delete(write.index, 1);
      list.insert(write.to, [value]);
    }
  }
};

const baseOf = ({ objects, list }) => {
  const doc = new Y.Doc();
  doc.transact(() => {
    for (let object = 0; object < objects; object++) doc.getMap('objects').set(String(object), new Y.Map());
    doc.getArray('list').insert(
      0,
      Array.from({ length: list }, (_, k) => k),
    );
  });
  return doc;
};

const load = (update) => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update);
  return doc;
};

export const open = (workload) => {
  const base = Y.encodeStateAsUpdate(baseOf(workload));
  const left = load(base);
  const right = load(base);
  const before = Y.encodeStateVector(right);
  const updates = [];
  right.on('update', (update) => updates.push(update));
  for (const [doc, side] of [
    [left, workload.left],
    [right, workload.right],
  ])
    for (const writes of side) doc.transact(() => writes.forEach((write) => perform(doc, write)));
  const mine = Y.encodeStateAsUpdate(left);
  return {
    updates,
    bulk: Y.encodeStateAsUpdate(right, before),
    replica: () => load(mine),
    receive: (doc, update) => Y.applyUpdate(doc, update),
  };
};
