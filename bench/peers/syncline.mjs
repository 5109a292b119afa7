/** Ours, to be measured as the others are. An update is a sequence of changesets, as an engine has them in memory. */
export const open = async (workload, modules) => {
  const { applied, baseOf, changesetsOf, merged } = await import(new URL('merge-subject.js', modules).href);
  const left = changesetsOf(workload.left, 2, workload.list);
  const right = changesetsOf(workload.right, 3, workload.list);
  const mine = applied(baseOf(workload), left);
  return {
    bulk: right,
    replica: () => ({ state: mine }),
    receive: (replica, changesets) => {
      replica.state = applied(replica.state, merged(left, changesets).right);
    },
  };
};
