/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // For a busy machine; no test waits for it.
  testTimeout: 30_000,
  globalSetup: '<rootDir>/tests/prisma/support/generate.mjs',
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  // Built Next.js apps hold copies of package.json and of modules.
  modulePathIgnorePatterns: ['<rootDir>/tests/.*/\\.next/', '<rootDir>/tests/.*/\\.puff/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      },
    ],
  },
};
