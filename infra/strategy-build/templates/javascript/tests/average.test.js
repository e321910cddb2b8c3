import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Average } from '../average.js';

test('there is no average until the window is full', () => {
  const average = new Average(3);
  assert.deepEqual([3, 6, 9, 12].map((value) => average.update(value)), [undefined, undefined, 6, 9]);
});
