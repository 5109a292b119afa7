/** Loro: a map of maps, and a movable list. */
import { LoroDoc, LoroMap } from 'loro-crdt';

const perform = (doc, write) => {
  const objects = doc.getMap('objects');
  const list = doc.getMovableList('list');
  switch (write.kind) {
    case 'set':
      objects.get(String(write.object)).set(`field${write.field}`, write.value);
      break;
    case 'create':
      objects.setContainer(String(write.object), new LoroMap()).set('field0', write.value);
      break;
    case 'insert':
      list.insert(write.index, write.value);
      break;
    case 'erase':
      list.delete(write.index, 1);
      break;
    case 'move':
      list.move(write.index, write.to);
  }
};

const load = (bytes, peer) => {
  const doc = new LoroDoc();
  doc.setPeerId(peer);
  doc.import(bytes);
  return doc;
};

export const open = ({ objects, list, left, right }) => {
  const first = new LoroDoc();
  first.setPeerId(1n);
  for (let object = 0; object < objects; object++)
    first.getMap('objects').setContainer(String(object), new LoroMap());
  for (let k = 0; k < list; k++) first.getMovableList('list').insert(k, k);
  first.commit();
  const base = first.export({ mode: 'snapshot' });
  const ours = load(base, 2n);
  const theirs = load(base, 3n);
  const before = theirs.version();
  const updates = [];
  theirs.subscribeLocalUpdates((bytes) => updates.push(bytes));
  for (const [doc, side] of [
    [ours, left],
    [theirs, right],
  ])
    for (const writes of side) {
      for (const write of writes) perform(doc, write);
      doc.commit();
    }
  const mine = ours.export({ mode: 'snapshot' });
  return {
    updates,
    bulk: theirs.export({ mode: 'update', from: before }),
    replica: () => load(mine, 4n),
    receive: (doc, bytes) => doc.import(bytes),
  };
};
