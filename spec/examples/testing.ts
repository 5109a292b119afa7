import fc from 'fast-check';
import {
  type Invariant,
  type SimulationOptions,
  shrinkRun,
  simulate,
  workloadOf,
  worldArbitrary,
} from 'syncline/testing';

// A shop on several devices. What is sold leaves the stock, and the product says what was sold.
const schema = [
  { name: 'Product', primaryKey: '_id', properties: { _id: 'string', stock: 'int', sold: 'int{}' } },
];
const sale = fc.record({
  _id: fc.uuid(),
  product: fc.constantFrom('bread', 'milk'),
  amount: fc.integer({ min: 1, max: 3 }),
});
const shop = (isCareful: boolean) =>
  workloadOf(fc, sale, (tx, { _id, product, amount }, device) => {
    const found = tx.object('Product', product);
    if (found === null) {
      if (device === 'A') tx.create('Product', { _id: product });
      return;
    }
    tx.dictionary('Product', product, ['sold']).set(_id, amount);
    if (isCareful) tx.increment('Product', product, ['stock'], -amount);
    // Wrong: whoever sells at the same time has read the same stock.
    else tx.set('Product', product, ['stock'], Number(found['stock']) - amount);
  });

// What must hold in every state that any device ever shows.
const stockAddsUp: Invariant = (client) => {
  for (const { _id, stock, sold } of client.objects('Product')) {
    const total = Object.values(sold ?? {}).reduce((sum, amount) => sum + Number(amount), 0);
    if (Number(stock) + total !== 0) return `${total} of ${_id} were sold, and its stock is ${stock}`;
  }
  return null;
};
const careful = { schema, workload: shop(true), invariants: { 'stock adds up': stockAddsUp } };
const careless = { ...careful, workload: shop(false) };

// Any devices, servers and faults: the careful shop adds up.
await fc.assert(
  fc.asyncProperty(worldArbitrary(fc), async (world) => {
    const { failure } = await simulate({ ...careful, ...world });
    if (failure !== null) throw new Error(`${failure.checker}: ${failure.message}`);
  }),
  { numRuns: 20, seed: 1 },
);
console.log('the careful shop adds up in 20 worlds');

// The careless one does not. The seed is all that it takes to see that again.
for (let seed = 1; ; seed++) {
  const options: SimulationOptions = { ...careless, seed };
  const report = await simulate(options);
  if (report.failure === null) continue;
  const { plan, failure, transcript } = (await shrinkRun(options, report, { tries: 200 })).report;
  console.log(`seed ${seed}: ${failure?.checker}: ${failure?.message}`);
  console.log(`made small: ${plan.devices} devices, ${plan.events.map(({ does }) => does).join(', ')}`);
  for (const line of transcript?.lines ?? []) console.log(line);
  break;
}
