// Stands for node-postgres' own test/suite.js: one line of JSON per test on descriptor 3, and a failed
// test does not keep the others from running.
const { writeSync } = require('node:fs');

function report(name, state, error) {
  writeSync(
    3,
    `${JSON.stringify({ name, state, error: error && String(error.stack ?? error) })}\n`,
  );
}

function runOne({ name, action, timeout }) {
  return new Promise((resolve) => {
    if (!action) return resolve(report(name, 'skipped'));
    let isDone = false;
    const settle = (error) => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      if (error) process.exitCode = 1;
      resolve(report(name, error ? 'failed' : 'passed', error));
    };
    const timer = setTimeout(() => settle(new Error(`not done within ${timeout} ms`)), timeout);
    try {
      if (action.length > 0) return action(settle);
      const result = action.call({ timeout });
      if (result && typeof result.then === 'function') result.then(() => settle(), settle);
      else settle();
    } catch (error) {
      settle(error);
    }
  });
}

module.exports = class Suite {
  constructor() {
    this.last = new Promise((resolve) => setImmediate(resolve));
  }

  test(name, action) {
    const test = { name, action, timeout: 5000 };
    this.last = this.last.then(() => runOne(test));
  }

  // Some files shorten or lengthen a test by its handle.
  testAsync(name, action) {
    this.test(name, action);
  }
};
