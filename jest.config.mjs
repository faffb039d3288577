export default {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/operator/dist', '<rootDir>/operator/api/dist'],
  testSequencer: '<rootDir>/test/sequencer.mjs',
  testTimeout: 60_000,
  // Modules of the experimental VM are never freed; and with a limit jest always runs files in workers, which it ends.
  workerIdleMemoryLimit: '1GB',
};
