/**
 * json-joy: an object of objects with an array in each; the compacted form is the model in binary. Patches
 * are built by hand, as its own interface would build them, and only those on arrays need the model.
 */
import crdt from 'json-joy/lib/json-crdt/index.js';
import patch from 'json-joy/lib/json-crdt-patch/index.js';

const { Model } = crdt;
const { Patch, PatchBuilder, tss } = patch;
const SESSION = 65536;

class Writer {
  model = Model.create(undefined, SESSION);
  objects = new Map();

  constructor(fields, lists) {
    this.fields = fields;
    this.lists = lists;
    const { builder } = this.model.api;
    this.root = builder.obj();
    builder.setVal({ sid: 0, time: 0 }, this.root);
    this.first = builder.flush();
    this.model.applyPatch(this.first);
  }

  perform(builder, write) {
    const key = String(write.object);
    const object = this.objects.get(write.object);
    switch (write.kind) {
      case 'create': {
        const map = builder.obj();
        let list = null;
        if (this.lists) {
          list = builder.arr();
          builder.insObj(map, [['tags', list]]);
        }
        builder.insObj(this.root, [[key, map]]);
        this.objects.set(write.object, { map, list, elements: [] });
        break;
      }
      case 'erase':
        builder.insObj(this.root, [[key, builder.con(undefined)]]);
        break;
      case 'set':
        builder.insObj(object.map, [[this.fields[write.field], builder.con(write.value)]]);
        break;
      case 'insert':
        this.insert(builder, object, write.index, write.value);
        break;
      case 'remove':
        this.remove(builder, object, write.index);
        break;
      case 'replace':
        this.remove(builder, object, write.index);
        this.insert(builder, object, write.index, write.value);
        break;
      case 'move':
        this.insert(builder, object, write.to, this.remove(builder, object, write.index));
    }
  }

  insert(builder, { list, elements }, index, value) {
    const after = index === 0 ? list : elements[index - 1].id;
    const id = builder.insArr(list, after, [builder.con(value)]);
    elements.splice(index, 0, { id, value });
  }

  remove(builder, { list, elements }, index) {
    const [{ id, value }] = elements.splice(index, 1);
    builder.del(list, [tss(id.sid, id.time, 1)]);
    return value;
  }

  transaction(writes) {
    const { clock } = this.model;
    const builder = new PatchBuilder(clock);
    if (this.first !== null) {
      builder.patch.ops.push(...this.first.ops);
      this.first = null;
    }
    for (const write of writes) this.perform(builder, write);
    return builder.flush().toBinary();
  }
}

export const open = async (modules) => {
  const { fields } = await import(new URL("compaction-workload.js", modules).href);
  return {
    writer: ({ name }) => {
      const writer = new Writer(fields, name.startsWith('list'));
      return (transaction) => writer.transaction(transaction);
    },
    compacted: (updates) => {
      const model = Model.create(undefined, SESSION + 1);
      for (const update of updates) model.applyPatch(Patch.fromBinary(update));
      return model.toBinary();
    },
  };
};
