/** Yjs: a map of maps with an array in each; the compacted form is the update of a document that has them all. */
import * as Y from 'yjs';

const perform = (objects, fields, lists, write) => {
  const object = objects.get(String(write.object));
  switch (write.kind) {
    case 'create':
      objects.set(String(write.object), new Y.Map(lists ? [['tags', new Y.Array()]] : []));
      break;
    case 'erase':
      objects.delete(String(write.object));
      break;
    case 'set':
      object.set(fields[write.field], write.value);
      break;
    case 'insert':
      object.get('tags').insert(write.index, [write.value]);
      break;
    case 'remove':
      object.get('tags').delete(write.index, 1);
      break;
    case 'replace':
      object.get('tags').delete(write.index, 1);
      object.get('tags').insert(write.index, [write.value]);
      break;
    case 'move': {
      const value = object.get('tags').get(write.index);
      object.get('tags').delete(write.index, 1);
      object.get('tags').insert(write.to, [value]);
    }
  }
};

export const open = async (modules) => {
  const { fields } = await import(new URL("compaction-workload.js", modules).href);
  return {
    writer: ({ name }) => {
      const doc = new Y.Doc();
      const objects = doc.getMap('objects');
      const lists = name.startsWith('list');
      let update;
      doc.on('update', (bytes) => {
        update = bytes;
      });
      return (transaction) => {
        doc.transact(() => transaction.forEach((write) => perform(objects, fields, lists, write)));
        return update;
      };
    },
    compacted: (updates) => {
      const doc = new Y.Doc();
      doc.transact(() => updates.forEach((update) => Y.applyUpdate(doc, update)));
      return Y.encodeStateAsUpdate(doc);
    },
  };
};
