/** Loro: a map of maps with a movable list in each; the compacted form is a snapshot without history. */
import { LoroDoc, LoroMap, LoroMovableList } from 'loro-crdt';

/** `known` has the containers at hand, because asking for them takes longer than writing to them. */
const perform = (objects, known, fields, lists, write) => {
  const list = () => known.get(write.object).list;
  switch (write.kind) {
    case 'create': {
      const object = objects.setContainer(String(write.object), new LoroMap());
      const list = lists ? object.setContainer('tags', new LoroMovableList()) : null;
      known.set(write.object, { object, list });
      break;
    }
    case 'erase':
      objects.delete(String(write.object));
      break;
    case 'set':
      known.get(write.object).object.set(fields[write.field], write.value);
      break;
    case 'insert':
      list().insert(write.index, write.value);
      break;
    case 'remove':
      list().delete(write.index, 1);
      break;
    case 'replace':
      list().set(write.index, write.value);
      break;
    case 'move':
      list().move(write.index, write.to);
  }
};

export const open = async (modules) => {
  const { fields } = await import(new URL("compaction-workload.js", modules).href);
  return {
    writer: ({ name }) => {
      const doc = new LoroDoc();
      const objects = doc.getMap('objects');
      const lists = name.startsWith('list');
      const known = new Map();
      let update;
      doc.subscribeLocalUpdates((bytes) => {
        update = bytes;
      });
      return (transaction) => {
        for (const write of transaction) perform(objects, known, fields, lists, write);
        doc.commit();
        return update;
      };
    },
    compacted: (updates) => {
      const doc = new LoroDoc();
      doc.importBatch(updates);
      return doc.export({ mode: 'shallow-snapshot', frontiers: doc.frontiers() });
    },
  };
};
