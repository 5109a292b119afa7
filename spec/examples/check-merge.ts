import { test } from 'node:test';
import { transform } from 'syncline';
import { sampleVectors, vectorConformance } from 'syncline/testing';

// In place of transform: your own merge, or the engine's behind a binding. `readVectorLines` reads other files.
for (const { name, run } of vectorConformance(sampleVectors(), transform)) test(name, run);
