/** The workloads of the merge on plain objects and an array: an element that moves is taken out and put in. */

export const documentOf = ({ objects, list }) => ({
  objects: Object.fromEntries(Array.from({ length: objects }, (_, object) => [object, {}])),
  list: Array.from({ length: list }, (_, k) => k),
});

export const performInPlace = (doc, write) => {
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
    case 'move':
      doc.list.splice(write.to, 0, ...doc.list.splice(write.index, 1));
  }
};
