/** Ours, to be measured as the others are: from changesets, each encoded by itself, to a segment. */
export const open = async (modules) => {
  const { Log } = await import(new URL("compaction-log.js", modules).href);
  const { encodeChangeset } = await import(new URL("../core/model/codec.js", modules).href);
  const { supersedeEncoded } = await import(new URL("../core/history/compact-encoded.js", modules).href);
  return {
    writer: (workload) => {
      const log = new Log(workload);
      return (transaction) => encodeChangeset(log.changeset(transaction));
    },
    compacted: (updates) => supersedeEncoded(updates, () => null).right,
  };
};
